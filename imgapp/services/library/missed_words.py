"""Missed words: lines that were read in a picture and that none of its texts says (diff).

Pure functions. Neither case, accents, spaces nor punctuation count, nor single slips of the reader.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from imgapp.models import ImagePublic

READ = "read"
"""The key of `facts` that holds the lines which were read."""
_WORD = re.compile(r"[^\W_]+")
_KNOWN = 0.6
"""The share of a line's letters in words that a text has, from which on it has the line."""


def missed(read: Sequence[str], texts: Iterable[str | None]) -> list[str]:
    """The lines of `read` that are in none of the texts, each once."""
    words = [_WORD.findall(_folded(text)) for text in texts if text]
    known, said = set().union(*words), "".join(word for some in words for word in some)
    lines = dict.fromkeys(read)
    return [line for line in lines if not _is_said(_WORD.findall(_folded(line)), known, said)]


def missed_of(image: ImagePublic) -> list[str]:
    """What was read in a picture and is in none of its texts now."""
    texts = (image.visible_text, image.alt_text, image.description)
    return missed(image.facts.get(READ, []), texts)


def added(visible_text: str | None, lines: Sequence[str]) -> str:
    """A visible text with these lines after it."""
    return "\n".join(filter(None, [visible_text, *lines]))


def _is_said(line: list[str], known: set[str], said: str) -> bool:
    run = "".join(line)
    if not run or run in said:
        return True
    return sum(len(word) for word in line if word in known) >= _KNOWN * len(run)


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))
