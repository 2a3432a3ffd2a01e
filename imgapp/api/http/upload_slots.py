"""Upload slots: limit uploads in flight per person and process; others wait (semaphore)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from imgapp.errors import RateLimited
from imgapp.settings import get_settings

PATIENCE_SECONDS = 15.0
"""Waiting costs a connection and nothing else: the body is not read yet."""
_MOST_WAITING = 10  # times as many as are received


class _Slots:
    def __init__(self, places: int) -> None:
        self.places = asyncio.Semaphore(places)
        self.here = 0


_people: dict[tuple[UUID, bool], _Slots] = {}


@asynccontextmanager
async def upload_turn(user_id: UUID, *, bulk: bool = False) -> AsyncIterator[None]:
    """Wait for a place among the person's uploads, or those of batches. Raises RateLimited."""
    most = get_settings().uploads_at_once
    turns = _people.setdefault((user_id, bulk), _Slots(most))
    if turns.here >= most * (1 + _MOST_WAITING):
        raise _too_many(most)
    turns.here += 1
    try:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await turns.places.acquire()
        except TimeoutError:
            raise _too_many(most) from None
        try:
            yield
        finally:
            turns.places.release()
    finally:
        turns.here -= 1
        if not turns.here:
            _people.pop((user_id, bulk), None)


def _too_many(most: int) -> RateLimited:
    return RateLimited(
        f"More than {most} uploads are under way at the same time. Let some of them end first.",
        retry_after=5,
    )
