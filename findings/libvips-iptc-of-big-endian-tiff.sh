#!/bin/sh
# libvips 8.18.7 (pyvips-binary 8.18.7): IPTC of a big-endian TIFF comes with every four bytes reversed.
#
# Expected: `iptc-data` of a TIFF whose tag 33723 has type LONG, as Photoshop writes it, is the block
# as it stands in the file, whatever the file's byte order. Seen: of a little-endian file (II) it is;
# of a big-endian file (MM) each four bytes are reversed, so that the block does not begin with 0x1C
# and no reader of IPTC finds its caption.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyvips==3.2.0 pyvips-binary==8.18.7
cat >look.py <<'END'
import struct
import sys

import pyvips

caption = b"A harbour at dawn."
block = b"\x1c\x02\x78" + struct.pack(">H", len(caption)) + caption
block += b"\0" * (-len(block) % 4)


def tiff(order):
    """An 8 x 8 grey picture with an IPTC block."""
    pixels = bytes(64)
    tags = [
        (256, 3, 1, 8), (257, 3, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 8), (279, 4, 1, 64),
        (33723, 4, len(block) // 4, 72),
    ]
    start = 72 + len(block)
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start) + pixels + block
    data += struct.pack(order + "H", len(tags))
    for tag, kind, count, value in tags:
        said = struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value)
        data += struct.pack(order + "HHI", tag, kind, count) + said
    return data + struct.pack(order + "I", 0)


seen = {o: pyvips.Image.new_from_buffer(tiff(o), "").get("iptc-data") for o in "<>"}
turned = b"".join(block[at : at + 4][::-1] for at in range(0, len(block), 4))
print("little-endian:", seen["<"])
print("big-endian:   ", seen[">"])
sys.exit(not (seen["<"] == block and seen[">"] == turned))
END
if venv/bin/python look.py; then
    echo "As seen on 2026-11-30: the block of the big-endian file is reversed in fours."
else
    echo "This has changed."
    exit 1
fi
