"""Delivery attempts: claim one, send it, record what the receiver said (retries).

The row is the truth, written in the transaction that ended the analysis; one worker at a time
holds it under a lease. Whatever happens, it is sent until a receiver takes it or nobody wants it
any more: at least once, in no particular order.
"""

from __future__ import annotations

import json
import logging
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlmodel import Session, col

from imgapp.adapters import outbound_http, queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.webhook_signatures import signed_headers
from imgapp.errors import NotFound, OutboundError
from imgapp.models import DeliveryState, Webhook, WebhookDelivery, new_id, now
from imgapp.services.common import metrics
from imgapp.services.common.retries import retry
from imgapp.services.library import images
from imgapp.services.library.file_links import VARIANTS
from imgapp.services.webhooks.deliveries import PING
from imgapp.services.webhooks.webhooks import disable, fetch_webhook, secrets_of
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
LEASE_SECONDS = 60
"""Much more than an attempt can take, the database included."""
_PATIENCE_SECONDS = 8.0
RETRY_SECONDS = (5.0, 30.0, 120.0, 600.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0)
MAX_ATTEMPTS = len(RETRY_SECONDS) + 1
LONGEST_RETRY_AFTER = 24 * 3600.0
PER_PERSON, PER_WEBHOOK = 4, 2
"""Under way at once; of a webhook that fails, one."""
GIVE_UP_AFTER = timedelta(days=3)
"""A webhook that failed for so long is switched off."""
_OLD = timedelta(hours=1)
"""But not for one message that fails after a quiet time."""
_GONE = 410

_CLAIM = text(
    "SELECT delivery_id, user_id"
    " FROM imgapp_claim_delivery(:lease_id, :seconds, :per_person, :per_webhook)"
)
_SWEEP = text("SELECT imgapp_sweep_deliveries(:max_attempts)")
_DUE = text("SELECT imgapp_due_deliveries()")
_ONLY_ONE = text("SELECT pg_try_advisory_xact_lock(hashtext('imgapp_sweep_deliveries'))")


@dataclass(frozen=True)
class DeliveryClaim:
    """A delivery that this process may send while its lease lasts."""

    lease_id: UUID
    delivery_id: UUID
    user_id: UUID


@dataclass(frozen=True)
class Message:
    """What is sent, and where."""

    webhook_id: UUID
    url: str
    body: str
    headers: dict[str, str]


@dataclass(frozen=True)
class DeliveryResult:
    """What came of an attempt: a status, or why there is none."""

    status: int | None
    seconds: float
    retry_after: float | None = None
    code: str = ""
    message: str = ""

    @property
    def arrived(self) -> bool:
        """Any 2xx says so (Standard Webhooks)."""
        return self.status is not None and 200 <= self.status < 300


def run_one() -> bool:
    """Send what is due, of one webhook after the other. False if nothing is, or nothing may be.

    Raises DatabaseUnavailable.
    """
    claim = _claim()
    if claim is None:
        return False
    message = _compose(claim)
    if message is not None:
        attempt = _send(message)
        # Sent is sent: outlive a database that restarts, rather than send it twice.
        finish = partial(_finish, claim, message.webhook_id, attempt)
        outcome = retry(finish, seconds=_PATIENCE_SECONDS)
        metrics.WEBHOOK_DELIVERIES.labels(outcome=outcome, code=attempt.code).inc()
    return True


def sweep() -> None:
    """Return what killed workers held, and see that nothing due waits for a worker to hear of it.

    One worker at a time does this. Raises DatabaseUnavailable, QueueUnavailable.
    """
    with transaction() as session:
        if not session.execute(_ONLY_ONE).scalar_one():
            return
        lost: int = session.execute(_SWEEP, {"max_attempts": MAX_ATTEMPTS}).scalar_one()
        due: int = session.execute(_DUE).scalar_one()
    if lost:
        log.warning("delivery_leases_expired", extra={"count": lost})
        metrics.WEBHOOK_DELIVERIES.labels(outcome="lost", code="interrupted").inc(lost)
    if due and not queue.pending_permits(queue.DELIVERIES):
        for _ in range(min(due, PER_PERSON)):
            queue.enqueue_delivery()


def retry_delay(attempts: int, retry_after: float | None, jitter: float) -> float | None:
    """Seconds until the attempt after number `attempts`; None: there is none (`jitter`: 0 to 1)."""
    if attempts >= MAX_ATTEMPTS:
        return None
    delay = RETRY_SECONDS[attempts - 1] * (1 + 0.2 * jitter)
    return max(delay, min(retry_after or 0.0, LONGEST_RETRY_AFTER) * (1 + 0.1 * jitter))


def _claim() -> DeliveryClaim | None:
    values = {"seconds": LEASE_SECONDS, "per_person": PER_PERSON, "per_webhook": PER_WEBHOOK}
    lease_id = new_id()
    with transaction() as session:
        row = session.execute(_CLAIM, {"lease_id": lease_id, **values}).first()
    return DeliveryClaim(lease_id, row.delivery_id, row.user_id) if row else None


