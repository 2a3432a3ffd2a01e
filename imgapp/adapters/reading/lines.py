"""Lines: choose what was read from what only looks written (confidence, noise).

The limits were found on 38 real photos, on noise, and on pages of twelve scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SURE = 0.9
"""Below this score, and with fewer letters and digits than `FEWEST`, noise is read."""
FEWEST = 3
MOST_CHARACTERS = 10_000
_HALF = 0.5


@dataclass(frozen=True)
class FoundLine:
    """Something that looks like a line of text."""

    text: str
    score: float
    """How sure the recogniser is, from 0 to 1."""
    share: float
    """Of the picture, from 0 to 1."""
    proportion: float
    """How many times as long as high: about its characters. A shape that was taken for a letter
    counts as one, however large."""


@dataclass(frozen=True)
class ChosenLines:
    """What was read. `share` is of the picture, `legible` of what looks written, from 0 to 1."""

    lines: list[str]
    share: float
    legible: float


def choose(found: Sequence[FoundLine]) -> ChosenLines:
    """The lines that count, none where most cannot be read: that is a script of which single lines
    look like Latin ones, as capitals in Cyrillic do."""
    kept = [line for line in found if _counts(line)]
    written = sum(line.proportion for line in found)
    legible = sum(line.proportion for line in kept) / written if written else 0.0
    if legible < _HALF:
        return ChosenLines([], 0.0, legible)
    share = sum(line.share for line in kept)
    return ChosenLines(_bounded([line.text for line in kept]), share, legible)


def _counts(line: FoundLine) -> bool:
    return line.score >= SURE and sum(map(str.isalnum, line.text)) >= FEWEST


def _bounded(lines: list[str]) -> list[str]:
    kept, left = [], MOST_CHARACTERS
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return kept
