"""The progress watch: tells open pages how far pictures are, every two seconds at most.

An event says that something happened to a person's pictures; how far they all are is then counted
once, however many tabs are open and however much happened.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import reflex as rx

from imgapp.errors import ServiceUnavailable
from imgapp.ui.gallery.progress_strip import ProgressState, ProgressView, read_view
from imgapp.ui.shell.connected_tabs import tabs

log = logging.getLogger(__name__)

INTERVAL = 2.0
LOOK_AGAIN = 6.0
"""Seconds: others move the line on, too, and servers come back."""
_SHARE = 20
"""Counting takes at most this part of the time."""


@dataclass
class CountedProgress:
    """What was counted last, and the time before which it is not counted again."""

    view: ProgressView
    at: float
    rest: float


class ProgressWatch:
    """One per web process. `connected` are the tabs of a person that are connected here."""

    def __init__(self, app: rx.App, connected: Callable[[UUID], list[str]]) -> None:
        self.app = app
        self._connected = connected
        self._noted: set[UUID] = set()
        self._looked: dict[UUID, CountedProgress] = {}

    def note(self, user_id: UUID) -> None:
        """Something happened to this person's pictures."""
        self._noted.add(user_id)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            for user_id in list(self._due(time.monotonic())):
                try:
                    await self._look(user_id)
                except ServiceUnavailable:
                    log.warning("progress_not_read")
                except Exception:
                    log.exception("progress_not_told")

    def _due(self, moment: float) -> Iterator[UUID]:
        people = tabs.people()
        self._noted &= set(people)
        for user_id in self._looked.keys() - people:
            del self._looked[user_id]
        for user_id in people:
            last = self._looked.get(user_id)
            wanted = (
                last is None
                or user_id in self._noted
                or (last.view.active and moment >= last.at + LOOK_AGAIN)
            )
            if wanted and (last is None or moment >= last.at + last.rest):
                yield user_id

    async def _look(self, user_id: UUID) -> None:
        noted = user_id in self._noted
        self._noted.discard(user_id)
        tokens = self._connected(user_id)
        if not tokens:
            self._looked.pop(user_id, None)
            return
        began = time.monotonic()
        try:
            view = await read_view(user_id)
        except Exception:
            self._noted.add(user_id)
            raise
        now, last = time.monotonic(), self._looked.get(user_id)
        self._looked[user_id] = CountedProgress(view, now, _SHARE * (now - began))
        # A tab reads it when it loads; of who has nothing under way, nothing else is to be told.
        changed = noted or view.active if last is None else last.view != view
        if changed:
            told = (self._tell(token, view) for token in tokens)
            for outcome in await asyncio.gather(*told, return_exceptions=True):
                if isinstance(outcome, Exception):
                    log.error("push_failed", exc_info=outcome, extra={"user_id": str(user_id)})
                    # All are told again the next time.
                    self._looked.pop(user_id, None)
                    self._noted.add(user_id)

    async def _tell(self, token: str, view: ProgressView) -> None:
        cls = ProgressState
        async with self.app.modify_state(rx.BaseStateToken(ident=token, cls=cls)) as state:
            (await state.get_state(cls))._show(view)
