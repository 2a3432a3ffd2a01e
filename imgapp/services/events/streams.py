"""Event streams: follow one person's pictures, for programs and pages (server-sent events).

The rows are the truth: an event of Redis wakes the person's streams, which then read what changed.
Whatever Redis loses is found a moment later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from types import TracebackType
from uuid import UUID

from imgapp.adapters.events import Subscriber
from imgapp.adapters.termination import on_termination
from imgapp.errors import RateLimited, ShuttingDown
from imgapp.services.common.thread_pools import in_db
from imgapp.services.events.change_feed import ChangeReader, ImageChange, open_reader

log = logging.getLogger(__name__)

STREAMS_PER_PERSON = 10
"""In one web process."""
LOOK_AGAIN_SECONDS = 15.0
"""Rows are read so often though nothing is heard of."""
_REST_SECONDS = 0.05
"""Changes that come this close to one another are read together."""


def open_subscriber() -> Subscriber:
    """A subscriber to the channels of people, for the pages of this process; close it at the end.

    Raises QueueUnavailable.
    """
    return Subscriber()


class Stream:
    """One open stream of a person: `async with`, then `read` what is new, `wait`, and so on.

    Nothing is kept for a reader who is slow: what changes meanwhile is read later, once.
    """

    def __init__(self, user_id: UUID, last_id: str | None) -> None:
        self._user_id, self._last_id = user_id, last_id
        self._news = asyncio.Event()

    async def __aenter__(self) -> Stream:
        """Raises RateLimited, InvalidRequest (`last_id`), ServiceUnavailable."""
        self._hub = _hub()
        try:
            await self._hub.join(self._user_id, self._news)
            # After joining: nothing happens unheard between the two.
            self._reader: ChangeReader = await in_db(open_reader, self._user_id, self._last_id)
        except BaseException:
            await self._hub.leave(self._user_id, self._news)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._hub.leave(self._user_id, self._news)

    @property
    def id(self) -> str:
        """The id to go on from when nothing was read yet."""
        return self._reader.id

    @property
    def missed(self) -> bool:
        """Whether too much happened since `last_id` to tell: read the list again."""
        return self._reader.missed

    async def read(self) -> list[ImageChange]:
        """What is new, a few changes at a time. Raises ServiceUnavailable."""
        self._news.clear()
        self._rested_at = time.monotonic() + _REST_SECONDS
        reading = asyncio.ensure_future(in_db(self._reader.read))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            # The thread does not stop for it: whoever leaves waits until its connection is back.
            await asyncio.gather(reading, return_exceptions=True)
            raise

    async def wait(self, seconds: float) -> None:
        """Return when there may be something new, or after so many seconds. Raises ShuttingDown."""
        if not self._reader.more:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
                    await asyncio.sleep(self._rested_at - time.monotonic())
        if self._hub.ending:
            raise ShuttingDown


class _Hub:
    """All streams of one event loop, on one connection to Redis; closed with the last of them."""

    def __init__(self) -> None:
        self.ending = False
        self._subscriber = Subscriber()
        self._streams: dict[UUID, set[asyncio.Event]] = {}
        # Following and unfollowing one person in the wrong order would leave a stream deaf.
        self._order = asyncio.Lock()
        self._listening = asyncio.create_task(self._listen())

    async def join(self, user_id: UUID, news: asyncio.Event) -> None:
        streams = self._streams.setdefault(user_id, set())
        if len(streams) >= STREAMS_PER_PERSON:
            raise RateLimited(
                f"{STREAMS_PER_PERSON} streams of events are open. Close one of them first.",
                retry_after=LOOK_AGAIN_SECONDS,
            )
        streams.add(news)
        async with self._order:
            await self._subscriber.follow(user_id)

    async def leave(self, user_id: UUID, news: asyncio.Event) -> None:
        self._streams[user_id].discard(news)
        async with self._order:
            if not self._streams.get(user_id, True):
                del self._streams[user_id]
                await self._subscriber.unfollow(user_id)
            if not self._streams and not self._listening.cancelled():
                await self._close()

    def end(self) -> None:
        """Let every stream end."""
        self.ending = True
        for user_id in self._streams:
            self._wake(user_id)

    async def _close(self) -> None:
        _hubs.pop(asyncio.get_running_loop(), None)
        self._listening.cancel()
        with suppress(asyncio.CancelledError):
            await self._listening
        await self._subscriber.close()

    async def _listen(self) -> None:
        try:
            async for event in self._subscriber.listen():
                # None: some were lost, and nobody knows whose.
                for user_id in [event.user_id] if event else list(self._streams):
                    self._wake(user_id)
        except Exception:
            log.exception("events_not_heard")

    def _wake(self, user_id: UUID) -> None:
        for news in self._streams.get(user_id, ()):
            news.set()


_hubs: dict[asyncio.AbstractEventLoop, _Hub] = {}
_told_of_the_end = False


def _hub() -> _Hub:
    global _told_of_the_end
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = _Hub()
        # The server would wait for streams that do not end by themselves, and then kill them.
        _told_of_the_end = _told_of_the_end or on_termination(_end_all)
    return _hubs[loop]


def _end_all() -> None:
    """From a signal handler: nothing here but a word to each loop."""
    for loop, hub in list(_hubs.items()):
        loop.call_soon_threadsafe(hub.end)
