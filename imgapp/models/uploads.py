"""Upload tables: idempotency keys, direct uploads, batches and files that are fetched."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import new_id, now, text_or_null, timestamp


class FileOutcome(StrEnum):
    """What became of a file of a batch, so far."""

    WAITING = "waiting"
    FETCHING = "fetching"
    ADDED = "added"
    DUPLICATE = "duplicate"
    """Its owner had a picture of these very bytes."""
    REFUSED = "refused"
    CANCELLED = "cancelled"


class UploadState(StrEnum):
    """Where a direct upload is: bytes arriving, being taken in, a picture, refused."""

    OPEN = "open"
    SAVING = "saving"
    COMPLETED = "completed"
    FAILED = "failed"


class IdempotencyKey(SQLModel, table=True):
    """The answer to an upload that named an `Idempotency-Key`, kept for a day."""

    __tablename__ = "idempotency_keys"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    fingerprint: str = Field(sa_type=Text)
    status_code: int | None = None
    response: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    created_at: datetime = timestamp(default_factory=now)


class DirectUpload(SQLModel, table=True):
    """A file that its owner sends straight to the bucket, until it is a picture."""

    __tablename__ = "direct_uploads"
    __table_args__ = (
        Index("direct_uploads_expires", "expires_at"),
        Index(
            "direct_uploads_leased",
            "lease_expires_at",
            postgresql_where=text("state = 'saving'"),
        ),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    filename: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    sha256: str | None = text_or_null()
    """What the client says of the bytes; checked once they are there."""
    content_type: str | None = text_or_null()
    batch_id: uuid.UUID | None = None
    s3_bucket: str = Field(sa_type=Text)
    s3_key: str = Field(sa_type=Text)
    multipart_id: str | None = text_or_null()
    part_size: int
    """Bytes; one part is a single request."""
    state: str = Field(default=UploadState.OPEN, sa_type=Text)
    created_at: datetime = timestamp(default_factory=now)
    expires_at: datetime = timestamp()
    attempts: int = 0
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = timestamp(default=None)
    image_id: uuid.UUID | None = None
    duplicate: bool = False
    error_code: str | None = text_or_null()
    error_detail: str | None = text_or_null()


class Batch(SQLModel, table=True):
    """Pictures that came together. The files by outcome are counted by the database."""

    __tablename__ = "batches"
    __table_args__ = (
        UniqueConstraint("user_id", "import_key", name="batches_user_id_import_key_key"),
        Index("batches_newest", "user_id", text("created_at DESC"), text("id DESC")),
        Index("batches_old", "updated_at"),
        Index(
            "batches_cancelled",
            "id",
            postgresql_where=text("cancelled_at IS NOT NULL AND waiting > 0"),
        ),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    name: str | None = text_or_null()
    context: str | None = text_or_null()
    """What the describer should know of its pictures."""
    import_key: str | None = text_or_null()
    """Which folder an import reads: the same one goes on in the same batch."""
    is_open: bool = False
    """An import is under way, or was interrupted."""
    created_at: datetime = timestamp(default_factory=now)
    updated_at: datetime = timestamp(default_factory=now)
    cancelled_at: datetime | None = timestamp(default=None)
    waiting: int = 0
    fetching: int = 0
    added: int = 0
    duplicate: int = 0
    refused: int = 0
    cancelled: int = 0


class BatchItem(SQLModel, table=True):
    """A file of a batch, and what became of it. One with a URL is fetched by a worker."""

    __tablename__ = "batch_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "item_key", name="batch_items_batch_id_item_key_key"),
        Index("batch_items_listed", "batch_id", "id"),
        Index("batch_items_by_outcome", "batch_id", "outcome", "id"),
        Index(
            "batch_items_waiting",
            "user_id",
            "host",
            "due_at",
            "id",
            postgresql_where=text("outcome = 'waiting'"),
        ),
        Index(
            "batch_items_fetching",
            "lease_expires_at",
            postgresql_where=text("outcome = 'fetching'"),
        ),
        Index("batch_items_image", "image_id", postgresql_where=text("image_id IS NOT NULL")),
        Index("batch_items_person", "user_id"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    batch_id: uuid.UUID = Field(foreign_key="batches.id", ondelete="CASCADE")
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    item_key: str | None = text_or_null()
    """Of an import: the file's path, hashed; a file is in a batch once."""
    filename: str | None = text_or_null()
    url: str | None = text_or_null()
    host: str | None = text_or_null()
    outcome: str = Field(sa_type=Text)
    image_id: uuid.UUID | None = Field(default=None, foreign_key="images.id", ondelete="SET NULL")
    code: str | None = text_or_null()
    detail: str | None = text_or_null()
    created_at: datetime = timestamp(default_factory=now)
    finished_at: datetime | None = timestamp(default=None)
    due_at: datetime | None = timestamp(default=None)
    attempts: int = 0
    lost_attempts: int = 0
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = timestamp(default=None)


class FetchRest(SQLModel, table=True):
    """A server that asked for a rest while one person's pictures were fetched from it."""

    __tablename__ = "fetch_rests"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    host: str = Field(sa_type=Text, primary_key=True)
    until: datetime = timestamp()
