"""Text differences: compare two texts word by word (diff)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

Kind = Literal["same", "added", "removed"]

_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_WORDS = 4_000
"""Beyond it two passages are shown one after the other: comparing takes the square of this."""


@dataclass(frozen=True)
class DiffPart:
    """A piece of text."""

    kind: Kind
    text: str


def differences(old: str, new: str) -> list[DiffPart]:
    """The way from the old text to the new one. Pieces of a kind are put together."""
    parts: list[DiffPart] = []
    for kind, text in _pieces(old, new):
        if parts and parts[-1].kind == kind:
            parts[-1] = DiffPart(kind, parts[-1].text + text)
        elif text:
            parts.append(DiffPart(kind, text))
    return parts


def _pieces(old: str, new: str) -> Iterator[tuple[Kind, str]]:
    # Lines first: only the passages that differ are compared word by word.
    for same, before, after in _compared(_LINES.findall(old), _LINES.findall(new)):
        if same:
            yield "same", after
            continue
        words = _WORDS.findall(before), _WORDS.findall(after)
        if sum(map(len, words)) > _MOST_WORDS:
            yield from (("removed", before), ("added", after))
            continue
        for alike, gone, come in _compared(*words):
            if alike:
                yield "same", come
            else:
                yield from (("removed", gone), ("added", come))


def _compared(old: list[str], new: list[str]) -> Iterator[tuple[bool, str, str]]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        yield tag == "equal", "".join(old[a:b]), "".join(new[c:d])
