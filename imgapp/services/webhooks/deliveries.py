"""Webhook deliveries: list, test, redeliver and forget them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from pydantic import Field
from sqlalchemy import select, text
from sqlmodel import Session, col

from imgapp.adapters import db, queue
from imgapp.adapters.db import Query, after_commit, transaction
from imgapp.errors import Conflict, NotFound
from imgapp.models import DeliveryState, ErrorInfo, Shape, WebhookDelivery, now
from imgapp.services.common import rate_limits
from imgapp.services.common.pagination import newest_page
from imgapp.services.webhooks.webhooks import fetch_webhook

PING = "ping"
"""The event of a test; nobody subscribes to it."""
DAYS_KEPT = timedelta(days=30)
MOST_KEPT = 1_000
"""Of each webhook, of those that are over."""
PER_MINUTE = 30
"""Tests and repetitions that a person may ask for."""
_AT_ONCE = 5_000

_ENABLED = "SELECT id FROM webhooks WHERE user_id = %(user_id)s AND disabled_at IS NULL LIMIT 1"
_TRIM = text("SELECT imgapp_trim_deliveries(:older_than, :keep, :limit)")


class DeliveryPublic(Shape):
    """One message to a webhook, and what became of it. `id` is its `webhook-id`."""

    id: UUID
    event: str = Field(
        description="`analysis.completed`, `analysis.failed`, `text.approved` or `ping`"
    )
    image_id: UUID | None
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    attempted_at: datetime | None
    next_attempt_at: datetime | None
    response_status: int | None = Field(description="What the receiver answered last")
    seconds: float | None = Field(description="That the last attempt took")
    error: ErrorInfo | None


class DeliveriesPage(Shape):
    """One page of a webhook's deliveries."""

    items: list[DeliveryPublic]
    next_cursor: str | None


def list_deliveries(
    user_id: UUID, webhook_id: UUID, *, limit: int = 60, cursor: str | None = None
) -> DeliveriesPage:
    """What a webhook was told, newest first. Raises NotFound, InvalidRequest (cursor)."""
    scope = (user_id, "deliveries", webhook_id)
    order = (col(WebhookDelivery.occurred_at), col(WebhookDelivery.id))
    query = select(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook_id)
    with transaction(user_id) as session:
        fetch_webhook(session, webhook_id)
        rows, further = newest_page(session, query, order, scope, limit=limit, cursor=cursor)
    return DeliveriesPage(items=[_public(row) for row in rows], next_cursor=further)


def send_ping(user_id: UUID, webhook_id: UUID) -> DeliveryPublic:
    """Send a test. Raises NotFound, Conflict (`webhook_disabled`), RateLimited."""
    with transaction(user_id) as session:
        _require_enabled(session, webhook_id)
    _count(user_id)
    with transaction(user_id) as session:
        _require_enabled(session, webhook_id)
        row = WebhookDelivery(user_id=user_id, webhook_id=webhook_id, event=PING)
        session.add(row)
        after_commit(session, queue.enqueue_delivery)
        return _public(row)


def redeliver(user_id: UUID, webhook_id: UUID, delivery_id: UUID) -> DeliveryPublic:
    """Send something again, or at once if it waits; the message and its id stay the same.

    Raises NotFound, Conflict (`webhook_disabled`), RateLimited.
    """
    with transaction(user_id) as session:
        _fetch(session, webhook_id, delivery_id)
    _count(user_id)
    with transaction(user_id) as session:
        row = _fetch(session, webhook_id, delivery_id)
        if row.lease_id is None:
            row.state, row.attempts, row.due_at = DeliveryState.PENDING, 0, now()
            row.finished_at = row.error_code = row.error_message = None
            after_commit(session, queue.enqueue_delivery)
        return _public(row)


def send_soon(session: Session, user_id: UUID) -> None:
    """Once the transaction is committed, let a worker see to what this person's webhooks get."""
    [rows] = db.execute(session, enabled_webhooks(user_id))
    if rows:
        after_commit(session, partial(queue.enqueue_delivery))


def enabled_webhooks(user_id: UUID) -> Query:
    """The query that finds one of a person's webhooks that is switched on, if there is one."""
    return _ENABLED, {"user_id": user_id}


def trim_deliveries() -> int:
    """Forget what is long over; returns how many."""
    gone = 0
    values = {"older_than": DAYS_KEPT, "keep": MOST_KEPT, "limit": _AT_ONCE}
    while True:
        with transaction() as session:
            some: int = session.execute(_TRIM, values).scalar_one()
        gone += some
        if some < _AT_ONCE:
            return gone


def _require_enabled(session: Session, webhook_id: UUID) -> None:
    if fetch_webhook(session, webhook_id, lock=True).disabled_at is not None:
        raise Conflict("The webhook is switched off. Switch it on first.", code="webhook_disabled")


def _fetch(session: Session, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """The row, locked after that of its webhook, which is switched on."""
    query = select(WebhookDelivery).where(
        col(WebhookDelivery.id) == delivery_id, col(WebhookDelivery.webhook_id) == webhook_id
    )
    if session.execute(query).first() is None:
        raise NotFound
    _require_enabled(session, webhook_id)
    query = query.with_for_update().execution_options(populate_existing=True)
    row: WebhookDelivery | None = session.execute(query).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


def _count(user_id: UUID) -> None:
    rate_limits.hit(
        "webhook_tries",
        str(user_id),
        limit=PER_MINUTE,
        per_seconds=60,
        detail="That were many tests in a short time. Wait a minute.",
    )


def _public(row: WebhookDelivery) -> DeliveryPublic:
    waits = row.state == DeliveryState.PENDING and row.lease_id is None
    error = (
        ErrorInfo(code=row.error_code, message=row.error_message or "") if row.error_code else None
    )
    return DeliveryPublic(
        id=row.id,
        event=row.event,
        image_id=row.image_id,
        occurred_at=row.occurred_at,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        attempted_at=row.attempted_at,
        next_attempt_at=row.due_at if waits else None,
        response_status=row.response_status,
        seconds=row.seconds,
        error=error,
    )
