"""The live bridge: carries changes of a person's pictures into the pages they have open.

A lifespan task of every web process: it listens to the channels of the people who have a tab
connected here, reads the rows that changed and pushes them to those tabs. Changes that arrive while
a push is under way go out together in the next one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable
from typing import Any
from uuid import UUID

import reflex as rx

from imgapp.errors import ServiceUnavailable
from imgapp.models import ImageEvent
from imgapp.services.common.thread_pools import in_db
from imgapp.services.events import streams
from imgapp.services.library import card_rows, images, listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.ui.gallery.live_window import (
    ListChanges,
    live_tabs,
    patches_of,
    set_in_pages,
    values_of,
)
from imgapp.ui.gallery.page import GalleryState
from imgapp.ui.gallery.progress_watch import ProgressWatch
from imgapp.ui.gallery.trash_page import TrashState
from imgapp.ui.review.state import ReviewState, reviewing
from imgapp.ui.shell.cards import Card, card_of
from imgapp.ui.shell.connected_tabs import tabs
from imgapp.ui.shell.news import news
from imgapp.ui.shell.tab_state_store import TabStateStore

log = logging.getLogger(__name__)

_FORGET_EVERY = 15.0
_BATCH = 60
_RETRY_AFTER = 1.0
_TRIES = 3
"""After so many unexpected failures changes are given up, and tabs read their window again."""
_REST = 2.0
_LONGEST_REST = 0.15
_COUNTED = frozenset({"image_uploaded", "image_restored", "image_deleted"})
"""What changes how many pictures a person has."""
_UNHURRIED = frozenset({"image_claimed", "image_queued"})
"""What a result often follows at once, and then goes out with it."""
_UNHURRIED_AFTER = 0.2
_RELOAD_AFTER = 0.3


class Bridge:
    """One per web process."""

    def __init__(self, app: rx.App) -> None:
        self.app = app
        self.waiting: dict[UUID, dict[UUID, bool]] = {}
        self.pushing: dict[UUID, asyncio.Task[None]] = {}
        self.reloading: dict[UUID, asyncio.Task[None]] = {}
        self.told = time.time_ns() // 1_000_000
        self.progress = ProgressWatch(app, self._connected)

    async def run(self) -> None:
        """Listen until cancelled."""
        self.subscriber = streams.open_subscriber()
        tabs.on_first = self.subscriber.follow
        beside = [
            asyncio.create_task(self._forget_closed_tabs()),
            asyncio.create_task(self.progress.run()),
        ]
        try:
            async for event in self.subscriber.listen():
                if event is None:
                    await self._reload_everyone()
                else:
                    self.take(event)
        finally:
            tabs.on_first = None
            for task in beside:
                task.cancel()
            await self.subscriber.close()

    def take(self, event: ImageEvent) -> None:
        """Note a change; it is pushed at once, or with the others when a push is under way."""
        self.progress.note(event.user_id)
        news.note(event.user_id)
        if event.image_id is None:
            self._reload_soon(event.user_id)
            return
        waiting = self.waiting.setdefault(event.user_id, {})
        counted = event.kind in _COUNTED
        waiting[event.image_id] = waiting.get(event.image_id, False) or counted
        if event.kind in _UNHURRIED:
            asyncio.get_running_loop().call_later(_UNHURRIED_AFTER, self._start, event.user_id)
        else:
            self._start(event.user_id)

    def _reload_soon(self, user_id: UUID, tried: int = 0) -> None:
        """Let tabs read their window again: once for what comes soon."""
        if user_id not in self.reloading:
            reloading = self._reload_in_a_moment(user_id, tried)
            self.reloading[user_id] = asyncio.create_task(reloading)

    async def _reload_in_a_moment(self, user_id: UUID, tried: int) -> None:
        await asyncio.sleep(_RELOAD_AFTER + tried * _RETRY_AFTER)
        del self.reloading[user_id]
        await self._reload(user_id, tried)

    def _start(self, user_id: UUID) -> None:
        if user_id in self.waiting and user_id not in self.pushing:
            self.pushing[user_id] = asyncio.create_task(self._push_all(user_id))

    async def _push_all(self, user_id: UUID) -> None:
        failures = 0
        try:
            while changed := self.waiting.pop(user_id, None):
                began = time.monotonic()
                try:
                    await self._push(user_id, sorted(changed), recount=any(changed.values()))
                except ServiceUnavailable:
                    self._keep(user_id, changed)
                    await asyncio.sleep(_RETRY_AFTER)
                except Exception:
                    log.exception("push_failed", extra={"user_id": str(user_id)})
                    failures += 1
                    if failures % _TRIES:
                        self._keep(user_id, changed)
                    else:
                        self._reload_soon(user_id)
                    await asyncio.sleep(_RETRY_AFTER * min(failures, _TRIES))
                else:
                    failures = 0
                    # The busier the machine, the more changes go out together.
                    await asyncio.sleep(min(_REST * (time.monotonic() - began), _LONGEST_REST))
        finally:
            del self.pushing[user_id]

    def _keep(self, user_id: UUID, changed: dict[UUID, bool]) -> None:
        """Changes that were not pushed wait with those that came meanwhile: all are read again."""
        waiting = self.waiting.setdefault(user_id, {})
        for image_id, counted in changed.items():
            waiting[image_id] = waiting.get(image_id, False) or counted

    async def _push(self, user_id: UUID, changed: list[UUID], *, recount: bool) -> None:
        tokens = self._connected(user_id)
        if not tokens:
            return
        await self._tell_reviewers(tokens, changed)
        total = await in_db(images.count_images, user_id) if recount else None
        for start in range(0, len(changed), _BATCH):
            ids = changed[start : start + _BATCH]
            shown = list(map(card_of, await in_db(card_rows.read_among, user_id, ids)))
            batches = {
                wanted: _batch(ids, await self._matching(user_id, wanted, shown))
                for wanted in _lists(tokens)
            }
            await self._tell(user_id, batches, total)
        if total is not None:
            await _all(self._note(token, user_id, total) for token in tokens)

    async def _matching(self, user_id: UUID, wanted: ImageQuery, shown: list[Card]) -> list[Card]:
        if not wanted.filtered or not shown:
            return shown
        ids = [UUID(card.id) for card in shown]
        match = await in_db(listing.matching, user_id, wanted, ids)
        return [card for card in shown if UUID(card.id) in match]

    async def _tell(
        self, user_id: UUID, batches: dict[ImageQuery, ListChanges], total: int | None = None
    ) -> None:
        """Send a patch to the tabs that show one of these lists.

        One that went over to another list meanwhile notices that it misses a number.
        """
        patches, tokens, told = patches_of(user_id).push(batches), self._connected(user_id), []
        for wanted, patch in patches.items():
            values: dict[str, Any] = {"patch": patch}
            if total is not None:
                values["total"] = total
                if not wanted.filtered:
                    values["found"] = total
            those = [token for token in tokens if _shows(token, wanted)]
            told.append(set_in_pages(self.app, those, GalleryState, **values))
        await _all(told)

    async def _tell_reviewers(self, tokens: list[str], changed: list[UUID]) -> None:
        """Let tabs that review know which pictures changed; none named: all may have."""
        self.told += 1
        told = {"seq": self.told, "ids": list(map(str, changed))}
        those = [token for token in tokens if token in reviewing]
        await set_in_pages(self.app, those, ReviewState, news=told)

    async def _note(self, token: str, user_id: UUID, total: int | None) -> None:
        """Pictures came or went: what the state of a tab says has to be right, too."""
        async with self.app.modify_state(rx.BaseStateToken(ident=token, cls=GalleryState)) as state:
            if total is not None:
                (await state.get_state(GalleryState))._counted(total)
            await (await state.get_state(TrashState))._follow(user_id)

    def _connected(self, user_id: UUID) -> list[str]:
        namespace = self.app.event_namespace
        here = namespace._token_manager.token_to_socket if namespace else {}
        return [token for token in tabs.of(user_id) if token in here]

    async def _reload_everyone(self) -> None:
        """Events were missed: let every tab read its window again."""
        for user_id in tabs.people():
            self.progress.note(user_id)
            news.note(user_id)
            await self._reload(user_id)

    async def _reload(self, user_id: UUID, tried: int = 0) -> None:
        """Let the tabs of a person read their window again; not for ever, if that fails."""
        try:
            tokens = self._connected(user_id)
            patches_of(user_id).leave_out()
            await self._tell_reviewers(tokens, [])
            await self._tell(user_id, {wanted: ListChanges([], []) for wanted in _lists(tokens)})
            await _all(self._note(token, user_id, None) for token in tokens)
        except Exception:
            log.exception("reload_failed", extra={"user_id": str(user_id)})
            if tried < _TRIES:
                self._reload_soon(user_id, tried + 1)

    async def _forget_closed_tabs(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_EVERY)
            try:
                await self._forget()
            except Exception:
                log.exception("tabs_not_forgotten")

    async def _forget(self) -> None:
        for user_id in tabs.keep(self._here()):
            news.forget(user_id)
            await self.subscriber.unfollow(user_id)
        # Others may have connected meanwhile.
        here = self._here()
        for token in live_tabs.keys() - here:
            del live_tabs[token]
        reviewing.intersection_update(here)
        if isinstance(states := self.app.state_manager, TabStateStore):
            for token in states.here() - here:
                await states.let_go(token)

    def _here(self) -> set[str]:
        namespace = self.app.event_namespace
        return set(namespace.sid_to_token.values()) if namespace else set()


async def _all(told: Iterable[Awaitable[None]]) -> None:
    """Raises what the first that failed raised, once all of them have ended."""
    for outcome in await asyncio.gather(*told, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def _lists(tokens: list[str]) -> set[ImageQuery]:
    """What tabs look for: what changes is looked up once for all that look for the same."""
    return {live_tabs[token].wanted for token in tokens if token in live_tabs}


def _shows(token: str, wanted: ImageQuery) -> bool:
    return token in live_tabs and live_tabs[token].wanted == wanted


def _batch(ids: list[UUID], seen: list[Card]) -> ListChanges:
    gone = {str(image_id) for image_id in ids} - {card.id for card in seen}
    return ListChanges([values_of(card) for card in seen], sorted(gone))
