"""docs/security.md names a proof for each promise: the proofs are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    for file, test in named:
        source = (ROOT / file).read_text()
        assert not test or f"def {test}(" in source, f"{file}::{test}"


def test_every_promise_has_a_proof() -> None:
    for section in PAGE.split("\n## ")[1:]:
        header, *rows = [line for line in section.splitlines() if line.startswith("|")] or [""]
        if header == "| promise | proof |":
            assert all("`tests/" in row for row in rows[1:]), section.splitlines()[0]
