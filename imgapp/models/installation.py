"""Installation tables: runtime settings, model calls and usage."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Index,
    Numeric,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import now, timestamp


class Installation(SQLModel, table=True):
    """What administrators decide for everybody while imgapp runs: one row. null is no limit."""

    __tablename__ = "installation"

    id: int = Field(default=1, primary_key=True)
    paused: bool = False
    paused_at: datetime | None = timestamp(default=None)
    max_in_flight: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    models: list[str] = Field(default_factory=list, sa_type=ARRAY(Text))
    """Those that people may choose, besides the one of the settings."""
    prices: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    """By model, US dollars for a million tokens: {"input": …, "output": …}."""
    budget: Decimal | None = Field(default=None, sa_type=Numeric)
    """US dollars a month, for everybody together."""
    person_budget: Decimal | None = Field(default=None, sa_type=Numeric)
    """US dollars a month, for one person."""
    updated_at: datetime = timestamp(default_factory=now)


class UsageMonth(SQLModel, table=True):
    """What models took of a person in a month, by the model that was asked."""

    __tablename__ = "usage_months"
    __table_args__ = (Index("usage_months_by_month", "month", "model"),)

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    month: date = Field(primary_key=True)
    """Its first day, by the clock of UTC."""
    model: str = Field(sa_type=Text, primary_key=True)
    answers: int
    failures: int
    """Those that the server reported tokens for."""
    unpriced: int
    """Calls of which nobody knows what they cost."""
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cost: Decimal = Field(sa_type=Numeric)
    """US dollars."""


class UsageRemoved(SQLModel, table=True):
    """The same of people who were removed, together."""

    __tablename__ = "usage_removed"

    month: date = Field(primary_key=True)
    model: str = Field(sa_type=Text, primary_key=True)
    answers: int
    failures: int
    unpriced: int
    input_tokens: int = Field(sa_type=BigInteger)
    output_tokens: int = Field(sa_type=BigInteger)
    cost: Decimal = Field(sa_type=Numeric)


class ModelCall(SQLModel, table=True):
    """A call of a model that is under way. Its row goes when what it cost is written down."""

    __tablename__ = "model_calls"
    __table_args__ = (Index("model_calls_expires", "expires_at"),)

    id: uuid.UUID = Field(primary_key=True)
    """The lease of its picture, if it has one."""
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    model: str = Field(sa_type=Text)
    reserved: Decimal = Field(sa_type=Numeric)
    """US dollars of the budgets, until then."""
    expires_at: datetime = timestamp()
