"""Carried words: what one metadata block says of its picture, by language (BCP 47)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

DEFAULT = "x-default"
"""Marks a text whose language is not said, as in XMP (ISO 16684-1, 8.2.2.4)."""

Texts = dict[str, str]
"""One text in some languages, in the order of the file."""

_SUBTAGS = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", re.IGNORECASE)
_LONGEST_TAG = 35
_NO_LANGUAGE = ("mis", "mul", "und", "zxx")


@dataclass
class CarriedWords:
    """The words of a block. Captions are descriptions, the better ones first."""

    alt_text: Texts = field(default_factory=dict)
    captions: list[Texts] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)


def language_tag(said: str) -> str:
    """A language tag as it is usually written (RFC 5646, 2.1.1), without extensions: "de_at" is
    "de-AT". `DEFAULT` if it is none, or says no language."""
    found = _SUBTAGS.match(said.strip().replace("_", "-"))
    if found is None or said.strip()[found.end() :][:1] not in ("", "-", "_"):
        return DEFAULT
    first, *others = found[0].lower().split("-")
    written = {2: str.upper, 4: str.title}
    tag = "-".join([first, *(written.get(len(one), str)(one) for one in others)])
    return tag if len(tag) <= _LONGEST_TAG and first not in _NO_LANGUAGE else DEFAULT


def choose(texts: Texts) -> tuple[str, str | None]:
    """The default text and its language, else the first one; ("", None) if there is none.

    A default is in the language in which the same text stands once more.
    """
    said = {tag: text for tag, text in texts.items() if text.strip()}
    if not said:
        return "", None
    text = said.get(DEFAULT) or next(iter(said.values()))
    return text, next((tag for tag in said if tag != DEFAULT and said[tag] == text), None)
