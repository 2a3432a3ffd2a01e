"""What is looked for in words, and where in a text it is: run by Node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.node import run


def chips(query: str, zone: str = "UTC") -> list[str]:
    code = f"return it.chipsOf(new URLSearchParams({json.dumps(query)})).map((chip) => chip.text);"
    found: list[str] = run("find/find-words.js", code, zone=zone)
    return found


def test_each_filter_is_a_chip_and_what_makes_no_sense_is_none() -> None:
    query = "q=dog&status=failed&tag=sea&tag=ice&decorative=false&larger_than=2500000&sort=name&x=1"
    assert chips(query) == [
        "Not described",
        "Tag: sea",
        "Tag: ice",
        "Not decorative",
        "Over 2.5 MB",
    ]
    assert chips("status=lost&format=exe&orientation=") == []
    assert chips("uploaded_from=nonsense") == ["Since nonsense"]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Europe/Berlin"])
def test_days_are_those_of_the_browser_and_both_ends_are_included(zone: str) -> None:
    there_and_back = run(
        "find/find-words.js",
        """
        const from = it.momentOf("2026-03-29"), to = it.momentOf("2026-03-29", {end: true});
        const hours = (new Date(to) - new Date(from)) / 3600000;
        return [it.dayOf(from), it.dayOf(to, {end: true}), hours];
        """,
        zone=zone,
    )
    assert there_and_back == ["2026-03-29", "2026-03-29", 23 if zone == "Europe/Berlin" else 24]


def test_no_date_is_no_filter() -> None:
    assert (
        run("find/find-words.js", "return ['', 'x', '2026-1-1'].map((d) => it.momentOf(d));")
        == [None] * 3
    )


def marked(text: str, q: str) -> list[str]:
    code = (
        f"const text = {json.dumps(text)}; const pattern = it.patternOf({json.dumps(q)});"
        "return pattern ? it.spansOf(text, pattern).map(([a, b]) => text.slice(a, b)) : [];"
    )
    found: list[Any] = run("gallery/search-highlights.js", code)
    return found


@pytest.mark.parametrize(
    ("text", "q", "found"),
    [
        ("Two dogs and a hotdog", "dog", ["dogs"]),
        ("Die Universität", "universitat", ["Universität"]),
        ("Café crème", "creme CAFE", ["Café", "crème"]),
        ("A cat, no dog", "cat -dog", ["cat"]),
        ("A cat or a dog", "cat or dog", ["cat", "dog"]),
        ("on thin ice", '"thin ice"', ["thin", "ice"]),
        ("東京タワーの夜景", "タワー", ["タワー"]),
        ("A \U0001f600 dog", "dog", ["dog"]),
        ("a.b(c", "a.b(", ["a", "b"]),
        ("anything", "-dog", []),
        ("anything", "!!", []),
    ],
)
def test_what_was_searched_for_is_marked(text: str, q: str, found: list[str]) -> None:
    assert marked(text, q) == found
