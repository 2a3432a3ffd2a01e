"""Doubts: what the rules find in a written text that a person should look at (lint).

Pure: no database, no page, no model but the detector of languages. A doubt never blocks. What each
rule does not see is in docs/doubts.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from imgapp.services.texts import content, form, names, wording
from imgapp.services.texts.written_text import LONGEST, WrittenText

__all__ = ["LONGEST", "RULES", "RULES_VERSION", "Doubt", "Rule", "WrittenText", "doubts_of"]

RULES_VERSION = 1
"""Higher with every change of what the rules find: texts of a lower one are looked at again."""

MAX_EXCERPT = 100

_TECHNIQUES = "https://www.w3.org/WAI/WCAG22/Techniques"
_TUTORIAL = "https://www.w3.org/WAI/tutorials/images"


@dataclass(frozen=True)
class Doubt:
    """What a rule found in a text."""

    rule: str
    excerpt: str
    """What raised it, 100 characters at most; "" if it is the whole text."""


@dataclass(frozen=True)
class Rule:
    """One thing that may be wrong with a text."""

    id: str
    sentence: str
    """What is wrong, for the page."""
    source: str
    """Name and address of the public guidance."""
    finder: Callable[[WrittenText], str | None]
    """What raised the doubt, "" for the whole text, None for no doubt."""

    def find(self, text: WrittenText) -> Doubt | None:
        """The doubt that this rule has about a text, if it has one."""
        found = self.finder(text)
        return None if found is None else Doubt(self.id, _excerpt(found))


def doubts_of(text: WrittenText, off: Collection[str] = frozenset()) -> tuple[Doubt, ...]:
    """The doubts about a text, in the order of the rules; rules that are off have none."""
    found = (rule.find(text) for rule in RULES.values() if rule.id not in off)
    return tuple(doubt for doubt in found if doubt is not None)


def _excerpt(found: str) -> str:
    line = " ".join(found[: 4 * MAX_EXCERPT].split())
    return line if len(line) <= MAX_EXCERPT else f"{line[: MAX_EXCERPT - 1].rstrip()}…"


_ALL = (
    Rule(
        "empty",
        "There is no alt text, and nothing says that the picture is decorative.",
        f"WCAG 2.2, failure F65: {_TECHNIQUES}/failures/F65",
        content.empty,
    ),
    Rule(
        "decorative_with_text",
        "The picture is marked as decorative, but it shows words.",
        f"W3C, An alt Decision Tree: {_TUTORIAL}/decision-tree/",
        content.decorative_with_text,
    ),
    Rule(
        "decorative_with_alt_text",
        "The picture is marked as decorative, but it has an alt text.",
        f"WCAG 2.2, failure F39: {_TECHNIQUES}/failures/F39",
        content.decorative_with_alt_text,
    ),
    Rule(
        "unsourced_name",
        "It names somebody or something that nothing known of the picture names.",
        f"WCAG 2.2, technique G100: {_TECHNIQUES}/general/G100; "
        "MacLeod et al., CHI 2017, on trust in wrong captions: "
        "https://doi.org/10.1145/3025453.3025814",
        names.unsourced_name,
    ),
    Rule(
        "hedge",
        "It is not sure of what it says.",
        "Bookshare, Describing Images (be objective): https://www.bookshare.org/cms/describing-images",
        wording.hedge,
    ),
    Rule(
        "missing_text",
        "The picture shows words that neither alt text nor description says.",
        f"W3C, Images of Text: {_TUTORIAL}/textual/",
        content.missing_text,
    ),
    Rule(
        "other_language",
        "It is not written in the language that it is said to be in.",
        "WCAG 2.2, 3.1.2 Language of Parts: "
        "https://www.w3.org/WAI/WCAG22/Understanding/language-of-parts",
        content.other_language,
    ),
    Rule(
        "file_name",
        "The alt text is, or has, the name of a file.",
        f"WCAG 2.2, failure F30: {_TECHNIQUES}/failures/F30",
        form.file_name,
    ),
    Rule(
        "placeholder_text",
        "The alt text only keeps the place of one that is still to be written.",
        f"WCAG 2.2, failure F30: {_TECHNIQUES}/failures/F30",
        form.placeholder_text,
    ),
    Rule(
        "address",
        "The alt text has a web address that the picture does not show.",
        "W3C Auto-WCAG Community Group, Validate Text Alternative: "
        "https://www.w3.org/community/auto-wcag/wiki/Validate_Text_Alternative.html",
        form.address,
    ),
    Rule(
        "image_of",
        "The alt text says that it is a picture, which screen readers say by themselves.",
        f"W3C, Images Tutorial, Tips and Tricks: {_TUTORIAL}/tips/",
        wording.image_of,
    ),
    Rule(
        "too_long",
        "The alt text is longer than it may be for its use.",
        "Accessible Graphics, written descriptions (250 characters at most): "
        "https://accessiblegraphics.org/formats/descriptions; "
        f"W3C, Tips and Tricks: {_TUTORIAL}/tips/",
        content.too_long,
    ),
    Rule(
        "same_as_another",
        "Another picture has the very same alt text.",
        f"WCAG 2.2, technique G94: {_TECHNIQUES}/general/G94",
        content.same_as_another,
    ),
    Rule(
        "same_as_description",
        "The description only repeats the alt text.",
        f"W3C, Complex Images: {_TUTORIAL}/complex/",
        content.same_as_description,
    ),
    Rule(
        "markup",
        "It has HTML or Markdown in it, which is read out or shown as it stands.",
        "HTML Living Standard, requirements for alt: "
        "https://html.spec.whatwg.org/multipage/images.html#alt",
        form.markup,
    ),
    Rule(
        "emoji",
        "It has an emoji, which is read out with a name that nobody here chose.",
        f"WCAG 2.2, technique H86: {_TECHNIQUES}/html/H86",
        form.emoji,
    ),
    Rule(
        "all_capitals",
        "It has words in capitals, which are hard to read and may be spelled out.",
        "GOV.UK, A to Z of style: https://www.gov.uk/guidance/style-guide/a-to-z-of-gov-uk-style",
        form.all_capitals,
    ),
    Rule(
        "colour_or_position_alone",
        "It points at something by colour or place alone.",
        f"WCAG 2.2, technique G96: {_TECHNIQUES}/general/G96",
        wording.colour_or_position_alone,
    ),
)

RULES: Mapping[str, Rule] = {rule.id: rule for rule in _ALL}
"""By id, in the order in which doubts are shown: what is most likely wrong comes first."""
