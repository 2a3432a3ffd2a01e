"""Connected tabs: register the websockets of this process by person (presence)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from uuid import UUID


class Tabs:
    """The tabs connected to this process, by person.

    `on_first` runs before the first tab of a person loads.
    """

    def __init__(self) -> None:
        self._tokens: dict[UUID, set[str]] = defaultdict(set)
        self.on_first: Callable[[UUID], Awaitable[None]] | None = None

    async def add(self, user_id: UUID, token: str) -> None:
        known = self._tokens.get(user_id)
        if known is not None and token in known:
            return
        if not known and self.on_first is not None:
            await self.on_first(user_id)
        self._tokens[user_id].add(token)

    def of(self, user_id: UUID) -> list[str]:
        return list(self._tokens.get(user_id, ()))

    def people(self) -> list[UUID]:
        return list(self._tokens)

    def keep(self, connected: set[str]) -> list[UUID]:
        """Forget the tabs that are gone; the people who have none left here."""
        for tokens in self._tokens.values():
            tokens &= connected
        left = [user for user, tokens in self._tokens.items() if not tokens]
        for user in left:
            del self._tokens[user]
        return left


tabs = Tabs()
