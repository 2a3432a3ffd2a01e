"""Wording: phrases that a text should not have, in the languages that have a table (lint rules).

Each finder gives the phrase, or None; in a language without a table it is silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from imgapp.services.texts.phrases.hedges import HEDGES
from imgapp.services.texts.phrases.openings import ENDINGS, OPENINGS
from imgapp.services.texts.phrases.positions import POSITIONS
from imgapp.services.texts.written_text import WrittenText

_UNSPACED = ("ja", "zh")
"""Languages that put no spaces between words."""


def image_of(text: WrittenText) -> str | None:
    """The alt text begins (or ends) with saying that it is a picture of something."""
    opening, ending = _opening(text.spoken), _ending(text.spoken)
    match = (opening and opening.match(text.alt)) or (ending and ending.search(text.alt[-60:]))
    return match[0].strip() if match else None


def hedge(text: WrittenText) -> str | None:
    """A word with which the writer is not sure, in alt text or description."""
    pattern = _anywhere(text.spoken, "hedge")
    return _unshown(pattern, text.prose, text) if pattern else None


def colour_or_position_alone(text: WrittenText) -> str | None:
    """The alt text points at something by its colour or place alone."""
    pattern = _anywhere(text.spoken, "position")
    return _unshown(pattern, text.alt, text) if pattern else None


def _unshown(pattern: re.Pattern[str], written: str, text: WrittenText) -> str | None:
    found = (match[0] for match in pattern.finditer(written))
    return next((words for words in found if not text.shows(words)), None)


@lru_cache(maxsize=64)
def _opening(language: str) -> re.Pattern[str] | None:
    if (phrases := OPENINGS.get(language)) is None:
        return None
    end = "" if language in _UNSPACED else r"(?!\w)|(?<=[ '’:])"
    return re.compile(rf"\W{{0,3}}(?:{_either(phrases)})(?:{end})", re.I)


@lru_cache(maxsize=64)
def _ending(language: str) -> re.Pattern[str] | None:
    phrases = ENDINGS.get(language)
    return re.compile(rf"(?:{_either(phrases)})\W{{0,2}}\Z", re.I) if phrases else None


@lru_cache(maxsize=64)
def _anywhere(language: str, kind: str) -> re.Pattern[str] | None:
    phrases = {"hedge": HEDGES, "position": POSITIONS}[kind].get(language)
    if phrases is None:
        return None
    if language in _UNSPACED:
        return re.compile(_either(phrases))
    return re.compile(rf"(?<!\w)(?:{_either(phrases)})(?!\w)", re.I)


def _either(phrases: Iterable[str]) -> str:
    return "|".join(phrases)
