"""Runtime settings: administrators pause, pace, and choose models, prices and budgets."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, select

from imgapp.adapters import queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.models import Installation, Shape
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.sanitize import clean_line

_FRESH_SECONDS = 1.0
_FIRST_PERMITS = 64
_CHANGE = text("SELECT imgapp_change_installation(:edit)").bindparams(
    bindparam("edit", type_=JSONB)
)

ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Dollars = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class Price(BaseModel):
    """US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
    output: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class InstallationPublic(Shape):
    """The settings that hold for everybody. null is no limit."""

    paused: bool = Field(description="Nothing is analysed")
    paused_at: datetime | None
    max_in_flight: int | None = Field(description="Analyses at once, in all workers together")
    requests_per_minute: int | None = Field(description="To the vision model, by all workers")
    tokens_per_minute: int | None = Field(description="In and out, by all workers")
    models: list[str] = Field(description="What people may choose besides IMGAPP_VISION_MODEL")
    prices: dict[str, Price] = Field(description="By model, US dollars for a million tokens")
    budget: float | None = Field(description="US dollars a month, everybody together")
    person_budget: float | None = Field(description="US dollars a month, for one person")
    updated_at: datetime

    @property
    def paced(self) -> bool:
        """Whether requests or tokens are counted."""
        return self.requests_per_minute is not None or self.tokens_per_minute is not None

    @property
    def limited(self) -> bool:
        """Whether more may be due than may be under way."""
        others = (self.max_in_flight, self.budget, self.person_budget)
        return self.paced or any(limit is not None for limit in others)


class InstallationEdit(BaseModel):
    """What is left out stays as it is; null takes a limit away."""

    model_config = ConfigDict(extra="forbid")

    paused: bool = False
    max_in_flight: int | None = Field(default=None, ge=1, le=10_000)
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=1_000_000_000)
    models: list[ModelName] = Field(default_factory=list, max_length=50)
    prices: dict[ModelName, Price] = Field(default_factory=dict, max_length=200)
    budget: Dollars | None = None
    person_budget: Dollars | None = None

    @field_validator("models")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(filter(None, map(clean_line, value))))


def installation() -> InstallationPublic:
    """The settings as they were at most a second ago. Raises DatabaseUnavailable."""
    known = _known.get("read")
    if known is None or time.monotonic() - known[0] > _FRESH_SECONDS:
        with transaction() as session:
            known = _known["read"] = (time.monotonic(), read(session))
    return known[1]


def read(session: Session) -> InstallationPublic:
    """The settings as they are."""
    row = session.exec(select(Installation)).one()
    return InstallationPublic.model_validate(row.model_dump(exclude={"id"}))


def read_installation(user_id: UUID) -> InstallationPublic:
    """The settings, for an administrator. Raises NotFound for everybody else."""
    with as_administrator(user_id) as session:
        return read(session)


def change_installation(user_id: UUID, edit: InstallationEdit) -> InstallationPublic:
    """Change some of the settings, at once and for all workers.

    Raises NotFound unless the caller is an administrator.
    """
    changes = edit.model_dump(mode="json", exclude_unset=True)
    with as_administrator(user_id) as session:
        if changes:
            session.execute(_CHANGE, {"edit": changes})
            audit_trail.write(session, AuditKind.INSTALLATION_CHANGED, user_id, **_told(changes))
            if not changes.get("paused"):
                # What waited goes on now; the sweep brings the rest.
                after_commit(session, partial(queue.issue_permits, _FIRST_PERMITS))
        now = read(session)
    forget()
    return now


def _told(changes: dict[str, Any]) -> dict[str, Any]:
    """What the audit trail keeps: of prices, that they changed."""
    return {name: "changed" if name == "prices" else value for name, value in changes.items()}


def forget() -> None:
    """Read the settings anew the next time."""
    _known.clear()


_known: dict[str, tuple[float, InstallationPublic]] = {}
