"""Account tables: users, sessions, tokens, identities, preferences, the audit trail."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import Shape, new_id, now, text_or_null, timestamp


class Scope(StrEnum):
    READ = "read"
    WRITE = "write"


class User(SQLModel, table=True):
    """A person. `email` is unique whatever its case (index on lower(email))."""

    __tablename__ = "users"
    __table_args__ = (
        Index("users_email_key", text("lower(email)"), unique=True),
        Index("users_deleting", "deleting_at", postgresql_where=text("deleting_at IS NOT NULL")),
        Index("users_over_budget", "id", postgresql_where=text("over_budget")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    email: str = Field(sa_type=Text)
    password_hash: str | None = text_or_null()
    is_admin: bool = False
    disabled_at: datetime | None = timestamp(default=None)
    created_at: datetime = timestamp(default_factory=now)
    last_claimed_at: datetime | None = timestamp(default=None)
    """When the worker last took one of this person's pictures: people take turns."""
    quota_bytes: int | None = Field(default=None, sa_type=BigInteger)
    """null quotas are the installation's."""
    quota_images: int | None = None
    deleting_at: datetime | None = timestamp(default=None)
    """Signed out for good; the worker removes what is theirs, and this row last."""
    last_seen_at: datetime | None = timestamp(default=None)
    password_changed_at: datetime | None = timestamp(default=None)
    password_is_temporary: bool = False
    """Somebody else chose it."""
    self_registered: bool = False
    """Nobody has shown that the address is theirs: whoever typed it made the account."""
    budget: Decimal | None = Field(default=None, sa_type=Numeric)
    """US dollars a month; null is the installation's `person_budget`."""
    over_budget: bool = False
    """Noted by the sweep for those who have pictures waiting."""


class Preferences(SQLModel, table=True):
    """What a person has said of all their pictures. There is no row before they say something."""

    __tablename__ = "preferences"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    language: str | None = text_or_null()
    """What to write in (BCP 47)."""
    context: str | None = text_or_null()
    glossary: str | None = text_or_null()
    glossaries: dict[str, str] = Field(default_factory=dict, sa_type=JSONB)
    """By language, where the one for all does not do."""
    further_languages: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """What pictures are owed besides `language`."""
    approve_own: bool = False
    """What the person writes is approved in the same step."""
    rules_off: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Rules whose doubts are not shown."""
    review_blind_share: int = 0
    """Of a hundred pictures in Review, those whose text is shown when it is asked for."""
    review_second_share: int = 0
    """Of a hundred that are approved there, those that a second person sees."""
    vocabulary: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Tags of their own."""
    never_cloud: bool = False
    paused: bool = False
    paused_at: datetime | None = timestamp(default=None)
    """Set by the database, as `updated_at` is."""
    updated_at: datetime = timestamp(default_factory=now)


class UserSession(SQLModel, table=True):
    """A browser that is signed in. Only the SHA-256 of the cookie is stored."""

    __tablename__ = "sessions"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    token_hash: str = Field(sa_type=Text, unique=True)
    created_at: datetime = timestamp(default_factory=now)
    expires_at: datetime = timestamp()
    last_seen_at: datetime = timestamp(default_factory=now)
    user_agent: str = Field(default="", sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    auth_method: str = Field(default="password", sa_type=Text)
    """How the person proved who they are: `password` or `oidc`."""


class Identity(SQLModel, table=True):
    """A person as a single sign-on provider knows them."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="identities_issuer_subject_key"),)

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    issuer: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    email: str | None = text_or_null()
    created_at: datetime = timestamp(default_factory=now)
    last_used_at: datetime | None = timestamp(default=None)


class StorageUsage(SQLModel, table=True):
    """What a person's pictures take, the trash included. Counted by the database, at each change.

    There is no row before the first picture.
    """

    __tablename__ = "storage_usage"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    images: int
    bytes: int = Field(sa_type=BigInteger)
    listed: int
    """Those outside the trash."""


class AuditEvent(SQLModel, table=True):
    """Something that somebody did. Only added to; it outlives the person."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("audit_events_newest", text("at DESC"), text("id DESC")),
        Index("audit_events_by_kind", "kind", text("at DESC"), text("id DESC")),
        Index("audit_events_by_person", "user_id", text("at DESC")),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    at: datetime = timestamp(default_factory=now)
    user_id: uuid.UUID | None = None
    actor_email: str | None = text_or_null()
    kind: str = Field(sa_type=Text)
    address: str = Field(default="", sa_type=Text)
    user_agent: str = Field(default="", sa_type=Text)
    details: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)


class AccessToken(SQLModel, table=True):
    """A personal access token. Only its SHA-256 is stored; `hint` is its first characters."""

    __tablename__ = "tokens"

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    name: str = Field(sa_type=Text)
    token_hash: str = Field(sa_type=Text, unique=True)
    hint: str = Field(sa_type=Text)
    scopes: list[str] = Field(sa_type=ARRAY(Text))
    created_at: datetime = timestamp(default_factory=now)
    expires_at: datetime | None = timestamp(default=None)
    last_used_at: datetime | None = timestamp(default=None)


class Viewer(Shape):
    """Who is calling: made by the session or token look-up, and by nothing else."""

    user_id: uuid.UUID
    email: str
    is_admin: bool
    session_id: uuid.UUID | None = None
    token_id: uuid.UUID | None = None
    scopes: frozenset[Scope] = frozenset(Scope)
