"""News: when something last happened to a person's pictures, as far as this process was told."""

from __future__ import annotations

import time
from uuid import UUID


class News:
    """One per web process: the live bridge notes, pages that read again by and by ask."""

    def __init__(self) -> None:
        self._at: dict[UUID, float] = {}

    def note(self, user_id: UUID) -> None:
        """Something happened to this person's pictures."""
        self._at[user_id] = time.monotonic()

    def since(self, user_id: UUID, moment: float) -> bool:
        """Whether anything did since `moment` (`time.monotonic`)."""
        return self._at.get(user_id, 0.0) >= moment

    def forget(self, user_id: UUID) -> None:
        """Nobody is looking."""
        self._at.pop(user_id, None)


news = News()
