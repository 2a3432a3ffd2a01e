from __future__ import annotations

import pytest

from imgapp.services.common.sanitize import MAX_TAG_LENGTH, clean_line, clean_tags, clean_text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  a dog \n", "a dog"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("nul\x00 bell\x07 del\x7f c1\x85", "nul bell del c1"),
        ("half \ud83d of a pair", "half  of a pair"),
        ("\u2067\u05e9\u05dd\u2069 \U0001f469\u200d\U0001f680",) * 2,
        ("cafe\u0301", "caf\u00e9"),
        ("", ""),
    ],
)
def test_text_keeps_what_people_write_and_nothing_that_cannot_be_stored(
    given: str, kept: str
) -> None:
    assert clean_text(given) == kept


def test_a_line_has_single_spaces() -> None:
    assert clean_line(" a \n\t b\u00a0c ") == "a b c"


def test_tags_are_each_there_once_whatever_their_case() -> None:
    assert clean_tags([" Dog ", "dog", "DOG", "Straße", "STRASSE"]) == ["Dog", "Straße"]


def test_composed_and_decomposed_letters_are_one_tag() -> None:
    assert clean_tags(["cafe\u0301", "caf\u00e9", "CAFE\u0301"]) == ["caf\u00e9"]


def test_empty_tags_are_dropped() -> None:
    assert clean_tags(["", "  ", "\x00", "a"]) == ["a"]


def test_long_tags_are_cut() -> None:
    assert clean_tags(["x" * 99 + " y"]) == ["x" * 99]
    assert len(clean_tags(["x" * 500])[0]) == MAX_TAG_LENGTH