def _compose(claim: DeliveryClaim) -> Message | None:
    """The message, the same at every attempt; None if there is nothing to tell any more."""
    with transaction(claim.user_id) as session:
        query = select(WebhookDelivery).where(col(WebhookDelivery.id) == claim.delivery_id)
        row = session.execute(query).scalar_one_or_none()
    payload = None if row is None else row.payload or payload_of(row)
    with transaction(claim.user_id) as session:
        row = _leased(session, claim)
        if row is None:
            return None
        webhook = fetch_webhook(session, row.webhook_id)
        if webhook.disabled_at is not None:
            _cancel(row, "webhook_disabled", "The webhook was switched off.")
        elif payload is None:
            _cancel(row, "image_deleted", "The picture was deleted before this was sent.")
        else:
            row.payload = payload
            headers = signed_headers(secrets_of(webhook), str(row.id), now(), payload)
            return Message(webhook.id, webhook.url, payload, headers)
        return None


def payload_of(row: WebhookDelivery) -> str | None:
    """What is sent, as JSON; None if the picture is gone."""
    data: dict[str, Any] = {}
    if row.event != PING:
        if row.image_id is None:
            return None
        try:
            data["image"] = _image(row.user_id, row.image_id)
        except NotFound:
            return None
        if row.language is not None:
            data["language"] = row.language
    told = {"type": row.event, "timestamp": row.occurred_at.isoformat(), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _image(user_id: UUID, image_id: UUID) -> dict[str, Any]:
    """The picture as the API shows it; its links ask for a token, and never expire."""
    shown = images.get_image(user_id, image_id).model_dump(mode="json", exclude={"duplicate"})
    address = f"{get_settings().origin}/api/images/{image_id}"
    return shown | {"urls": {name: f"{address}/file?variant={name}" for name in VARIANTS}}


def _send(message: Message) -> DeliveryResult:
    headers = {"Content-Type": "application/json", **message.headers}
    started = time.monotonic()
    try:
        answer = outbound_http.post(message.url, message.body.encode(), headers, TIMEOUT_SECONDS)
    except OutboundError as error:
        return DeliveryResult(
            None, time.monotonic() - started, code=error.code, message=error.detail
        )
    seconds = time.monotonic() - started
    return DeliveryResult(answer.status, seconds, answer.retry_after, *_complaint(answer.status))


def _complaint(status: int) -> tuple[str, str]:
    if 200 <= status < 300:
        return "", ""
    if status == _GONE:
        return "gone", "The receiver answered 410: it wants nothing more."
    if 300 <= status < 400:
        return "redirect", f"The receiver redirects ({status}). Give its final address."
    return "http_error", f"The receiver answered {status}."


def _finish(claim: DeliveryClaim, webhook_id: UUID, attempt: DeliveryResult) -> str:
    """How the attempt ended: `delivered`, `retried` or `failed`, for good."""
    with transaction(claim.user_id) as session:
        # The webhook first, as whoever deletes it does: the two never wait for each other.
        webhook = _locked(session, webhook_id)
        row = _leased(session, claim)
        if webhook is None or row is None:
            # Nobody wants it any more, or another worker sends it again: it was an attempt.
            return "delivered" if attempt.arrived else "failed"
        row.response_status, row.seconds = attempt.status, round(attempt.seconds, 3)
        row.error_code, row.error_message = attempt.code or None, attempt.message or None
        if attempt.arrived:
            webhook.failing_since = None
            _end(row, DeliveryState.DELIVERED)
            return "delivered"
        webhook.failing_since = webhook.failing_since or now()
        delay = retry_delay(row.attempts, attempt.retry_after, random.random())  # noqa: S311
        # A test is over with its first answer.
        if attempt.status == _GONE or row.event == PING:
            delay = None
        if delay is None:
            _end(row, DeliveryState.FAILED)
        else:
            _release(row)
            row.due_at = now() + timedelta(seconds=delay)
            after_commit(session, partial(queue.enqueue_delivery, delay=delay))
        session.flush()
        _give_up(session, webhook, row, attempt)
    return "failed" if delay is None else "retried"


def _give_up(
    session: Session, webhook: Webhook, row: WebhookDelivery, attempt: DeliveryResult
) -> None:
    """Switch a webhook off that is gone, or was failing for days."""
    if webhook.disabled_at is not None or webhook.failing_since is None:
        return
    failed_for, waited = now() - webhook.failing_since, now() - row.occurred_at
    if attempt.status == _GONE:
        disable(session, webhook, "gone")
    elif failed_for > GIVE_UP_AFTER and waited > _OLD:
        disable(session, webhook, "failing")


def _locked(session: Session, webhook_id: UUID) -> Webhook | None:
    try:
        return fetch_webhook(session, webhook_id, lock=True)
    except NotFound:
        return None


def _leased(session: Session, claim: DeliveryClaim) -> WebhookDelivery | None:
    """The row, locked, if the lease is still ours."""
    query = select(WebhookDelivery).where(
        col(WebhookDelivery.id) == claim.delivery_id,
        col(WebhookDelivery.lease_id) == claim.lease_id,
    )
    row: WebhookDelivery | None = session.execute(query.with_for_update()).scalar_one_or_none()
    return row


def _cancel(row: WebhookDelivery, code: str, message: str) -> None:
    row.error_code, row.error_message = code, message
    _end(row, DeliveryState.CANCELLED)


def _end(row: WebhookDelivery, state: DeliveryState) -> None:
    row.state, row.finished_at = state, now()
    _release(row)


def _release(row: WebhookDelivery) -> None:
    row.lease_id = row.lease_expires_at = None
