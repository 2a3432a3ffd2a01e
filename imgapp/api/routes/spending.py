"""`/api/spending`: tokens and US dollars by month and model, budgets, estimates."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BeforeValidator, StringConstraints

from imgapp.api.http.auth import require_read
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes import people
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.api.routes.people import PersonId
from imgapp.models import Shape, Viewer
from imgapp.services.common.csv_files import MEDIA_TYPE
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.spending import budgets, usage
from imgapp.services.spending.budgets import (
    BudgetEdit,
    BudgetPublic,
    Estimate,
    PeopleSpent,
    PersonSpent,
)
from imgapp.services.spending.usage import MONTHS, MOST_MONTHS, MonthSpent

router = APIRouter(prefix="/api", tags=["spending"])

_CSV_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"description": "A table", "content": {"text/csv": {}}}
}

Reader = Annotated[Viewer, Depends(require_read)]
Months = Annotated[int, Query(ge=1, le=MOST_MONTHS, description="How many, this one included")]
Edit = Annotated[BudgetEdit, Depends(json_body(BudgetEdit))]


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Month = Annotated[
    Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")] | None,
    BeforeValidator(_empty_is_none),
    Query(description="Of UTC, as in 2026-07; the one that is running without it"),
]
Model = Annotated[
    Annotated[str, StringConstraints(max_length=200)] | None,
    BeforeValidator(_empty_is_none),
    Query(description="The one of the settings without it"),
]


class SpendingPublic(Shape):
    """What the caller's analyses cost, the newest month first, and how they stand in this one."""

    budget: BudgetPublic
    months: list[MonthSpent]


class EverybodysSpending(Shape):
    """What all analyses cost, those of people who were removed among them."""

    months: list[MonthSpent]


@router.get("/spending", responses=documented())
async def read_spending(viewer: Reader, months: Months = MONTHS) -> SpendingPublic:
    """Your tokens and dollars by month and model, and what is left of your budget."""
    found = await in_db(usage.list_months, viewer.user_id, months)
    return SpendingPublic(budget=await in_db(budgets.get_budget, viewer.user_id), months=found)


@router.get("/spending/estimate", responses=documented())
async def estimate_spending(
    viewer: Reader,
    pictures: Annotated[int, Query(ge=0, le=10_000_000)],
    model: Model = None,
) -> Estimate:
    """What so many pictures will probably take, before you send them, and whether your budget has
    room for that."""
    return await in_db(budgets.estimate, viewer.user_id, pictures, model)


@router.get("/spending/export", responses=documented() | _CSV_RESPONSE, response_class=Response)
async def export_spending(viewer: Reader) -> Response:
    """Your months and models as CSV: five years at most."""
    return _table(await in_io(usage.export_months, viewer.user_id), "imgapp-usage.csv")


@router.get("/spending/everybody", responses=documented(404))
async def read_everybodys_spending(
    viewer: people.Reader, months: Months = MONTHS
) -> EverybodysSpending:
    """Everybody's together, by month and model. For administrators."""
    found = await in_db(usage.list_everybodys_months, viewer.user_id, months)
    return EverybodysSpending(months=found)


@router.get("/spending/people", responses=documented("invalid_cursor", 404))
async def list_spending_of_people(
    viewer: people.Reader,
    month: Month = None,
    q: Annotated[str | None, Query(max_length=254, description="Part of an address")] = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> PeopleSpent:
    """Everybody with what they spent in a month, those who spent most first. For administrators."""
    first = date.fromisoformat(f"{month}-01") if month else None
    return await in_db(
        budgets.list_people, viewer.user_id, month=first, q=q, limit=limit, cursor=cursor
    )


@router.get(
    "/spending/people/export", responses=documented(404) | _CSV_RESPONSE, response_class=Response
)
async def export_spending_of_people(viewer: people.Reader) -> Response:
    """Everybody's months and models as CSV. For administrators."""
    return _table(await in_io(usage.export_people, viewer.user_id), "imgapp-usage-people.csv")


@router.put(
    "/people/{person_id}/budget",
    responses=documented(404),
    openapi_extra=json_body_schema(BudgetEdit, {"budget": 20.0}),
)
async def set_budget(viewer: people.Writer, person_id: PersonId, body: Edit) -> PersonSpent:
    """Give somebody a budget of their own, in US dollars a month; null is everybody's
    `person_budget`. It holds at once. For administrators."""
    return await in_db(budgets.set_budget, viewer.user_id, parse_id(person_id), body.budget)


def _table(table: bytes, filename: str) -> Response:
    said = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return Response(table, media_type=MEDIA_TYPE, headers=said)
