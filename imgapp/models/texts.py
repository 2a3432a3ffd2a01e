"""Text tables: what is said of a picture in each language, its state and its history."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ARRAY, FetchedValue, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import new_id, now, text_or_null, timestamp


class TextState(StrEnum):
    """Whether a person stands behind the words of a text."""

    DRAFT = "draft"
    APPROVED = "approved"
    RETURNED = "returned"


class TextAuthor(StrEnum):
    """Who wrote a text, in any language. `file` is what came with the picture."""

    PERSON = "person"
    MODEL = "model"
    FILE = "file"


class ImageText(SQLModel, table=True):
    """What is said of a picture in one language. The database keeps its state and history."""

    __tablename__ = "image_texts"
    __table_args__ = (
        Index("image_texts_own", "image_id", unique=True, postgresql_where=text("is_own")),
        Index("image_texts_by_state", "user_id", "language", "state", "image_id"),
        Index(
            "image_texts_waiting",
            "user_id",
            "language",
            "state_at",
            postgresql_where=text("state <> 'approved'"),
        ),
        Index(
            "image_texts_doubtful",
            "user_id",
            "language",
            "image_id",
            postgresql_where=text("doubts <> '[]'"),
        ),
        Index(
            "image_texts_same",
            "user_id",
            "language",
            text("md5(alt_text)"),
            postgresql_where=text("alt_text <> ''"),
        ),
        Index("image_texts_unchecked", "changed_at", postgresql_where=text("doubts IS NULL")),
    )

    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", primary_key=True)
    language: str = Field(sa_type=Text, primary_key=True)
    """BCP 47."""
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    is_own: bool = False
    """The picture's own text, which stands in its row and is copied from there."""
    alt_text: str | None = text_or_null()
    description: str | None = text_or_null()
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    decorative: bool | None = None
    written_by: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    """Of each that is known: `person`, `model` or `file`."""
    analysis_id: uuid.UUID | None = None
    """The answer in which a model wrote it; it may be gone by now."""
    made_from: str | None = text_or_null()
    """The language of the text that it was made from; null is the picture."""
    state: str = Field(default=TextState.DRAFT, sa_type=Text)
    state_at: datetime = timestamp(default_factory=now)
    state_by: uuid.UUID | None = None
    note: str | None = text_or_null()
    """Why it was returned."""
    approved: dict[str, Any] | None = Field(
        default=None, sa_type=cast(Any, JSONB(none_as_null=True))
    )
    """The wording that was approved last."""
    approved_at: datetime | None = timestamp(default=None)
    approved_by: uuid.UUID | None = None
    doubts: list[dict[str, str]] | None = Field(
        default=None, sa_type=cast(Any, JSONB(none_as_null=True))
    )
    """What the rules found; null before they were asked."""
    changed_at: datetime = timestamp(default_factory=now)


class UseRole(StrEnum):
    """What a picture does where it is used (W3C, An alt Decision Tree)."""

    INFORMATIVE = "informative"
    FUNCTIONAL = "functional"
    DECORATIVE = "decorative"
    COMPLEX = "complex"


class ImageUse(SQLModel, table=True):
    """What is said of a picture in one place where it is used. The database keeps its state."""

    __tablename__ = "image_uses"
    __table_args__ = (UniqueConstraint("image_id", "name", "language", name="image_uses_name_key"),)

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE")
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    name: str = Field(sa_type=Text)
    """Of a place, or its address."""
    role: str = Field(default=UseRole.INFORMATIVE, sa_type=Text)
    context: str | None = text_or_null()
    language: str = Field(sa_type=Text)
    alt_text: str | None = text_or_null()
    description: str | None = text_or_null()
    written_by: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    """Of each that is known: `person` or `model`."""
    analysis_id: uuid.UUID | None = None
    state: str = Field(default=TextState.DRAFT, sa_type=Text)
    state_at: datetime = timestamp(default_factory=now)
    state_by: uuid.UUID | None = None
    note: str | None = text_or_null()
    approved: dict[str, Any] | None = Field(
        default=None, sa_type=cast(Any, JSONB(none_as_null=True))
    )
    """The wording that was approved last."""
    created_at: datetime = timestamp(default_factory=now)
    changed_at: datetime = timestamp(default_factory=now)


class TextChange(SQLModel, table=True):
    """Something that was written, approved, returned or removed. Written by the database."""

    __tablename__ = "text_changes"
    __table_args__ = (
        Index("text_changes_of_text", "image_id", "language", text("at DESC"), text("id DESC")),
        Index("text_changes_of_person", "user_id", text("at DESC"), text("id DESC")),
    )

    id: uuid.UUID = Field(primary_key=True, sa_column_kwargs={"server_default": FetchedValue()})
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE")
    language: str = Field(sa_type=Text)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    kind: str = Field(sa_type=Text)
    at: datetime = timestamp(default_factory=now)
    actor_id: uuid.UUID | None = None
    """null is a model, or the file."""
    words: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    written_by: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    analysis_id: uuid.UUID | None = None
    made_from: str | None = text_or_null()
    note: str | None = text_or_null()


class ReviewLease(SQLModel, table=True):
    """A text that somebody has in front of them in Review: nobody else gets it meanwhile."""

    __tablename__ = "review_leases"
    __table_args__ = (Index("review_leases_of_person", "user_id", "reviewer"),)

    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", primary_key=True)
    language: str = Field(sa_type=Text, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    reviewer: uuid.UUID
    """A tab, or a program."""
    expires_at: datetime = timestamp()


class SecondLook(SQLModel, table=True):
    """An approved text of which a second person is asked, and what came of it."""

    __tablename__ = "second_looks"
    __table_args__ = (Index("second_looks_of_person", "user_id", "language", "looked_at"),)

    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", primary_key=True)
    language: str = Field(sa_type=Text, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    words: dict[str, Any] = Field(sa_type=JSONB)
    """As they were approved."""
    first_by: uuid.UUID
    """The session, or access token, that approved them."""
    asked_at: datetime = timestamp(default_factory=now)
    second_by: uuid.UUID | None = None
    looked_at: datetime | None = timestamp(default=None)
    agreed: bool | None = None
    """Whether the second approved the same words; null until they looked."""
