"""Notices: short messages over the page, and the one place where a failure becomes one (toasts)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import reflex as rx
from pydantic import BaseModel, ValidationError

from imgapp.errors import ImgappError, NotFound, NotSignedIn
from imgapp.services.common.thread_pools import in_io
from imgapp.services.library import bulk
from imgapp.services.texts import bulk_approval
from imgapp.ui.shell.reason_words import pictures
from imgapp.ui.shell.reflex_types import as_text, either, handler
from imgapp.ui.shell.viewer_context import current_viewer

log = logging.getLogger(__name__)

S = TypeVar("S", bound=BaseModel)


MOST_SHOWN = 4


@dataclass
class Notice:
    """One message. An error stays until it is dismissed."""

    serial: int
    text: str
    is_error: bool = False
    can_undo: bool = False


@dataclass(frozen=True)
class ApprovedTexts:
    """Texts that were approved at once, over at `until` (`bulk_approval.take_back`)."""

    images: tuple[UUID, ...]
    language: str | None
    until: datetime


@dataclass(frozen=True)
class Undo:
    """What takes something back."""

    trashed: tuple[UUID, ...] = ()
    """Pictures that come out of the trash again."""
    tags: tuple[dict[str, Any], ...] = ()
    """Tags as they were (`bulk.Outcome.before`)."""
    approved: ApprovedTexts | None = None

    def take_back(self, user_id: UUID) -> bulk.BulkResult:
        """Raises DatabaseUnavailable."""
        if self.tags:
            return bulk.undo_tags(user_id, self.tags)
        if done := self.approved:
            return bulk_approval.take_back(user_id, done.images, done.language, done.until)
        return bulk.restore(user_id, self.trashed)


class NoticeState(rx.State):
    """The messages that are shown, the newest last."""

    notices: list[Notice] = []
    _undo: dict[int, Undo] = {}
    _serial: int = 0

    @handler
    async def dismiss(self, serial: int) -> None:
        current_viewer()
        self._drop(serial)

    @handler
    async def say_that_it_failed(self) -> None:
        current_viewer()
        await say(self, "Something went wrong. Try again in a moment.", is_error=True)

    @handler
    async def undo(self, serial: int) -> None:
        user, undo = current_viewer().user_id, self._undo.get(serial)
        if undo is None:
            return
        async with failures_shown(self):
            outcome = await in_io(undo.take_back, user)
            self._drop(serial)
            self._add(_undone(outcome), is_error=False, undo=None)

    def _add(self, text: str, is_error: bool, undo: Undo | None) -> None:
        self._serial += 1
        if undo is not None:
            self._undo[self._serial] = undo
        # What left by itself a while ago is still in the list: errors are kept before the others.
        kept = [notice for notice in self.notices if notice.is_error][-MOST_SHOWN:]
        kept += [notice for notice in self.notices if not notice.is_error][-1:]
        added = Notice(self._serial, text, is_error, undo is not None)
        self.notices = [*sorted(kept, key=lambda notice: notice.serial), added]
        shown = {notice.serial for notice in self.notices}
        self._undo = {serial: one for serial, one in self._undo.items() if serial in shown}

    def _drop(self, serial: int) -> None:
        self.notices = [notice for notice in self.notices if notice.serial != serial]
        self._undo.pop(serial, None)


def _undone(outcome: bulk.BulkResult) -> str:
    if not outcome.changed:
        return "Nothing was left to undo: it was changed again, or removed"
    return with_those_left(f"Undone: {pictures(len(outcome.changed))}", outcome)


def with_those_left(said: str, outcome: bulk.BulkResult) -> str:
    """What was done, and how many pictures were not reached, if there are any."""
    return f"{said}; {pictures(outcome.left)} could not be reached" if outcome.left else said


async def say(
    state: rx.State, text: str, *, is_error: bool = False, undo: Undo | None = None
) -> None:
    """Show a message; with `undo`, offer to take back what it says."""
    (await state.get_state(NoticeState))._add(text, is_error, undo)


@asynccontextmanager
async def failures_shown(state: rx.State) -> AsyncIterator[None]:
    """Turn what services raise into a message."""
    try:
        yield
    except NotSignedIn:
        raise
    except ImgappError as error:
        log.warning("action_failed", extra={"code": error.code})
        await say(state, error.detail, is_error=True)


async def fitting(state: rx.State, shape: type[S], said: dict[str, Any]) -> S | None:
    """What came from the browser, if it fits; else None, and a message."""
    try:
        return shape(**said)
    except ValidationError as error:
        await say(state, error.errors()[0]["msg"].removeprefix("Value error, "), is_error=True)
        return None


def id_of(text: str) -> UUID:
    """An id that came from the browser. Raises NotFound."""
    try:
        return UUID(str(text))
    except ValueError:
        raise NotFound from None


def notice() -> rx.Component:
    """The messages, at the bottom of the page. Announced politely, or at once if it is an error."""
    # A role "status" of their own would have some readers say them twice.
    return rx.el.div(
        rx.foreach(NoticeState.notices, _notice), class_name="notices", aria_live="polite"
    )


def _notice(notice: Notice) -> rx.Component:
    return rx.el.div(
        rx.cond(
            notice.is_error,
            rx.icon("triangle-alert", size=18, class_name="notice-icon", aria_hidden="true"),
            rx.icon("check", size=18, class_name="notice-icon", aria_hidden="true"),
        ),
        rx.el.span(notice.text),
        rx.cond(
            notice.can_undo,
            rx.el.button(
                "Undo",
                type="button",
                class_name="button ghost small undo",
                on_click=NoticeState.undo(notice.serial),
            ),
        ),
        rx.el.button(
            rx.icon("x", size=16),
            type="button",
            class_name="button ghost icon small",
            aria_label="Dismiss this message",
            on_click=NoticeState.dismiss(notice.serial),
        ),
        key=as_text(notice.serial),
        role=either(notice.is_error, "alert", "none"),
        class_name=either(notice.is_error, "notice error", "notice"),
    )
