"""Right and wrong texts of a rule: what a rule has to leave alone, and what it has to find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imgapp.services.texts.doubts import WrittenText


@dataclass(frozen=True)
class Case:
    text: WrittenText
    excerpt: str | None
    """What the rule has to find, "" for the whole; None if it has to leave the text alone."""

    def __str__(self) -> str:
        return f"{self.text.language}: {self.text.alt or self.text.long}"[:60]


def right(language: str, alt_text: str | None = "A chair", **fields: Any) -> Case:
    return Case(WrittenText(language, alt_text, **fields), None)


def wrong(language: str, alt_text: str | None, excerpt: str = "", **fields: Any) -> Case:
    return Case(WrittenText(language, alt_text, **fields), excerpt)
