"""Webhook tables: endpoints and their deliveries."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    Index,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

from imgapp.models.base import new_id, now, text_or_null, timestamp


class WebhookEvent(StrEnum):
    """What a webhook can be told of."""

    ANALYSIS_COMPLETED = "analysis.completed"
    ANALYSIS_FAILED = "analysis.failed"
    TEXT_APPROVED = "text.approved"


class DeliveryState(StrEnum):
    """Where a delivery is: `cancelled` is one that nobody wants any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Webhook(SQLModel, table=True):
    """Where a person wants to be told of their pictures. Its secret is nowhere: it is derived."""

    __tablename__ = "webhooks"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    name: str = Field(default="", sa_type=Text)
    url: str = Field(sa_type=Text)
    events: list[str] = Field(sa_type=ARRAY(Text))
    secret_version: int = 1
    secret_rotated_at: datetime | None = timestamp(default=None)
    created_at: datetime = timestamp(default_factory=now)
    disabled_at: datetime | None = timestamp(default=None)
    disabled_reason: str | None = text_or_null()
    """`person`, `gone` (the receiver said so) or `failing`."""
    failing_since: datetime | None = timestamp(default=None)
    """null once a delivery arrived."""
    last_claimed_at: datetime | None = timestamp(default=None)


class WebhookDelivery(SQLModel, table=True):
    """Something that a webhook is to be told. Written by the database when it happens."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index("webhook_deliveries_newest", "webhook_id", text("occurred_at DESC"), text("id DESC")),
        Index(
            "webhook_deliveries_due",
            "webhook_id",
            "due_at",
            "id",
            postgresql_where=text("state = 'pending' AND lease_id IS NULL"),
        ),
        Index(
            "webhook_deliveries_leased",
            "lease_expires_at",
            postgresql_where=text("lease_id IS NOT NULL"),
        ),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    webhook_id: uuid.UUID = Field(foreign_key="webhooks.id", ondelete="CASCADE")
    event: str = Field(sa_type=Text)
    image_id: uuid.UUID | None = None
    language: str | None = text_or_null()
    """Of a text (BCP 47)."""
    occurred_at: datetime = timestamp(default_factory=now)
    state: str = Field(default=DeliveryState.PENDING, sa_type=Text)
    attempts: int = 0
    due_at: datetime = timestamp(default_factory=now)
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = timestamp(default=None)
    payload: str | None = text_or_null()
    """Put together at the first attempt; the same bytes ever after."""
    attempted_at: datetime | None = timestamp(default=None)
    finished_at: datetime | None = timestamp(default=None)
    response_status: int | None = None
    seconds: float | None = None
    error_code: str | None = text_or_null()
    error_message: str | None = text_or_null()
