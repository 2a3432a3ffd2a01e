"""The base of tables: ids, times and the schema class."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import uuid_utils
from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    DateTime,
    Text,
)
from sqlmodel import Field


def new_id() -> uuid.UUID:
    """A version 7 UUID (RFC 9562): unique, and sorted by the time it was made."""
    return uuid.UUID(bytes=uuid_utils.uuid7().bytes)


def now() -> datetime:
    """The current time, with its zone."""
    return datetime.now(UTC)


def timestamp(**kwargs: Any) -> Any:
    return Field(sa_type=DateTime(timezone=True), **kwargs)


def text_or_null() -> Any:
    return Field(default=None, sa_type=Text)


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True)
