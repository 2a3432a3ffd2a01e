"""Long pictures: decide how large a vision model sees them, and when in parts (tiles)."""

from __future__ import annotations

MODEL_SIDE = 1024
"""The long side of what a vision model is sent, in pixels."""
OVERLAP = 64
STEP = MODEL_SIDE - OVERLAP

_LONG = 3.0
"""How many times as long as wide a picture may be and still be seen in one piece."""
_SHORT_SIDE, _MOST_PARTS = 512, 10


def longest_side(width: int, height: int) -> int:
    """The long side of the copy for the model of a picture of this size, in pixels at most.

    That of a long one leaves its short side wide enough to be read, as far as `MODEL_SIDE` and ten
    parts allow.
    """
    long, short = max(width, height), max(1, min(width, height))
    if long <= _LONG * short:
        return MODEL_SIDE
    wanted = round(long * min(1.0, _SHORT_SIDE / short))
    return max(MODEL_SIDE, min(wanted, _MOST_PARTS * STEP + OVERLAP))


def is_long(width: int, height: int) -> bool:
    """Whether a picture of this size is sent in parts."""
    return longest_side(width, height) > MODEL_SIDE
