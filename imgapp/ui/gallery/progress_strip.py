"""The progress strip: shows 3 of 40 done over the gallery, and what the others wait for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import reflex as rx

from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import listing
from imgapp.services.queue import progress
from imgapp.services.queue.progress import ProgressPublic, WaitingFor
from imgapp.ui.shell.client_components import PlainLink
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reason_words import duration_words, pictures
from imgapp.ui.shell.reflex_types import either, handler
from imgapp.ui.shell.settings_layout import moment
from imgapp.ui.shell.viewer_context import current_viewer

_SLOW = 5.0
"""Seconds a picture from which on it is worth saying."""
_MANY = 8
"""Of fewer pictures, it is not said how many quarters are done."""
_QUARTERS = (
    "Your pictures are being described.",
    "A quarter of your pictures is done.",
    "Half of your pictures are done.",
    "Three quarters of your pictures are done.",
)


@dataclass
class WaitRow:
    """Something that pictures wait for, as a sentence without its end."""

    text: str
    since: str


@dataclass
class ProgressView:
    """How far a person's pictures are, in words."""

    active: bool = False
    """Whether something waits or is being described."""
    done: int = 0
    total: int = 0
    headline: str = ""
    detail: str = ""
    waits: list[WaitRow] = field(default_factory=list)
    failed: str = ""
    """How many could not be described; empty for none."""
    needing: int = 0
    """How many are described and still without an alt text."""


class ProgressState(rx.State):
    """What one tab shows of it."""

    view: ProgressView = ProgressView()
    said: str = ""
    """What is announced, seldom enough to be listened to."""
    _shown: dict[str, Any] = {}

    @handler
    async def load(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            self._show(await read_view(user))

    def _show(self, view: ProgressView) -> None:
        """Show how far it is now; nothing is sent where nothing changed."""
        shown = asdict(view)
        if shown == self._shown:
            return
        was_active = bool(self._shown.get("active"))
        self.view, self._shown = view, shown
        if view.active or was_active:
            words = announcement(view)
            if words != self.said:
                self.said = words


def strip(*, here: bool = False) -> rx.Component:
    """Shown while something waits or, but on the page that lists it (`here`), has failed."""
    view = ProgressState.view
    return rx.fragment(
        rx.el.p(ProgressState.said, class_name="sr-only", role="status"),
        rx.cond(
            view.active if here else view.active | (view.failed != ""),
            rx.el.section(
                rx.el.div(
                    rx.cond(
                        view.active,
                        rx.el.p(
                            rx.el.strong(view.headline),
                            rx.cond(view.detail != "", rx.el.span(view.detail)),
                        ),
                        rx.el.p(rx.el.strong(view.failed)),
                    ),
                    rx.foreach(view.waits, _wait),
                    class_name="strip-text",
                ),
                None if here else _failures_link(view),
                rx.cond(
                    view.active,
                    rx.el.progress(
                        value=view.done,
                        max=view.total,
                        custom_attrs={"aria-label": "Pictures done"},
                    ),
                ),
                class_name="strip",
                custom_attrs={"aria-label": "Progress"},
                data_testid="progress",
            ),
        ),
    )


def _failures_link(view: ProgressView) -> rx.Component:
    return rx.cond(
        view.failed != "",
        PlainLink.create(
            either(view.active, view.failed, "See why, and try again"),
            href="/failures",
            class_name="button small",
        ),
    )


def _wait(wait: WaitRow) -> rx.Component:
    return rx.el.p(
        rx.icon("clock-alert", size=15, aria_hidden="true"),
        rx.el.span(
            wait.text,
            rx.cond(wait.since != "", rx.fragment(", since ", moment(wait.since, ago=False), ".")),
        ),
        class_name="strip-wait",
        key=wait.text,
    )


async def read_view(user_id: UUID) -> ProgressView:
    """How far a person's pictures are now. Raises DatabaseUnavailable."""
    found = await in_db(progress.read_progress, user_id)
    return view_of(found, await in_db(listing.count, user_id, listing.NEEDS_TEXT))


def view_of(found: ProgressPublic, needing: int = 0) -> ProgressView:
    """What is found, in words."""
    left = found.waiting + found.in_progress
    return ProgressView(
        active=left > 0,
        done=found.done,
        total=found.total,
        headline=f"{found.done:,} of {found.total:,} done" if left else "",
        detail=detail_words(found),
        waits=[_wait_words(wait, found.waiting) for wait in found.waiting_for],
        failed=f"{pictures(found.failed)} could not be described" if found.failed else "",
        needing=needing,
    )


def detail_words(found: ProgressPublic) -> str:
    """What is under way, who goes first, and how long a slow server takes."""
    held = sum(wait.images for wait in found.waiting_for)
    words = []
    if found.in_progress:
        words.append(f"{found.in_progress:,} being described")
    if found.waiting > held:
        if found.ahead:
            words.append(f"{pictures(found.ahead)} of others first")
        elif not found.in_progress:
            words.append("yours are next")
    if found.seconds_each is not None and found.seconds_each >= _SLOW:
        left = found.waiting + found.in_progress - held
        words.append(f"about {duration_words(found.seconds_each)} a picture, {left:,} left")
    return ", ".join(words)


def announcement(view: ProgressView) -> str:
    """What a screen reader says: that it goes on by quarters, what holds it up, and the end."""
    if not view.active:
        return f"Done. {view.failed}." if view.failed else "All your pictures are described."
    if view.waits:
        return view.waits[0].text
    quarter = 4 * view.done // max(view.total, 1) if view.total >= _MANY else 0
    return _QUARTERS[min(quarter, 3)]


def _wait_words(wait: WaitingFor, waiting: int) -> WaitRow:
    some = "" if wait.images >= waiting else f"{pictures(wait.images)}: "
    since = wait.since.isoformat() if wait.since else ""
    text = wait.message.rstrip(".")
    return WaitRow(text=some + (text if since else f"{text}."), since=since)
