"""Image tables: pictures, their analyses, and the rules of a picture's status."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import new_id, now, text_or_null, timestamp


class AnalysisStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class WaitingReason(StrEnum):
    """Why a pending picture is not being analysed."""

    BUDGET = "budget"
    PAUSED = "paused"
    PROVIDER_DOWN = "provider_down"


class WrittenBy(StrEnum):
    """Who wrote a text field. What a person wrote is never overwritten by a model."""

    PERSON = "person"
    MODEL = "model"


class Priority(IntEnum):
    """Lower goes first."""

    INTERACTIVE = 0
    BULK = 10


class Image(SQLModel, table=True):
    """A picture, its place in the queue and its current text. null text is unknown."""

    __tablename__ = "images"
    __table_args__ = (
        UniqueConstraint("user_id", "sha256", name="images_user_id_sha256_key"),
        Index(
            "images_by_status",
            "analysis_status",
            "user_id",
            text("uploaded_at DESC"),
            text("id DESC"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("images_changes", "user_id", "updated_at", "id"),
        Index(
            "images_due",
            "priority",
            "user_id",
            "lane",
            "due_at",
            "id",
            postgresql_where=text("analysis_status = 'pending' AND deleted_at IS NULL"),
        ),
        Index(
            "images_waiting",
            "user_id",
            "lane",
            "waiting_reason",
            "id",
            postgresql_where=text("analysis_status = 'pending' AND deleted_at IS NULL"),
        ),
        Index(
            "images_leased",
            "lease_expires_at",
            postgresql_where=text("analysis_status = 'in_progress'"),
        ),
        Index("images_trash", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
        Index(
            "images_tags",
            "tags",
            postgresql_using="gin",
            postgresql_with={"fastupdate": False},
        ),
        Index(
            "images_finished",
            "user_id",
            "completed_at",
            postgresql_where=text("completed_at IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index(
            "images_failed",
            "user_id",
            "error_code",
            text("completed_at DESC"),
            text("id DESC"),
            postgresql_where=text("analysis_status = 'failed' AND deleted_at IS NULL"),
        ),
        # Without it, removing a picture reads the whole table for each of its analyses.
        Index("images_analysis", "analysis_id", postgresql_where=text("analysis_id IS NOT NULL")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    filename: str = Field(sa_type=Text)
    s3_key: str = Field(sa_type=Text)
    s3_bucket: str = Field(sa_type=Text)
    mime_type: str = Field(sa_type=Text)
    file_size: int = Field(sa_type=BigInteger)
    sha256: str = Field(sa_type=Text)
    width: int
    height: int
    facts: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """What the file says of itself: camera, lens, exposure, taken_at, … (never GPS)."""
    placeholder: str | None = text_or_null()
    """A few of its pixels, shown blurred until the thumbnail is there; null in older rows."""
    uploaded_at: datetime = timestamp(default_factory=now)
    updated_at: datetime = timestamp(default_factory=now)
    """Set by the database, at every change of what is shown of the picture."""
    deleted_at: datetime | None = timestamp(default=None)

    analysis_status: str = Field(default=AnalysisStatus.PENDING, sa_type=Text)
    waiting_reason: str | None = text_or_null()
    priority: int = Field(default=Priority.INTERACTIVE)
    queued_at: datetime = timestamp(default_factory=now)
    due_at: datetime = timestamp(default_factory=now)
    started_at: datetime | None = timestamp(default=None)
    completed_at: datetime | None = timestamp(default=None)
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = timestamp(default=None)
    attempts: int = 0
    """Attempts that the model answered or failed, since the picture was last queued."""
    lost_attempts: int = 0
    """Attempts lost to a killed worker, since the picture was last queued."""
    error_code: str | None = text_or_null()
    error_message: str | None = text_or_null()
    never_cloud: bool = False
    context: str | None = text_or_null()
    """What the describer should know of this picture."""
    ask: dict[str, Any] | None = Field(default=None, sa_type=cast(Any, JSONB(none_as_null=True)))
    """How the request that is queued is to be answered: model, language, detail, run_id, reuse."""
    lane: str = Field(default="", sa_type=Text)
    """Which model is asked, as the database derives it from `ask` and `never_cloud`: '' is the one
    of the settings, '!' in front is never sent to a cloud."""

    analysis_id: uuid.UUID | None = Field(
        default=None,
        sa_column=Column(
            # The two tables point at each other, so this key is added after both exist.
            ForeignKey(
                "image_analyses.id",
                name="images_analysis_id_fkey",
                ondelete="SET NULL",
                use_alter=True,
            )
        ),
    )
    """The newest analysis."""
    alt_text: str | None = text_or_null()
    alt_text_by: str | None = text_or_null()
    description: str | None = text_or_null()
    description_by: str | None = text_or_null()
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    tags_by: str | None = text_or_null()
    visible_text: str | None = text_or_null()
    visible_text_by: str | None = text_or_null()
    decorative: bool | None = None
    decorative_by: str | None = text_or_null()
    language: str | None = text_or_null()
    language_by: str | None = text_or_null()
    choices: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """By field, what the person decided: {"from": model} took its text from an analysis, {"kept":
    id} keeps it against that analysis."""

    @property
    def transparent(self) -> bool:
        """Whether one sees through a part of it."""
        return bool(self.facts.get("has_alpha"))


class Progress(SQLModel, table=True):
    """Since when a person has had pictures waiting. There is a row as long as something waits."""

    __tablename__ = "progress"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    since: datetime = timestamp()


class ImageDeletion(SQLModel, table=True):
    """A picture that was removed for good: written by the database, kept for a month."""

    __tablename__ = "image_deletions"
    __table_args__ = (Index("image_deletions_changes", "user_id", "deleted_at", "image_id"),)

    image_id: uuid.UUID = Field(primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    deleted_at: datetime = timestamp()


class StoreRemoval(SQLModel, table=True):
    """A picture's place in a store that is to be emptied, unless its row gets there first."""

    __tablename__ = "store_removals"
    __table_args__ = (
        UniqueConstraint("user_id", "image_id", "s3_bucket", name="store_removals_place_key"),
        Index("store_removals_due", "due_at"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID
    image_id: uuid.UUID
    s3_bucket: str = Field(sa_type=Text)
    due_at: datetime = timestamp()
    attempts: int = 0


class ImageAnalysis(SQLModel, table=True):
    """One answer of a describer. Never changed; a new analysis adds a row."""

    __tablename__ = "image_analyses"
    __table_args__ = (
        Index("image_analyses_history", "image_id", text("created_at DESC")),
        Index("image_analyses_by_model", "user_id", "model_version", "id"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE")
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    lease_id: uuid.UUID | None = Field(default=None, unique=True)
    """The lease under which it was made: one answer per lease, whatever is retried."""
    description: str | None = text_or_null()
    alt_text: str | None = text_or_null()
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    visible_text: str | None = text_or_null()
    decorative: bool | None = None
    language: str | None = text_or_null()
    processing_time: float
    created_at: datetime = timestamp(default_factory=now)
    """When the describer was asked."""
    completed_at: datetime = timestamp(default_factory=now)
    model_version: str = Field(sa_type=Text)
    prompt_version: str | None = text_or_null()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    """In US dollars, where a price is known."""
    detail: str | None = text_or_null()
    asked: str | None = text_or_null()
    """A hash of the whole question: the same again gets this answer, in runs that reuse."""
    reused_from: uuid.UUID | None = None
    """The analysis that this one repeats; nothing was asked for it."""
    run_id: uuid.UUID | None = None
