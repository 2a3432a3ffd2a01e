"""Run tables: many pictures that are analysed again."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    Index,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import new_id, now, text_or_null, timestamp


class RunOutcome(StrEnum):
    """What became of a picture of a run, so far."""

    WAITING = "waiting"
    QUEUED = "queued"
    COMPLETED = "completed"
    REUSED = "reused"
    """An earlier answer to the same question was taken again."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """It went to the trash, or was asked for otherwise in the meantime."""
    CANCELLED = "cancelled"


class Run(SQLModel, table=True):
    """Pictures of a person that are analysed again together."""

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_newest", "user_id", text("created_at DESC"), text("id DESC")),
        Index("runs_open", "id", postgresql_where=text("finished_at IS NULL")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    chosen: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """What was asked for: a filter, or how many pictures by their ids."""
    model: str | None = text_or_null()
    language: str | None = text_or_null()
    detail: str | None = text_or_null()
    made_from: str | None = text_or_null()
    use: str | None = text_or_null()
    reuse: bool = True
    total: int = 0
    created_at: datetime = timestamp(default_factory=now)
    cancelled_at: datetime | None = timestamp(default=None)
    finished_at: datetime | None = timestamp(default=None)


class RunItem(SQLModel, table=True):
    """A picture of a run, and what became of it. The database notes how its request ends."""

    __tablename__ = "run_items"
    __table_args__ = (
        Index("run_items_by_outcome", "run_id", "outcome", "image_id"),
        Index("run_items_image", "image_id"),
        Index("run_items_person", "user_id"),
    )

    run_id: uuid.UUID = Field(foreign_key="runs.id", ondelete="CASCADE", primary_key=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    outcome: str = Field(default=RunOutcome.WAITING, sa_type=Text)
    finished_at: datetime | None = timestamp(default=None)
    was: dict[str, Any] | None = Field(default=None, sa_type=cast(Any, JSONB(none_as_null=True)))
    """How the picture stood before it was queued."""
