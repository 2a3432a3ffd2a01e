"""Webhooks: create, change and delete endpoints that are told when an analysis ends.

What happens to what is told is in `deliveries` and `delivery_attempts`. The secret that signs it is
stored nowhere: it is made from the installation's secret, the webhook's id and a version.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, select, update
from sqlmodel import Session, col

from imgapp.adapters import outbound_http
from imgapp.adapters.db import transaction
from imgapp.adapters.webhook_signatures import write_secret
from imgapp.errors import ConfigurationError, Conflict, NotFound, OutboundFailed
from imgapp.models import (
    DeliveryState,
    Shape,
    Webhook,
    WebhookDelivery,
    WebhookEvent,
    now,
)
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.common.sanitize import clean_line
from imgapp.settings import get_settings

MOST_WEBHOOKS = 10
"""Of one person."""
MAX_NAME = 100
PREVIOUS_SECRET = timedelta(hours=24)
"""So long the secret before the newest one signs, too."""

DisabledReason = Literal["person", "gone", "failing"]


class WebhookPublic(Shape):
    """A webhook as its owner sees it."""

    id: UUID
    name: str
    url: str
    events: list[WebhookEvent]
    enabled: bool
    disabled_reason: DisabledReason | None = Field(
        description="`person`, `gone` (the receiver answered 410) or `failing` (for days)"
    )
    created_at: datetime
    failing_since: datetime | None = Field(description="null once a delivery arrived")
    previous_secret_until: datetime | None = Field(
        description="Until then the secret before the newest one signs, too"
    )


class NewWebhook(WebhookPublic):
    """`secret` is shown this once."""

    secret: str


class WebhookEdit(Shape):
    """What is to be changed; what is None stays as it is."""

    name: str | None = None
    url: str | None = None
    events: list[WebhookEvent] | None = None
    enabled: bool | None = None


def list_webhooks(user_id: UUID) -> list[WebhookPublic]:
    """All of a person's webhooks, newest first."""
    query = select(Webhook).order_by(col(Webhook.created_at).desc(), col(Webhook.id).desc())
    with transaction(user_id) as session:
        return [_public(row) for row in session.execute(query).scalars()]


def get_webhook(user_id: UUID, webhook_id: UUID) -> WebhookPublic:
    """One webhook. Raises NotFound, for somebody else's too."""
    with transaction(user_id) as session:
        return _public(fetch_webhook(session, webhook_id))


def create_webhook(
    user_id: UUID, url: str, events: list[WebhookEvent], *, name: str = ""
) -> NewWebhook:
    """Make a webhook. Raises OutboundRefused (the address), Conflict (`too_many_webhooks`)."""
    row = Webhook(
        user_id=user_id,
        name=clean_line(name)[:MAX_NAME],
        url=_checked(url),
        events=_in_order(events),
    )
    with transaction(user_id) as session:
        one_at_a_time(session, user_id, "webhooks")
        if session.execute(select(func.count(col(Webhook.id)))).scalar_one() >= MOST_WEBHOOKS:
            raise Conflict(
                f"There are {MOST_WEBHOOKS} webhooks. Delete one first.", code="too_many_webhooks"
            )
        session.add(row)
        session.flush()
        audit_trail.write(session, AuditKind.WEBHOOK_CREATED, user_id, **_named(row))
        return _with_secret(row)


def update_webhook(user_id: UUID, webhook_id: UUID, edit: WebhookEdit) -> WebhookPublic:
    """Change a webhook; switched off, it forgets what it was still to be told.

    Raises NotFound, OutboundRefused (the address).
    """
    url = _checked(edit.url) if edit.url is not None else None
    with transaction(user_id) as session:
        row = fetch_webhook(session, webhook_id, lock=True)
        if edit.name is not None:
            row.name = clean_line(edit.name)[:MAX_NAME]
        if edit.events is not None:
            row.events = _in_order(edit.events)
        if url is not None and url != row.url:
            row.url, row.failing_since = url, None
        if edit.enabled is True:
            row.disabled_at = row.disabled_reason = row.failing_since = None
        elif edit.enabled is False and row.disabled_at is None:
            disable(session, row, "person")
        audit_trail.write(session, AuditKind.WEBHOOK_CHANGED, user_id, **_named(row))
        return _public(row)


