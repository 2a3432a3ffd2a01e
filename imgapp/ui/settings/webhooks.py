"""`/webhooks`: where one's own programs are told of pictures, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import reflex as rx

from imgapp.models import DeliveryState, WebhookEvent, now
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.webhooks import deliveries, webhooks
from imgapp.services.webhooks.deliveries import DeliveryPublic
from imgapp.services.webhooks.webhooks import WebhookEdit, WebhookPublic
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

STEP = 20
_SOON = timedelta(seconds=10)


@dataclass
class WebhookRow:
    """A webhook in words, without its secret."""

    id: str
    title: str
    url: str
    told: str
    enabled: bool
    trouble: str
    """Why it is off, or that it fails; empty while all is well."""
    since: str
    both_until: str
    """So long the last secret is good, too."""


@dataclass
class DeliveryRow:
    """A delivery in words."""

    id: str
    what: str
    at: str
    state: str
    tone: str
    result: str
    next_at: str


class WebhooksState(rx.State):
    """What a person sees of their webhooks; of one of them, what it was told."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    webhooks: list[WebhookRow] = []
    chosen: str = ""
    deliveries: list[DeliveryRow] = []
    has_more: bool = False
    under_way: bool = False
    """Whether something shown will be over in a moment."""
    _next: str = ""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin, self.chosen = viewer.email, viewer.is_admin, ""
        async with failures_shown(self):
            await self._read()
            self.loaded = True

    @handler
    async def reread(self) -> None:
        """After one was made, or given another secret."""
        current_viewer()
        await self._read()

    @handler
    async def choose(self, webhook_id: str) -> None:
        current_viewer()
        self.chosen = "" if self.chosen == str(webhook_id) else str(id_of(webhook_id))
        self.deliveries = []
        async with failures_shown(self):
            await self._read_deliveries()

    @handler
    async def look(self) -> None:
        current_viewer()
        async with failures_shown(self):
            await self._read()
            await self._read_deliveries()

    @handler
    async def show_more(self) -> None:
        current_viewer()
        async with failures_shown(self):
            await self._read_deliveries(self._next)

    @handler
    async def send_test(self, webhook_id: str) -> None:
        user, hook = current_viewer().user_id, id_of(webhook_id)
        async with failures_shown(self):
            await in_db(deliveries.send_ping, user, hook)
            self.chosen = str(hook)
            await self._read_deliveries()

    @handler
    async def send_again(self, delivery_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(deliveries.redeliver, user, id_of(self.chosen), id_of(delivery_id))
            await self._read_deliveries()

    @handler
    async def set_enabled(self, webhook_id: str, enabled: bool) -> None:
        user, edit = current_viewer().user_id, WebhookEdit(enabled=enabled is True)
        async with failures_shown(self):
            await in_io(webhooks.update_webhook, user, id_of(webhook_id), edit)
            await say(self, f"The webhook is switched {'on' if edit.enabled else 'off'}.")
        await self.look()

    @handler
    async def delete(self, webhook_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(webhooks.delete_webhook, user, id_of(webhook_id))
            await say(self, "The webhook is deleted.")
        await self.load()

    async def _read(self) -> None:
        found = await in_db(webhooks.list_webhooks, current_viewer().user_id)
        self.webhooks = [webhook_row(one) for one in found]

    async def _read_deliveries(self, cursor: str = "") -> None:
        if not self.chosen:
            self.deliveries, self.has_more, self.under_way = [], False, False
            return
        user, hook = current_viewer().user_id, id_of(self.chosen)
        page = await in_db(
            deliveries.list_deliveries, user, hook, limit=STEP, cursor=cursor or None
        )
        rows = [delivery_row(one) for one in page.items]
        self.deliveries = [*self.deliveries, *rows] if cursor else rows
        self._next, self.has_more = page.next_cursor or "", page.next_cursor is not None
        self.under_way = any(map(over_soon, page.items))


def webhook_row(one: WebhookPublic) -> WebhookRow:
    """A webhook in words."""
    since = one.failing_since.isoformat() if one.failing_since else ""
    until = one.previous_secret_until.isoformat() if one.previous_secret_until else ""
    trouble = _OFF[one.disabled_reason] if one.disabled_reason else ""
    return WebhookRow(
        id=str(one.id),
        title=one.name or urlsplit(one.url).netloc,
        url=one.url,
        told=_told(one.events),
        enabled=one.enabled,
        trouble=trouble or ("Nothing has arrived there" if since else ""),
        since="" if trouble else since,
        both_until=until,
    )


def delivery_row(one: DeliveryPublic) -> DeliveryRow:
    """A delivery in words."""
    under_way = one.state == DeliveryState.PENDING and one.next_attempt_at is None
    state, tone = ("sending", "") if under_way else _STATES[one.state]
    waits = one.next_attempt_at is not None and one.attempts > 0
    return DeliveryRow(
        id=str(one.id),
        what=_EVENTS.get(one.event, one.event),
        at=one.occurred_at.isoformat(),
        state=state,
        tone=tone,
        result="" if under_way else result_words(one),
        next_at=one.next_attempt_at.isoformat() if one.next_attempt_at and waits else "",
    )


def result_words(one: DeliveryPublic) -> str:
    """What came of the last attempt: the answer, how long it took, how many there were."""
    said = one.error.message.rstrip(".") if one.error else ""
    if not said and one.response_status is not None:
        said = f"The receiver answered {one.response_status}"
    took = f"{one.seconds:.2f} s" if one.seconds is not None else ""
    tries = f"{one.attempts} attempts" if one.attempts > 1 else ""
    return " · ".join(filter(None, [said, took, tries]))


def _told(told: list[WebhookEvent]) -> str:
    said = [words for event, words in _TOLD.items() if event in told]
    if set(_ANALYSES) <= set(told):
        said = ["every analysis", *said[len(_ANALYSES) :]]
    return " and ".join(said)


def over_soon(one: DeliveryPublic) -> bool:
    """Whether it is worth looking again in a moment."""
    if one.state != DeliveryState.PENDING:
        return False
    return one.next_attempt_at is None or one.next_attempt_at < now() + _SOON


_ANALYSES = (WebhookEvent.ANALYSIS_COMPLETED, WebhookEvent.ANALYSIS_FAILED)
_TOLD = {
    WebhookEvent.ANALYSIS_COMPLETED: "completed analyses",
    WebhookEvent.ANALYSIS_FAILED: "failed analyses",
    WebhookEvent.TEXT_APPROVED: "approved texts",
}
_OFF = {
    "person": "Switched off",
    "gone": "Switched off, because the receiver answered 410: it wants nothing more",
    "failing": "Switched off, because nothing arrived for three days",
}
_EVENTS = {
    WebhookEvent.ANALYSIS_COMPLETED: "Analysis completed",
    WebhookEvent.ANALYSIS_FAILED: "Analysis failed",
    WebhookEvent.TEXT_APPROVED: "Text approved",
    deliveries.PING: "Test",
}
_STATES = {
    DeliveryState.PENDING: ("waiting", ""),
    DeliveryState.DELIVERED: ("delivered", "good"),
    DeliveryState.FAILED: ("failed", "bad"),
    DeliveryState.CANCELLED: ("cancelled", "warn"),
}
