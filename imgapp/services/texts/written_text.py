"""Written text: what a rule looks at, one language of one picture (value object).

Pure. What is longer than any text can be is cut, so that no rule has more to read.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

from imgapp.adapters.languages import primary, unquoted

LONGEST = 250
"""Characters that an alt text may have: https://accessiblegraphics.org/formats/descriptions."""

UPPER = "".join(char for char in map(chr, range(0x2000)) if unicodedata.category(char) == "Lu")
"""Capital letters, for a class in a pattern."""

_MAX = 20_000
"""Characters of a text that are looked at: as many as a description may have."""
_MAX_KNOWN = 100_000
_MARKS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W_]+")
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class WrittenText:
    """The texts of one picture in one language (BCP 47), and what is known of the picture."""

    language: str
    alt_text: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    decorative: bool | None = None
    visible_text: str | None = None
    filename: str = ""
    known: tuple[str, ...] = ()
    """Everything in which a name may be known: glossary, contexts, facts, captions of the file."""
    same_as_others: bool = False
    """Another picture of this person has the very same alt text."""
    longest: int = LONGEST
    """Characters that its alt text may have."""
    use: str | None = None
    """informative, functional, decorative or complex."""

    @cached_property
    def spoken(self) -> str:
        """The language without script and region, as the tables of phrases name it."""
        return primary(self.language)

    @cached_property
    def alt(self) -> str:
        """The alt text, without white space around it; "" if there is none."""
        return (self.alt_text or "")[:_MAX].strip()

    @cached_property
    def long(self) -> str:
        """The description, likewise."""
        return (self.description or "")[:_MAX].strip()

    @cached_property
    def shown(self) -> str:
        """The visible text, likewise."""
        return (self.visible_text or "")[:_MAX].strip()

    @cached_property
    def prose(self) -> str:
        """Alt text and description, without what stands in quotation marks."""
        return unquoted(f"{self.alt}\n{self.long}" if self.long else self.alt)

    @cached_property
    def unadorned(self) -> bool:
        """Whether it is said to carry no information here."""
        return self.decorative is True or self.use == "decorative"

    @cached_property
    def sources(self) -> str:
        """All in which a name may be known, folded."""
        every = "\n".join([self.filename, self.shown, *self.known])
        return folded(every[:_MAX_KNOWN])

    @cached_property
    def source_words(self) -> frozenset[str]:
        """The words of that."""
        return frozenset(_WORD.findall(self.sources))

    def shows(self, words: str) -> bool:
        """Whether the picture shows these words, whatever their case, accents and spaces."""
        letters = squeezed(words) if self.shown else ""
        return bool(letters) and letters in self._shown_letters

    @cached_property
    def _shown_letters(self) -> str:
        return squeezed(self.shown)


def folded(text: str) -> str:
    """A text to compare: without case and accents (NFKD)."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))


def squeezed(text: str) -> str:
    """A text to compare: its letters and digits, folded."""
    return _NO_LETTERS.sub("", folded(text))
