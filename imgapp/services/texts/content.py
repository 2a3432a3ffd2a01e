"""Content of a text: whether it fits its picture, its use and its language (lint rules).

Each finder gives what raised its doubt, "" if that is the whole text, and None for no doubt.
"""

from __future__ import annotations

import re
import unicodedata

from imgapp.adapters.languages import other_language as surely_other
from imgapp.services.library.missed_words import missed
from imgapp.services.texts.phrases import words
from imgapp.services.texts.written_text import WrittenText, squeezed

_MOST_SHOWN = 80
"""Letters and digits: what a picture shows beyond them has no room in an alt text."""
_WORTH_A_WORD = 2
_MOSTLY_MISSING = 0.5

_SCRIPTS = {
    **dict.fromkeys(("ja", "zh"), re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")),
    "ko": re.compile("[\u1100-\u11ff\uac00-\ud7af]"),
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk"), re.compile("[\u0400-\u052f]")),
    "el": re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    **dict.fromkeys(("ar", "fa", "ur"), re.compile("[\u0600-\u06ff]")),
    **dict.fromkeys(("hi", "mr", "ne"), re.compile("[\u0900-\u097f]")),
    "th": re.compile("[\u0e00-\u0e7f]"),
}
_LATIN = words(
    """
    en de fr es it pt nl sv da no fi pl cs sk sl hu ro tr et lv lt ca gl eu vi id ms
    """
)
_SMALL_LATIN = re.compile("(?<![^\\W\\d_])[a-zß-öø-ÿ]{2,}(?![^\\W\\d_])")
_LATIN_LETTER = re.compile("[a-zA-ZÀ-ɏḀ-ỿ]")
_OTHER_LETTER = re.compile(
    "[\u0370-\u052f\u0590-\u06ff\u0900-\u097f\u0e00-\u0e7f\u1100-\u11ff\u3040-\u9fff\uac00-\ud7af]"
)
_ENOUGH_WORDS = 4
_ENOUGH_TO_DETECT = 2_000


def empty(text: WrittenText) -> str | None:
    """There is no alt text, though nobody said that the picture is decorative."""
    return "" if not text.alt and not text.unadorned else None


def decorative_with_text(text: WrittenText) -> str | None:
    """A picture that is said to be decorative shows words."""
    if not text.unadorned or len(squeezed(text.shown)) < _WORTH_A_WORD:
        return None
    return text.shown


def decorative_with_alt_text(text: WrittenText) -> str | None:
    """A picture that is said to be decorative has an alt text all the same."""
    return "" if text.unadorned and text.alt else None


def too_long(text: WrittenText) -> str | None:
    """The alt text is longer than one for its use may be; a wide character counts as two."""
    wide = (
        0
        if text.alt.isascii()
        else sum(unicodedata.east_asian_width(char) in "WF" for char in text.alt)
    )
    return "" if len(text.alt) + wide > text.longest else None


def same_as_another(text: WrittenText) -> str | None:
    """Another picture of this person has the very same alt text."""
    return "" if text.same_as_others and text.alt and not text.unadorned else None


def same_as_description(text: WrittenText) -> str | None:
    """The description says what the alt text says, and no more."""
    alt = squeezed(text.alt)
    return "" if alt and alt == squeezed(text.long) else None


def missing_text(text: WrittenText) -> str | None:
    """Most of the few words that the picture shows are in neither alt text nor description."""
    if not text.alt or not text.shown or text.unadorned:
        return None
    size = len(squeezed(text.shown)) if len(text.shown) <= 4 * _MOST_SHOWN else _MOST_SHOWN + 1
    if not _WORTH_A_WORD <= size <= _MOST_SHOWN:
        return None
    lines = [line.strip() for line in text.shown.splitlines() if _is_readable(line, text.alt)]
    total = sum(len(squeezed(line)) for line in lines)
    missing = missed(lines, [text.alt, text.long])
    unsaid = sum(len(squeezed(line)) for line in missing)
    return missing[0] if total and unsaid >= _MOSTLY_MISSING * total else None


def _is_readable(line: str, alt: str) -> bool:
    """Whether a line has a word, in a script that the alt text is written in too."""
    if len(squeezed(line)) < _WORTH_A_WORD:
        return False
    return not _OTHER_LETTER.search(line) or _OTHER_LETTER.search(alt) is not None


def other_language(text: WrittenText) -> str | None:
    """The texts are surely in another language than the one that is said."""
    prose = text.prose[:_ENOUGH_TO_DETECT]
    if _other_script(text, prose):
        return ""
    return "" if surely_other(prose, text.language, text.shown[:_ENOUGH_TO_DETECT]) else None


def _other_script(text: WrittenText, prose: str) -> bool:
    """Whether not a letter is of the language's script: that tells also of short texts."""
    script = text.language.lower().split("-")[1:2]
    if script in (["latn"], ["cyrl"]):
        return False
    if (own := _SCRIPTS.get(text.spoken)) is not None:
        unseen = [word for word in _SMALL_LATIN.findall(prose) if not text.shows(word)]
        return len(unseen) >= _ENOUGH_WORDS and not own.search(prose)
    if text.spoken in _LATIN and not _LATIN_LETTER.search(prose):
        letters = "".join(_OTHER_LETTER.findall(prose))
        return len(letters) >= 2 * _ENOUGH_WORDS and not text.shows(letters)
    return False
