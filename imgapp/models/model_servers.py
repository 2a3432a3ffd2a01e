"""Model server tables: connected models, pulls, health, and how many calls at once they take."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from imgapp.models.base import now, text_or_null, timestamp


class ConnectedModel(SQLModel, table=True):
    """A vision model of a server that an administrator connected in the page."""

    __tablename__ = "connected_models"

    name: str = Field(sa_type=Text, primary_key=True)
    """What people and runs choose, and what has a price."""
    kind: str = Field(sa_type=Text)
    base_url: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    """What the server calls it."""
    sealed_key: str | None = text_or_null()
    seconds: int | None = None
    """A picture may take; null is as servers of its kind may."""
    at_once: int | None = None
    """Calls; null is as was learned, or as many as there are."""
    local: bool
    """Whether pictures stay in the house."""
    role: str | None = Field(default=None, sa_type=Text, unique=True)
    """`default` or `fallback`."""
    server: str = Field(sa_type=Text)
    """A hash of address and key: the circuit breaker's."""
    created_at: datetime = timestamp()
    updated_at: datetime = timestamp()


class ModelPull(SQLModel, table=True):
    """A model of the catalogue that an administrator wants, and how far a worker is with it."""

    __tablename__ = "model_pulls"
    __table_args__ = (Index("model_pulls_asked_by", "asked_by"),)

    name: str = Field(sa_type=Text, primary_key=True)
    asked_by: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE")
    asked_at: datetime = timestamp()
    done: int = Field(default=0, sa_type=BigInteger)
    """Bytes."""
    total: int = Field(sa_type=BigInteger)
    checking: bool = False
    """Whether all has come and is read once more."""
    problem: str | None = text_or_null()
    """Why nobody goes on with it."""
    lease_id: uuid.UUID | None = None
    lease_expires_at: datetime | None = timestamp(default=None)


class ProviderState(SQLModel, table=True):
    """The breaker: how a model of a server fares, or the picture store (`store`, '')."""

    __tablename__ = "provider_state"

    server: str = Field(sa_type=Text, primary_key=True)
    """A hash of its address and key, which may be secrets."""
    model: str = Field(sa_type=Text, primary_key=True)
    failures: int = 0
    """In a row, over all workers."""
    openings: int = 0
    opened_at: datetime | None = timestamp(default=None)
    """Since when it is left alone; null once it answers."""
    open_until: datetime | None = timestamp(default=None)
    """Then one picture tries."""
    held_until: datetime | None = timestamp(default=None)
    """Asked for by the server (`Retry-After`)."""
    probe_lease: uuid.UUID | None = None
    code: str | None = text_or_null()
    message: str | None = text_or_null()
    """Of the last failure, for people."""
    updated_at: datetime = timestamp(default_factory=now)
    said: str | None = text_or_null()
    """By the server itself, for administrators: shortened, without keys."""


class LearnedConcurrency(SQLModel, table=True):
    """How many calls at once a model of a server of one's own takes, and what is being tried."""

    __tablename__ = "learned_concurrency"

    server: str = Field(sa_type=Text, primary_key=True)
    model: str = Field(sa_type=Text, primary_key=True)
    slots: int = 1
    rising: bool = False
    since: datetime = timestamp(default_factory=now)
    answers: int = 0
    in_flight: float = 0.0
    spent: float = 0.0
    rate: float | None = None
    held_until: datetime | None = timestamp(default=None)
    holds: int = 0
    seconds: float | None = None
    """That a call takes, the last ones counting most."""
    updated_at: datetime = timestamp(default_factory=now)
