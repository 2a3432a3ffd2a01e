from __future__ import annotations

import re
from pathlib import Path

import pytest

from imgapp.services.texts import names
from imgapp.services.texts.doubts import MAX_EXCERPT, RULES, Doubt, WrittenText, doubts_of
from imgapp.services.texts.phrases.hedges import HEDGES
from imgapp.services.texts.phrases.openings import OPENINGS
from imgapp.services.texts.phrases.positions import POSITIONS
from imgapp.services.texts.written_text import squeezed
from tests.services.texts.cases import Case
from tests.services.texts.form_cases import FORM
from tests.services.texts.good_texts import DESCRIPTIONS, GOOD
from tests.services.texts.names_cases import NAMES
from tests.services.texts.wording_cases import WORDING

CASES = {**FORM, **WORDING, **NAMES}
SPOKEN = {
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "no",
    "pl",
    "cs",
    "ru",
    "tr",
    "ja",
    "zh",
}


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule}-{at}")
        for rule in CASES
        for at, case in enumerate(CASES[rule])
    ],
)
def test_a_rule_finds_what_is_wrong_and_nothing_else(rule: str, case: Case) -> None:
    expected = None if case.excerpt is None else Doubt(rule, case.excerpt)
    assert RULES[rule].find(case.text) == expected, str(case)


@pytest.mark.parametrize(("language", "alt_text"), GOOD)
def test_a_good_alt_text_raises_nothing(language: str, alt_text: str) -> None:
    assert doubts_of(WrittenText(language, alt_text, filename="IMG_1.jpg")) == ()


@pytest.mark.parametrize(("language", "description"), DESCRIPTIONS)
def test_a_good_description_raises_nothing(language: str, description: str) -> None:
    alt_text = next(text for spoken, text in GOOD if spoken == language)
    assert doubts_of(WrittenText(language, alt_text, description)) == ()


def test_every_rule_has_right_and_wrong_texts() -> None:
    assert CASES.keys() == RULES.keys()
    for rule, cases in CASES.items():
        found = [case.excerpt is not None for case in cases]
        assert any(found), rule
        assert not all(found), rule


def test_every_rule_says_what_is_wrong_and_who_says_so() -> None:
    for key, rule in RULES.items():
        assert rule.id == key
        assert re.fullmatch(r"[a-z]+(?:_[a-z]+)*", rule.id)
        assert re.fullmatch(r"[A-Z][^.]{10,100}\.", rule.sentence), rule.sentence
        assert re.search(r"\S: https://[\w.-]+/\S*\Z", rule.source), rule.source


@pytest.mark.parametrize(
    "rule", ["image_of", "hedge", "colour_or_position_alone", "unsourced_name"]
)
def test_rules_of_words_are_tried_in_every_language_of_the_tables(rule: str) -> None:
    table = {"image_of": OPENINGS, "hedge": HEDGES, "colour_or_position_alone": POSITIONS}.get(rule)
    tried = {case.text.spoken for case in CASES[rule] if case.excerpt is not None}
    assert tried == SPOKEN == set(table or names.languages())


@pytest.mark.parametrize("language", ["fi", "und", "xx", "", "not a language"])
def test_a_language_without_a_table_is_left_alone(language: str) -> None:
    text = WrittenText(language, "Image of Barack Obama, possibly; see above")
    assert doubts_of(text) == ()


def test_a_rule_that_is_off_finds_nothing() -> None:
    text = WrittenText("en", "Image of a dog 🐶")
    assert [doubt.rule for doubt in doubts_of(text)] == ["image_of", "emoji"]
    assert [doubt.rule for doubt in doubts_of(text, {"emoji"})] == ["image_of"]
    assert doubts_of(text, off=RULES.keys()) == ()


def test_doubts_come_in_the_order_of_the_rules() -> None:
    text = WrittenText(
        "en", "IMAGE OF THE EIFFEL TOWER <br> possibly 😀 see above", same_as_others=True
    )
    found = [doubt.rule for doubt in doubts_of(text)]
    assert len(found) > 5
    assert found == [rule for rule in RULES if rule in found]


def test_an_excerpt_is_short_and_one_line() -> None:
    text = WrittenText("en", "", decorative=True, visible_text="word\n" * 200)
    (doubt,) = doubts_of(text)
    assert len(doubt.excerpt) == MAX_EXCERPT
    assert doubt.excerpt.startswith("word word")
    assert doubt.excerpt.endswith("…")


AWKWARD = (
    "a" * 20_000,
    "A" * 20_000,
    "A " * 10_000,
    "Ab " * 6_700,
    "Ab de " * 3_300,
    "scheint " * 2_500,
    "lijkt op " * 2_200,
    "&" * 20_000,
    "&a" * 10_000,
    "<a " * 6_700,
    "**" * 10_000,
    "[a](" * 5_000,
    "www." * 5_000,
    ".jpg" * 5_000,
    "1-" * 10_000,
    "img" + "1 " * 10_000,
    "“" * 20_000,
    "zdjęcie " + "a-" * 10_000,
    "the red " * 2_500,
    "AB, " * 5_000,
    "\U0001f468\u200d" * 10_000,
    "é" * 20_000,
    "の" * 20_000,
    ". " * 10_000,
    "\n" * 20_000,
    "St. " * 5_000,
)


@pytest.mark.parametrize("at", range(len(AWKWARD)), ids=lambda at: ascii(AWKWARD[at][:8]))
def test_a_text_of_any_kind_is_looked_through(at: int) -> None:
    """What grows with the square of a text would take minutes here, and meet the limit of a test."""
    part = AWKWARD[at]
    for language in {"en", "de", sorted(SPOKEN)[at % len(SPOKEN)]}:
        text = WrittenText(
            language, part, part, (part[:100],) * 100, None, part, part[:255], (part,) * 5
        )
        found = doubts_of(text, {"other_language"})
        assert "same_as_description" in {doubt.rule for doubt in found} or not squeezed(part)
        assert all(len(doubt.excerpt) <= MAX_EXCERPT for doubt in found)


def test_the_page_of_rules_names_each_with_its_sentence_and_source() -> None:
    page = (Path(__file__).parents[3] / "docs" / "doubts.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert [(row[0], row[1]) for row in rows] == [
        (f"`{rule.id}`", rule.sentence) for rule in RULES.values()
    ]
    for row, rule in zip(rows, RULES.values(), strict=True):
        named = re.findall(r"\[([^\]]+)\]\((\S+?)\)", row[2])
        assert "; ".join(f"{name}: {url}" for name, url in named) == rule.source
        assert len(row) == 5
        assert all(cell.strip() for cell in row)
