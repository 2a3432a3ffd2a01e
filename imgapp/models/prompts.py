"""Prompt tables: versions and their trials."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import (
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from imgapp.models.base import new_id, now, text_or_null, timestamp


class Prompt(SQLModel, table=True):
    """A version of what a person asks of models; the newest holds."""

    __tablename__ = "prompts"

    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", primary_key=True)
    number: int = Field(primary_key=True)
    template: str | None = text_or_null()
    """null: what everybody asks."""
    created_at: datetime = timestamp(default_factory=now)


class InstallationPrompt(SQLModel, table=True):
    """A version of what everybody asks who has said nothing of their own; the newest holds."""

    __tablename__ = "installation_prompts"

    number: int = Field(primary_key=True)
    template: str | None = text_or_null()
    """null: what is built in."""
    author: str = Field(sa_type=Text)
    created_at: datetime = timestamp(default_factory=now)


class PromptTrial(SQLModel, table=True):
    """A question about one picture, of a prompt that is tried before it is saved."""

    __tablename__ = "prompt_trials"
    __table_args__ = (
        UniqueConstraint("trial_id", "image_id", "side", name="prompt_trials_question_key"),
    )

    id: uuid.UUID = Field(default_factory=new_id, primary_key=True)
    trial_id: uuid.UUID
    user_id: uuid.UUID = Field(foreign_key="users.id", ondelete="CASCADE", index=True)
    image_id: uuid.UUID = Field(foreign_key="images.id", ondelete="CASCADE", index=True)
    side: str = Field(sa_type=Text)
    """`now` is the prompt as it is, `new` the one that is tried."""
    template: str = Field(sa_type=Text)
    prompt_version: str = Field(sa_type=Text)
    state: str = Field(default="waiting", sa_type=Text)
    """`waiting`, `asking`, `answered` or `failed`."""
    created_at: datetime = timestamp(default_factory=now)
    started_at: datetime | None = timestamp(default=None)
    finished_at: datetime | None = timestamp(default=None)
    answer: dict[str, Any] | None = Field(default=None, sa_type=cast(Any, JSONB(none_as_null=True)))
    model_version: str | None = text_or_null()
    processing_time: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = Field(default=None, sa_type=Numeric)
    error_code: str | None = text_or_null()
    error_message: str | None = text_or_null()
