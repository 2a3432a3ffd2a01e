"""Budgets: limit spending of a month, by person and for everybody, and estimate what is planned.

A claim sets aside what a call will cost, so that calls under way are within the budget too
(`imgapp_set_aside` in the database). What finds no room waits with the reason `budget`.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.vision import BASIC
from imgapp.errors import Conflict, NotFound
from imgapp.models import Shape, new_id
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.pagination import AmountPlace, cut_page, read_cursor
from imgapp.services.installation import prices, vision_models
from imgapp.services.installation.runtime_settings import Dollars
from imgapp.services.installation.runtime_settings import read as read_installation
from imgapp.services.spending.usage import CallCost, Spent, next_month, spent_of, this_month

CALL_SECONDS = 180
"""How long a call outside the queue may take before what was set aside for it is free again."""
_GUESS = (1_300, 200)
"""Tokens in and out of a picture, before one was described."""
_FIRST_PERMITS = 64
_ALLOWANCE = text("SELECT * FROM imgapp_allowance(:model)")
_RESERVE = text("SELECT imgapp_reserve(:id, :model, :seconds)")
_SET = text("SELECT imgapp_set_budget(:id, CAST(:budget AS numeric))")
_PEOPLE = text(
    "SELECT * FROM imgapp_spending_people(:month, :id, :query, CAST(:cost AS numeric),"
    " CAST(:after AS uuid), :limit)"
)


class BudgetPublic(Shape):
    """How one stands this month, in US dollars. null is no limit."""

    limit: float | None
    spent: float
    reserved: float = Field(description="Set aside for calls that are under way")
    left: float | None
    used_up: bool = Field(description="No room for another picture, until it is raised or reset")
    everybody_used_up: bool = Field(description="The same of the installation's budget")
    resets_at: datetime = Field(description="When the next month begins, by UTC")


class BudgetEdit(BaseModel):
    """US dollars a month; null is what the installation says for one person."""

    model_config = ConfigDict(extra="forbid")

    budget: Dollars | None


class PersonSpent(Spent):
    """A person with what they spent in a month."""

    id: UUID
    email: str
    own_budget: float | None = Field(description="null: the installation's `person_budget`")
    budget: float | None = Field(description="What holds for them. null is no limit")


class PeopleSpent(Shape):
    """One page of people, those who spent most first."""

    month: str
    items: list[PersonSpent]
    next_cursor: str | None


class Estimate(Shape):
    """What so many pictures will probably take."""

    pictures: int
    model: str
    basis: Literal["own", "everybody", "guess"] | None = Field(
        description="Which calls it was learned from: the caller's, or others' of this model; "
        "`guess` where there were none. null for `basic-1`, which costs nothing"
    )
    input_tokens: int
    output_tokens: int
    cost: float | None = Field(description="US dollars. null: the model has no price")
    left: float | None = Field(description="Of the caller's budget. null is no limit")
    fits: int | None = Field(
        description="How many of them this month's budgets have room for. null: as many as there "
        "are, or nobody knows"
    )
    enough: bool = Field(description="Whether nothing is known to keep any of them waiting")


Pictures = Annotated[int, Field(ge=0, le=10_000_000)]


def get_budget(user_id: UUID) -> BudgetPublic:
    """How the person stands this month."""
    with transaction(user_id) as session:
        return _budget(_allowance(session, vision_models.model_asked()))


def estimate(user_id: UUID, pictures: int, model: str | None = None) -> Estimate:
    """What describing so many pictures will take; by default with the model of the settings.

    Raises DatabaseUnavailable.
    """
    asked = vision_models.model_asked(model)
    with transaction(user_id) as session:
        known = _allowance(session, asked)
    if asked == BASIC:
        return _estimated(pictures, asked, known, None, CallCost(0, 0, Decimal(0)))
    answers = known.answers or 0
    basis = known.basis if answers else "guess"
    sent, received = (known.input_tokens, known.output_tokens) if answers else _GUESS
    price = prices.price_of(asked)
    # Its price may stand under the name that the server answers with.
    cost = known.cost or None if price is None else prices.cost_of(price, sent, received)
    return _estimated(pictures, asked, known, basis, CallCost(sent, received, cost), answers or 1)


def reserve(user_id: UUID, model: str) -> UUID:
    """Set aside what a call costs that no picture of the queue makes; `usage.settle` it by this id.

    Raises Conflict (`budget_used_up`)."""
    call_id = new_id()
    values = {"id": call_id, "model": model, "seconds": CALL_SECONDS}
    with transaction(user_id) as session:
        if not session.execute(_RESERVE, values).scalar_one():
            raise Conflict(words(session), code="budget_used_up")
    return call_id


def words(session: Session) -> str:
    """Why the pictures of the person of this transaction wait for a budget."""
    stands = _budget(_allowance(session, vision_models.model_asked()))
    if stands.everybody_used_up:
        reason = "The installation's budget of this month is used up."
    elif stands.used_up:
        reason = "Your budget of this month is used up."
    else:
        reason = "What is left of this month's budget is less than a picture costs."
    when = f"{stands.resets_at:%B} {stands.resets_at.day}"
    return f"{reason} Pictures go on when an administrator raises it, or on {when}."


def list_people(
    user_id: UUID,
    *,
    month: date | None = None,
    q: str | None = None,
    limit: int = 60,
    cursor: str | None = None,
) -> PeopleSpent:
    """Everybody with what they spent in a month, the most first.

    Raises NotFound unless an administrator asks, InvalidRequest (cursor).
    """
    month, query = month or this_month(), (q or "").strip() or None
    scope = (user_id, "spending", month, query)
    with as_administrator(user_id) as session:
        cost, after = read_cursor(AmountPlace, cursor, *scope) if cursor else (None, None)
        wanted = {"month": month, "id": None, "query": query}
        place = {"cost": cost, "after": after, "limit": limit + 1}
        rows = session.execute(_PEOPLE, {**wanted, **place}).all()
        standard = read_installation(session).person_budget
    page, further = cut_page(rows, limit, lambda last: AmountPlace(last.cost, last.id), *scope)
    items = [_person(row, standard) for row in page]
    return PeopleSpent(month=f"{month:%Y-%m}", items=items, next_cursor=further)


def set_budget(user_id: UUID, person_id: UUID, budget: float | None) -> PersonSpent:
    """Give a person a budget of their own, at once. Raises NotFound."""
    with as_administrator(user_id) as session:
        if not session.execute(_SET, {"id": person_id, "budget": budget}).scalar_one():
            raise NotFound
        wanted = {"month": this_month(), "id": person_id, "query": None}
        place = {"cost": None, "after": None, "limit": 1}
        row = session.execute(_PEOPLE, {**wanted, **place}).one()
        person = _person(row, read_installation(session).person_budget)
        said = "the installation's" if budget is None else f"{budget:g}"
        audit_trail.write(
            session,
            AuditKind.BUDGET_CHANGED,
            user_id,
            person=person.email,
            person_id=person_id,
            budget=said,
        )
        after_commit(session, partial(queue.issue_permits, _FIRST_PERMITS))
    return person


def _allowance(session: Session, model: str) -> Any:
    return session.execute(_ALLOWANCE, {"model": model}).one()


def _budget(known: Any) -> BudgetPublic:
    calls = (known.answers or 0) + (known.failures or 0)
    one = known.cost / calls if calls else Decimal(0)
    left = None if known.budget is None else max(known.budget - known.spent, Decimal(0))
    return BudgetPublic(
        limit=None if known.budget is None else float(known.budget),
        spent=round(float(known.spent), 9),
        reserved=round(float(known.reserved), 9),
        left=None if left is None else round(float(left), 9),
        used_up=_has_no_room(left, one),
        everybody_used_up=_has_no_room(known.everybody_left, one),
        resets_at=next_month(),
    )


def _has_no_room(left: Decimal | None, one: Decimal) -> bool:
    return left is not None and (left <= 0 or round(left, 9) < round(one, 9))


def _estimated(
    pictures: int, model: str, known: Any, basis: Any, taken: CallCost, by: int = 1
) -> Estimate:
    """`taken` is what so many pictures took (`by`)."""
    one = None if taken.cost is None else taken.cost / by
    limits = [known.everybody_left, None if known.budget is None else known.budget - known.spent]
    lefts = [left for left in limits if left is not None]
    fits = min(pictures, max(int(min(lefts) / one), 0)) if lefts and one else None
    return Estimate(
        pictures=pictures,
        model=model,
        basis=basis,
        input_tokens=round((taken.input_tokens or 0) * pictures / by),
        output_tokens=round((taken.output_tokens or 0) * pictures / by),
        cost=None if one is None else round(float(one * pictures), 6),
        left=_budget(known).left,
        fits=fits,
        enough=fits is None or fits >= pictures,
    )


def _person(row: Any, standard: float | None) -> PersonSpent:
    own = None if row.own_budget is None else float(row.own_budget)
    return PersonSpent(
        id=row.id,
        email=row.email,
        own_budget=own,
        budget=standard if own is None else own,
        **spent_of(row),
    )
