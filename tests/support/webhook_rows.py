"""Webhooks and their deliveries, without the way they come about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgapp.adapters.db import transaction
from imgapp.models import Webhook, WebhookDelivery, WebhookEvent, new_id

URL = "http://127.0.0.1:9/"


def add_webhook(user_id: UUID, url: str = URL, **columns: Any) -> UUID:
    """A webhook that is told of everything."""
    row = {"id": new_id(), "user_id": user_id, "url": url, "events": list(WebhookEvent)} | columns
    with transaction(user_id) as session:
        session.add(Webhook(**row))
    return UUID(str(row["id"]))


def add_delivery(user_id: UUID, webhook_id: UUID, **columns: Any) -> UUID:
    """Something to be sent: a test, unless it is told otherwise."""
    row = {"id": new_id(), "event": "ping", "payload": "{}"} | columns
    with transaction(user_id) as session:
        session.add(WebhookDelivery(user_id=user_id, webhook_id=webhook_id, **row))
    return UUID(str(row["id"]))


def webhook_of(user_id: UUID, webhook_id: UUID) -> Webhook:
    """The row as it is now."""
    with transaction(user_id) as session:
        return session.get_one(Webhook, webhook_id)


def delivery_of(user_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """The row as it is now."""
    with transaction(user_id) as session:
        return session.get_one(WebhookDelivery, delivery_id)


def deliveries_of(user_id: UUID) -> list[WebhookDelivery]:
    """A person's deliveries, oldest first."""
    with transaction(user_id) as session:
        return list(
            session.exec(select(WebhookDelivery).order_by(col(WebhookDelivery.occurred_at)))
        )


def set_rows(administrator: sa.Engine, table: str, changes: str) -> None:
    """Change all rows of a table, whosever they are."""
    with administrator.begin() as connection:
        connection.execute(sa.text(f"UPDATE {table} SET {changes}"))
