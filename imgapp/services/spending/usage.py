"""Usage: records tokens and dollars of each model call, by person, month and model.

A call is settled in the transaction that keeps its answer, and only once. Failed answers count too
where the server reported tokens for them. Months are those of UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

from pydantic import Field
from sqlalchemy import text
from sqlmodel import Session, col, select

from imgapp.adapters import db
from imgapp.adapters.db import Query, transaction
from imgapp.errors import DescriberError
from imgapp.models import Shape, UsageMonth, now
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.csv_files import csv_bytes
from imgapp.services.installation import prices

MONTHS = 12
MOST_MONTHS = 60
_MOST_ROWS = 50_000
_SPEND = (
    "SELECT imgapp_spend("
    "%(id)s, %(failed)s, %(input_tokens)s, %(output_tokens)s, CAST(%(cost)s AS numeric)"
    ") AS was_open"
)
_EVERYBODY = text("SELECT * FROM imgapp_spending(:since)")
_ROWS = text("SELECT * FROM imgapp_spending_rows(:since, :limit)")


class ReportedUsage(Protocol):
    """What a server said of a call: an answer, or the failure to give one."""

    @property
    def model_version(self) -> str | None: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...


@dataclass(frozen=True)
class CallCost:
    """Tokens as the server reported them, and US dollars. None is unknown."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: Decimal | None = None

    @property
    def dollars(self) -> float | None:
        """As analyses keep it."""
        return None if self.cost is None else float(self.cost)


class Spent(Shape):
    """What calls took together."""

    answers: int = 0
    failures: int = Field(default=0, description="Of no use, but paid for")
    unpriced: int = Field(default=0, description="Calls whose cost is not known: not in `cost`")
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = Field(default=0.0, description="US dollars")


class ModelSpent(Spent):
    """What one model took."""

    model: str = Field(description="The one that was asked")


class MonthSpent(Spent):
    """A month, model by model."""

    month: str = Field(description="Of UTC, as in 2026-07")
    models: list[ModelSpent]


def bill_of(model: str, said: ReportedUsage) -> CallCost:
    """What a call of this model is charged with. Raises DatabaseUnavailable."""
    if said.input_tokens is None and said.output_tokens is None:
        return CallCost()
    price = prices.price_of(model, said.model_version)
    tokens = said.input_tokens, said.output_tokens
    return CallCost(*tokens, None if price is None else prices.cost_of(price, *tokens))


def bill_of_failure(model: str, error: Exception) -> CallCost:
    """What a call that failed is charged with. Raises DatabaseUnavailable."""
    return bill_of(model, error) if isinstance(error, DescriberError) else CallCost()


def settle(session: Session, call_id: UUID, bill: CallCost, *, failed: bool = False) -> bool:
    """Add a call to the totals of the person of this transaction; False if it was settled before.

    Best asked last: until the transaction ends, the person's other calls wait to be added.
    """
    [[settled]] = db.execute(session, settlement(call_id, bill, failed=failed))
    return bool(settled.was_open)


def settlement(call_id: UUID, bill: CallCost, *, failed: bool = False) -> Query:
    """The query that settles a call; its row has `was_open`."""
    return _SPEND, {
        "id": call_id,
        "failed": failed,
        "input_tokens": bill.input_tokens,
        "output_tokens": bill.output_tokens,
        "cost": bill.cost,
    }


def list_months(user_id: UUID, months: int = MONTHS) -> list[MonthSpent]:
    """The person's months that cost something, newest first; this one in any case."""
    with transaction(user_id) as session:
        return list(_months(session.scalars(_own(since(months))).all()))


def list_everybodys_months(user_id: UUID, months: int = MONTHS) -> list[MonthSpent]:
    """The same of everybody together. Raises NotFound unless an administrator asks."""
    with as_administrator(user_id) as session:
        return list(_months(session.execute(_EVERYBODY, {"since": since(months)}).all()))


def export_months(user_id: UUID) -> bytes:
    """The person's months and models as CSV."""
    with transaction(user_id) as session:
        rows = session.scalars(_own(since(MOST_MONTHS))).all()
        return csv_bytes(_NAMES, ([_month(row.month), *_cells(row)] for row in rows))


def export_people(user_id: UUID) -> bytes:
    """Everybody's as CSV, one line a person, month and model; those without an address were
    removed. Raises NotFound unless an administrator asks."""
    with as_administrator(user_id) as session:
        found = session.execute(_ROWS, {"since": since(MOST_MONTHS), "limit": _MOST_ROWS})
        lines = ([_month(row.month), row.email, *_cells(row)] for row in found)
        return csv_bytes(("month", "email", *_NAMES[1:]), lines)


def this_month() -> date:
    """Its first day, by the clock of UTC."""
    return now().astimezone(UTC).date().replace(day=1)


def next_month() -> datetime:
    """When budgets begin anew."""
    this = this_month()
    year, month = divmod(this.year * 12 + this.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def since(months: int) -> date:
    """The first day of so many months, this one included."""
    this = this_month()
    year, month = divmod(this.year * 12 + this.month - months, 12)
    return date(year, month + 1, 1)


_COUNTED = tuple(Spent.model_fields)
_NAMES = ("month", "model", *_COUNTED)


def _own(first: date) -> Any:
    rows = select(UsageMonth).where(col(UsageMonth.month) >= first)
    return rows.order_by(col(UsageMonth.month).desc(), col(UsageMonth.model))


def _months(rows: Iterable[Any]) -> Iterator[MonthSpent]:
    now_running = this_month()
    by_month = {month: list(found) for month, found in groupby(rows, lambda row: row.month)}
    for month in sorted({now_running, *by_month}, reverse=True):
        models = [ModelSpent(model=row.model, **spent_of(row)) for row in by_month.get(month, [])]
        total = {name: sum(getattr(one, name) for one in models) for name in _COUNTED}
        yield MonthSpent(month=_month(month), models=models, **total)


def spent_of(row: Any) -> dict[str, Any]:
    """The members of `Spent` from a row that has columns of these names."""
    found = {name: getattr(row, name) for name in _COUNTED}
    return {**found, "cost": round(float(found["cost"]), 9)}


def _month(first: date) -> str:
    return f"{first:%Y-%m}"


def _cells(row: Any) -> list[Any]:
    return [row.model, *(getattr(row, name) for name in _COUNTED[:-1]), f"{row.cost:.9f}"]
