#!/bin/sh
# xllamacpp 2026.10.11549: its wheels for Linux need libgomp.so.1 of the system, and do not bring it.
#
# Expected: a manylinux2014 wheel is whole but for the libraries that PEP 599 lists; libgomp is not one of
# them. Seen: on a system without it (Debian's package libgomp1, which slim images leave out)
# `import xllamacpp` raises ImportError: libgomp.so.1: cannot open shared object file.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: xllamacpp==2026.10.11549
cat >look.py <<'END'
import sys
import zipfile
from pathlib import Path

(wheel,) = Path(".").glob("*.whl")
with zipfile.ZipFile(wheel) as files:
    names = files.namelist()
    (library,) = (name for name in names if name.endswith(".so"))
    needed = b"libgomp.so.1\0" in files.read(library)
print(wheel.name, "needs it" if needed else "does not need it")
sys.exit(not needed or any("libgomp" in name for name in names))
END
if venv/bin/python look.py; then
    echo "still so"
else
    echo "mended, or something else"
    exit 1
fi
