"""`/queue`: what waits, of everybody together, for administrators; live while it is looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import reflex as rx
from pydantic import ValidationError

from imgapp.errors import NotFound, QueueUnavailable
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import runtime_settings
from imgapp.services.installation.runtime_settings import InstallationEdit
from imgapp.services.queue import admin_queue
from imgapp.services.queue.admin_queue import QueuePublic
from imgapp.services.queue.circuit_breaker import Outage
from imgapp.ui.shell.notices import failures_shown, say
from imgapp.ui.shell.reason_words import WAITS, duration_words, failure_words, pictures
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.retrying import queue_again
from imgapp.ui.shell.viewer_context import current_viewer

PACE = {
    "max_in_flight": "Analyses at once",
    "requests_per_minute": "Requests a minute",
    "tokens_per_minute": "Tokens a minute",
}
"""The limits, by what they are called."""


@dataclass
class Figure:
    """A number of the queue."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass
class TroubleRow:
    """A server that is left alone."""

    what: str
    message: str
    since: str
    tried: str
    """When it is tried again."""


@dataclass
class FailuresRow:
    """What failed for one reason."""

    code: str
    words: str
    count: str
    people: str
    latest: str


@dataclass
class QueueView:
    """The queue in words."""

    paused: bool = False
    paused_at: str = ""
    alarm: str = ""
    figures: list[Figure] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    troubles: list[TroubleRow] = field(default_factory=list)
    failed: str = ""
    failures: list[FailuresRow] = field(default_factory=list)


class QueueState(rx.State):
    """What one tab shows of the queue."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    missing: bool = False
    """Whether this page is not there for whoever looks."""
    view: QueueView = QueueView()
    pace: dict[str, str] = {}
    """The limits as they are in the form; empty for none."""
    _shown: dict[str, Any] = {}

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin, self.missing = viewer.email, viewer.is_admin, False
        if (found := await self._read()) is not None:
            self.pace = {name: _in_form(getattr(found, name)) for name in PACE}
            self.loaded = True

    @handler
    async def look(self) -> None:
        current_viewer()
        await self._read()

    @handler
    async def set_paused(self, paused: bool) -> None:
        current_viewer()
        done = "Paused: everybody's pictures wait." if paused is True else "Analyses go on."
        await self._change(done, paused=paused is True)

    @handler
    async def save_pace(self, said: dict[str, Any]) -> None:
        current_viewer()
        await self._change("Saved. It holds from now on.", **pace_of(said))

    @handler
    async def retry(self, code: str) -> None:
        user, reason = current_viewer().user_id, str(code)[:100] or None
        async with failures_shown(self):
            await say(self, await queue_again(partial(admin_queue.retry_failures, user, reason)))
        await self._read()

    async def _change(self, done: str, **changes: Any) -> None:
        user = current_viewer().user_id
        try:
            edit = InstallationEdit(**changes)
        except ValidationError as error:
            name = PACE.get(str(error.errors()[0]["loc"][0]), "This")
            await say(self, f"{name}: a whole number above 0, or nothing.", is_error=True)
            return
        async with failures_shown(self):
            await in_db(runtime_settings.change_installation, user, edit)
            admin_queue.forget()
            await say(self, done)
        await self._read()

    async def _read(self) -> QueuePublic | None:
        user = current_viewer().user_id
        async with failures_shown(self):
            try:
                found = await in_db(admin_queue.read_queue, user)
            except NotFound:
                self.view, self.missing = QueueView(), True
                return None
            view = view_of(found)
            if asdict(view) != self._shown:
                self.view, self._shown = view, asdict(view)
            return found
        return None


def view_of(found: QueuePublic) -> QueueView:
    """The queue in words."""
    return QueueView(
        paused=found.paused,
        paused_at=found.paused_at.isoformat() if found.paused_at else "",
        alarm="No worker is running: nothing is analysed." if found.workers == 0 else "",
        figures=figures_of(found),
        waits=[
            f"{pictures(one.images)} of {_people(one.people)} wait {WAITS[one.reason]}."
            for one in found.waiting_for
        ],
        troubles=[
            TroubleRow(
                what=_left_alone(one),
                message=one.message,
                since=one.since.isoformat(),
                tried=one.until.isoformat() if one.until else "",
            )
            for one in found.troubles
        ],
        failed=pictures(found.failed) if found.failed else "",
        failures=[
            FailuresRow(
                code=one.code,
                words=failure_words(one.code),
                count=pictures(one.images),
                people=_people(one.people),
                latest=one.latest_at.isoformat() if one.latest_at else "",
            )
            for one in found.failures
        ],
    )


def figures_of(found: QueuePublic) -> list[Figure]:
    """The numbers at the top."""
    lanes = [
        Figure(
            _LANES[lane.priority],
            f"{lane.waiting:,}",
            " · ".join(
                filter(
                    None,
                    [
                        _people(lane.people) if lane.people else "",
                        f"{lane.delayed:,} for their next attempt" if lane.delayed else "",
                    ],
                )
            ),
        )
        for lane in found.lanes
    ]
    oldest = min((lane.oldest_at for lane in found.lanes if lane.oldest_at), default=None)
    waited = duration_words((found.at - oldest).total_seconds()) if oldest else "none"
    most = f"of {found.max_in_flight:,} at most" if found.max_in_flight else ""
    workers = "" if found.workers is None else _workers(found.workers)
    recent = found.throughput
    ended = recent.completed_last_minute
    return [
        *lanes,
        Figure("Under way", f"{found.in_flight:,}", " · ".join(filter(None, [most, workers]))),
        Figure("Oldest waiting", waited),
        Figure("Described in the last minute", f"{ended:,}", rest_words(found)),
        Figure(
            "Failed in the last minute",
            f"{recent.failed_last_minute:,}",
            tone="bad" if recent.failed_last_minute else "",
        ),
    ]


def rest_words(found: QueuePublic) -> str:
    """How long the rest takes at the pace of the last five minutes."""
    recent = found.throughput
    ended = recent.completed_last_5_minutes + recent.failed_last_5_minutes
    if not ended or not found.waiting or found.paused:
        return ""
    return f"about {duration_words(max(found.waiting / ended * 300, 1))} for what waits"


def pace_of(said: dict[str, Any]) -> dict[str, Any]:
    """The limits that the form says; nothing is no limit."""
    texts = {name: str(said[name]).strip() for name in PACE if name in said}
    return {name: text or None for name, text in texts.items()}


def _in_form(limit: int | None) -> str:
    return "" if limit is None else str(limit)


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _workers(count: int) -> str:
    return f"{count:,} worker{'' if count == 1 else 's'}"


_LANES = {"interactive": "Uploaded by hand", "bulk": "In bulk"}


def _left_alone(outage: Outage) -> str:
    if outage.model:
        return f"The model {outage.model} is left alone"
    if outage.code == QueueUnavailable.code:
        return "Redis is down, and nothing new begins"
    return "The picture store is left alone"
