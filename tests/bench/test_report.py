"""What a benchmark prints is what is read back, and says which side is better."""

from __future__ import annotations

import math

import pytest

from bench.report import Result

RESULTS = [
    Result("ingest", 0.634, "12.3 pictures/s (median of 3 rounds)", low=0.7),
    Result("lists, page unchanged (304)", 1.25, "p95 3.1 ms: as before", high=3.0, measured=0.0031),
    Result("independence", 1.001, "median 90 ms", low=0.9, high=1.1),
    Result("push, time", math.inf, "3 not seen (limit 30 ms)", high=1.0),
    Result("without bounds", 12.0, ""),
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.name)
def test_a_line_is_read_back_as_it_was(result: Result) -> None:
    assert Result.of_line(result.line() + "\n") == result


def test_a_line_of_an_older_build_is_read() -> None:
    found = Result.of_line("first light: ratio 4.50 (at most 2) MISSED: 9.00 s, 2.00 s for libvips")
    assert found == Result("first light", 4.5, "9.00 s, 2.00 s for libvips", high=2.0)


@pytest.mark.parametrize("line", ["", "Building the page again", "first light: 4.5 s"])
def test_another_line_is_no_result(line: str) -> None:
    assert Result.of_line(line) is None


def test_the_bounds_say_which_side_is_better() -> None:
    directions = [result.lower_is_better for result in RESULTS]
    assert directions == [False, True, None, True, None]


def test_a_figure_outside_its_bounds_is_missed() -> None:
    assert [result.verdict for result in RESULTS] == ["MISSED", "ok", "ok", "MISSED", "ok"]
