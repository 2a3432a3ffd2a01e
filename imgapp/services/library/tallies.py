"""Tallies: how many of a person's pictures are in which state, as kept at each change.

In `image_tallies`, and in `image_tally_changes` what the worker has not added to them yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text

from imgapp.adapters.db import transaction
from imgapp.models import AnalysisStatus

TALLIES = (
    "SELECT status, reason, no_alt_text, sum(images)::bigint AS images FROM ("
    "SELECT status, reason, no_alt_text, images FROM image_tallies"
    " UNION ALL SELECT status, reason, no_alt_text, change FROM image_tally_changes"
    ") t GROUP BY status, reason, no_alt_text HAVING sum(images) > 0"
)
"""As the person; in a transaction of theirs, or in one exchange with others (`db.read`)."""
_MOST = 100_000
_ADD_UP = text("SELECT imgapp_add_up_tallies(:most)")


class Tally(NamedTuple):
    """How many pictures, outside the trash, are in one state."""

    status: str
    reason: str
    """What they wait for, or why they failed; else empty."""
    no_alt_text: bool
    images: int


def tallies_of(rows: Sequence[Any]) -> list[Tally]:
    """From what `TALLIES` finds."""
    return [Tally(row.status, row.reason, row.no_alt_text, int(row.images)) for row in rows]


def number(tallies: Iterable[Tally], status: AnalysisStatus) -> int:
    """How many are in a state, for whatever reason."""
    return sum(one.images for one in tallies if one.status == status)


def by_reason(tallies: Iterable[Tally], status: AnalysisStatus) -> list[tuple[str, int]]:
    """How many are in a state for each reason, the most frequent first."""
    found: Counter[str] = Counter()
    for one in tallies:
        if one.status == status:
            found[one.reason] += one.images
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def number_where(tallies: Iterable[Tally], wanted: Callable[[Tally], bool]) -> int:
    """How many are in the states that are wanted."""
    return sum(one.images for one in tallies if wanted(one))


def add_up() -> None:
    """Add up what has changed, so that there is little to read. Raises DatabaseUnavailable."""
    with transaction() as session:
        session.execute(_ADD_UP, {"most": _MOST})
