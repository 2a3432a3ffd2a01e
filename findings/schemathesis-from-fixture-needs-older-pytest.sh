#!/bin/sh
# schemathesis 4.32.5 beside pytest 9.2.0: a schema that comes from a fixture cannot be parametrised.
#
# Expected: the test that `schemathesis.pytest.from_fixture(...)` parametrises runs once for each
# operation of the document, and passes. Seen: it fails before its body is run, with
# "AttributeError: 'Function' object has no attribute '_nodeid'". The same document, loaded while the
# module is imported instead of in a fixture, is parametrised and passes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pytest==9.2.0 schemathesis==4.32.5
cat >document.py <<'END'
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {"/a": {"get": {"responses": {"200": {"description": "fine"}}}}},
}
END
cat >test_at_import.py <<'END'
import schemathesis
from document import DOCUMENT


@schemathesis.openapi.from_dict(DOCUMENT).parametrize()
def test_operation(case):
    assert case.path == "/a"
END
cat >test_from_fixture.py <<'END'
import pytest
import schemathesis
from document import DOCUMENT


@pytest.fixture
def document():
    return schemathesis.openapi.from_dict(DOCUMENT)


@schemathesis.pytest.from_fixture("document").parametrize()
def test_operation(case):
    assert case.path == "/a"
END
venv/bin/python -m pytest -q test_at_import.py | tee at_import.txt
grep -q "1 passed" at_import.txt
venv/bin/python -m pytest -q test_from_fixture.py | tee from_fixture.txt && status=0 || status=$?
if grep -q "'Function' object has no attribute '_nodeid'" from_fixture.txt; then
    echo "As seen on 2026-11-30: a schema from a fixture is not parametrised."
else
    echo "This has changed (exit $status)."
    exit 1
fi
