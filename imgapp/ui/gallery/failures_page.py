"""`/failures`: one's own pictures that could not be described, why, and trying them again."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import reflex as rx

from imgapp.services.analysis import describe
from imgapp.services.common.thread_pools import in_db
from imgapp.services.queue import progress
from imgapp.services.queue.progress import FailurePublic, FailureReason
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reason_words import failure_words, pictures
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.retrying import queue_again
from imgapp.ui.shell.viewer_context import current_viewer

STEP = 60
MOST = 180
"""Rows that are read again while the page is looked at."""


@dataclass
class FailureRow:
    """A picture that could not be described."""

    id: str
    filename: str
    thumb: str
    message: str
    attempts: str
    at: str


@dataclass
class ReasonRow:
    """A reason, and how many pictures failed for it."""

    code: str
    words: str
    count: str


class FailuresState(rx.State):
    """The failures that one tab shows: all, or those of one reason."""

    email: str = ""
    loaded: bool = False
    failures: list[FailureRow] = []
    reasons: list[ReasonRow] = []
    chosen: str = ""
    total: str = ""
    """How many there are, of the chosen reason; empty for none."""
    many: bool = False
    """So many that it is asked first."""
    has_more: bool = False
    _next: str = ""

    @handler
    async def load(self) -> None:
        self.email, self.chosen = current_viewer().email, ""
        await self._read(STEP)

    @handler
    async def look(self) -> None:
        current_viewer()
        if len(self.failures) <= MOST:
            await self._read(max(len(self.failures), STEP))

    @handler
    async def choose(self, code: str) -> None:
        current_viewer()
        self.chosen = "" if self.chosen == str(code) else str(code)[:100]
        await self._read(STEP)

    @handler
    async def show_more(self) -> None:
        current_viewer()
        await self._read(STEP, self._next)

    @handler
    async def try_again(self, image_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(describe.request_analysis, user, id_of(image_id))
        await self._read(max(len(self.failures), STEP))

    @handler
    async def try_all(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            said = await queue_again(partial(progress.retry_failed, user, self.chosen or None))
            await say(self, said)
        self.chosen = ""
        await self._read(STEP)

    async def _read(self, limit: int, cursor: str = "") -> None:
        user, code = current_viewer().user_id, self.chosen or None
        async with failures_shown(self):
            found = (await in_db(progress.read_progress, user)).failures
            page = await in_db(
                progress.list_failures,
                user,
                code=code,
                limit=min(limit, 200),
                cursor=cursor or None,
            )
            rows = [failure_row(one) for one in page.items]
            self.failures = [*self.failures, *rows] if cursor else rows
            self._next, self.has_more = page.next_cursor or "", page.next_cursor is not None
            self.reasons = [reason_row(one) for one in found]
            total = sum(one.images for one in found if code in (None, one.code))
            self.total, self.many = pictures(total) if total else "", total > progress.FEW
            self.loaded = True


def failure_row(one: FailurePublic) -> FailureRow:
    """A failure in words."""
    tries = one.attempts + one.lost_attempts
    return FailureRow(
        id=str(one.id),
        filename=one.filename,
        thumb=one.thumbnail,
        message=one.error.message or failure_words(one.error.code),
        attempts=f"{tries} attempt{'' if tries == 1 else 's'}" if tries else "",
        at=one.failed_at.isoformat() if one.failed_at else "",
    )


def reason_row(one: FailureReason) -> ReasonRow:
    """A reason in words."""
    return ReasonRow(code=one.code, words=failure_words(one.code), count=f"{one.images:,}")
