from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from imgapp.services.common.csv_files import csv_bytes, write_csv

FORMULAS = [
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  \n=1"),
    *("＝1", "＋1", "－1", "＠a", " ＝1"),
]


def cell(value: Any) -> str:
    table = csv_bytes(["name"], [[value]]).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(table, newline="")))[1][0]


@pytest.mark.parametrize("text", [*FORMULAS, "'=1", "'"])
def test_no_cell_is_a_formula_and_one_apostrophe_less_is_the_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "1-1", "Füße", 'a "b", c\r\nd', " a"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_values_that_are_no_texts() -> None:
    values = (True, False, ["sea", "dog"], 4000)
    assert [cell(value) for value in values] == ["true", "false", "sea; dog", "4000"]
    assert cell(["=1", "b"]) == "'=1; b"
    assert csv_bytes(["a", "b"], [[None, None]]) == b"\xef\xbb\xbfa,b\r\n,\r\n"


def test_a_file_is_written_a_row_at_a_time_and_says_how_many() -> None:
    file = io.StringIO(newline="")
    assert write_csv(file, ["a"], ([n] for n in range(3))) == 3
    assert file.getvalue() == "\ufeffa\r\n0\r\n1\r\n2\r\n"
    assert write_csv(io.StringIO(newline=""), ["a"], []) == 0