def rotate_secret(user_id: UUID, webhook_id: UUID) -> NewWebhook:
    """Give a webhook another secret; for a day, the one before signs too. Raises NotFound."""
    with transaction(user_id) as session:
        row = fetch_webhook(session, webhook_id, lock=True)
        row.secret_version += 1
        row.secret_rotated_at = now()
        audit_trail.write(session, AuditKind.WEBHOOK_SECRET_CHANGED, user_id, **_named(row))
        return _with_secret(row)


def delete_webhook(user_id: UUID, webhook_id: UUID) -> None:
    """Remove a webhook with its deliveries. Raises NotFound, for somebody else's too."""
    with transaction(user_id) as session:
        row = fetch_webhook(session, webhook_id, lock=True)
        session.delete(row)
        audit_trail.write(session, AuditKind.WEBHOOK_DELETED, user_id, **_named(row))


def fetch_webhook(session: Session, webhook_id: UUID, *, lock: bool = False) -> Webhook:
    """The row, within a person's transaction. Raises NotFound."""
    # Row-level security leaves this person's rows only: fetching is the ownership check.
    query = select(Webhook).where(col(Webhook.id) == webhook_id)
    if lock:
        query = query.with_for_update(key_share=True)
    row: Webhook | None = session.execute(query).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


def disable(session: Session, row: Webhook, reason: DisabledReason) -> None:
    """Switch a locked webhook off; what waits for it is cancelled."""
    row.disabled_at, row.disabled_reason = now(), reason
    waiting = update(WebhookDelivery).where(
        col(WebhookDelivery.webhook_id) == row.id,
        col(WebhookDelivery.state) == DeliveryState.PENDING,
        col(WebhookDelivery.lease_id).is_(None),
    )
    session.execute(
        waiting.values(
            state=DeliveryState.CANCELLED,
            finished_at=row.disabled_at,
            error_code="webhook_disabled",
            error_message="The webhook was switched off.",
        )
    )
    if reason != "person":
        audit_trail.write(
            session, AuditKind.WEBHOOK_DISABLED, row.user_id, **_named(row), reason=reason
        )


def secrets_of(row: Webhook) -> list[str]:
    """The secrets that sign now: the newest, and for a day the one before."""
    secrets = [_secret(row.id, row.secret_version)]
    until = _previous_until(row)
    if until is not None and now() < until:
        secrets.append(_secret(row.id, row.secret_version - 1))
    return secrets


def _secret(webhook_id: UUID, version: int) -> str:
    own = get_settings().secret_key
    if own is None:
        raise ConfigurationError("IMGAPP_SECRET_KEY is not set")
    message = f"webhook {webhook_id} {version}".encode()
    return write_secret(hmac.digest(own.get_secret_value().encode(), message, hashlib.sha256))


def _checked(url: str) -> str:
    checked = outbound_http.check_url(url)
    try:
        return outbound_http.check_reachable(checked)
    except OutboundFailed:
        # It may be there later; a test delivery says more.
        return checked


def _in_order(events: list[WebhookEvent]) -> list[str]:
    return [event.value for event in WebhookEvent if event in events]


def _previous_until(row: Webhook) -> datetime | None:
    return None if row.secret_rotated_at is None else row.secret_rotated_at + PREVIOUS_SECRET


def _named(row: Webhook) -> dict[str, Any]:
    """For the audit trail: the host alone, as the rest of the URL may be a secret."""
    return {"webhook_id": row.id, "name": urlsplit(row.url).hostname}


def _public(row: Webhook) -> WebhookPublic:
    until = _previous_until(row)
    return WebhookPublic(
        id=row.id,
        name=row.name,
        url=row.url,
        events=[WebhookEvent(event) for event in row.events],
        enabled=row.disabled_at is None,
        disabled_reason=row.disabled_reason,
        created_at=row.created_at,
        failing_since=row.failing_since,
        previous_secret_until=until if until is not None and now() < until else None,
    )


def _with_secret(row: Webhook) -> NewWebhook:
    return NewWebhook(**_public(row).model_dump(), secret=_secret(row.id, row.secret_version))
