"""What administrators see on `/usage`: everybody's spending, prices, budgets, people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import reflex as rx
from pydantic import TypeAdapter, ValidationError

from imgapp.errors import NotFound
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import runtime_settings, vision_models
from imgapp.services.installation.runtime_settings import InstallationEdit, InstallationPublic
from imgapp.services.spending import budgets, usage
from imgapp.services.spending.budgets import BudgetEdit
from imgapp.ui.shell.money_words import (
    PersonRow,
    SpentRow,
    in_form,
    month_words,
    person_row,
    spent_row,
)
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

STEP = 30
_BASIC = "basic-1"
_AMOUNT = TypeAdapter(BudgetEdit)


@dataclass
class PriceRow:
    """A model with its price as the form holds it; empty where there is none."""

    model: str
    input: str
    output: str


class SpendingAdministrationState(rx.State):
    """What one tab shows an administrator of everybody's spending."""

    shown: bool = False
    """Whether an administrator looks."""
    months: list[SpentRow] = []
    prices: list[PriceRow] = []
    budget: str = ""
    person_budget: str = ""
    people: list[PersonRow] = []
    query: str = ""
    has_more: bool = False
    saved: int = 0
    """How often prices were saved: the form is drawn anew then."""
    _next: str = ""

    @handler
    async def load(self) -> None:
        self.shown = current_viewer().is_admin
        if self.shown:
            await self._read_all()
            await self._read_people(STEP)

    @handler
    async def look(self) -> None:
        if current_viewer().is_admin:
            await self._read_months()
            await self._read_people(max(len(self.people), STEP))

    @handler
    async def search(self, query: str) -> None:
        current_viewer()
        self.query = str(query)[:254]
        await self._read_people(STEP)

    @handler
    async def load_more(self) -> None:
        current_viewer()
        await self._read_people(STEP, self._next)

    @handler
    async def save_prices(self, said: dict[str, Any]) -> None:
        current_viewer()
        try:
            prices = prices_of(said)
        except ValueError as error:
            await say(self, str(error), is_error=True)
            return
        await self._change("Saved. Calls cost that from now on.", prices=prices)

    @handler
    async def save_budgets(self, said: dict[str, Any]) -> None:
        current_viewer()
        names = ("budget", "person_budget")
        changes = {name: str(said.get(name) or "").strip() or None for name in names}
        await self._change("Saved. It holds from now on.", **changes)

    @handler
    async def set_budget(self, said: dict[str, Any]) -> None:
        """Of one person; nothing is what holds for everybody."""
        user = current_viewer().user_id
        amount = str(said.get("own_budget") or "").strip() or None
        try:
            edit = _AMOUNT.validate_python({"budget": amount})
        except ValidationError:
            await say(self, "A budget: dollars, or nothing.", is_error=True)
            return
        async with failures_shown(self):
            person_id = id_of(str(said.get("person_id")))
            person = await in_db(budgets.set_budget, user, person_id, edit.budget)
            await say(self, f"Saved: {person.email}, {person_row(person).budget}.")
        await self._read_people(max(len(self.people), STEP))

    async def _change(self, done: str, **changes: Any) -> None:
        user = current_viewer().user_id
        try:
            edit = InstallationEdit(**changes)
        except ValidationError:
            await say(self, "Prices and budgets: dollars, 0 or more, or nothing.", is_error=True)
            return
        async with failures_shown(self):
            await in_db(runtime_settings.change_installation, user, edit)
            self.saved += 1
            await say(self, done)
        await self._read_all()
        await self._read_people(max(len(self.people), STEP))

    async def _read_all(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            try:
                now = await in_db(runtime_settings.read_installation, user)
                offered = await in_db(vision_models.offered)
            except NotFound:
                self.shown = False
                return
            self.budget, self.person_budget = in_form(now.budget), in_form(now.person_budget)
            self.prices = price_rows(now, offered.models)
        await self._read_months()

    async def _read_months(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            try:
                found = await in_db(usage.list_everybodys_months, user)
            except NotFound:
                self.shown = False
                return
            rows = [spent_row(month_words(one.month), one) for one in found]
            if rows != self.months:
                self.months = rows

    async def _read_people(self, limit: int, cursor: str = "") -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            try:
                page = await in_db(
                    budgets.list_people,
                    user,
                    q=self.query,
                    limit=min(limit, 200),
                    cursor=cursor or None,
                )
            except NotFound:
                self.people, self.shown = [], False
                return
            rows = [person_row(one) for one in page.items]
            rows = [*self.people, *rows] if cursor else rows
            if rows != self.people:
                self.people = rows
            self._next, self.has_more = page.next_cursor or "", page.next_cursor is not None


def price_rows(now: InstallationPublic, offered: list[str]) -> list[PriceRow]:
    """The models that have a price, and those that may be asked, by name."""
    names = {*now.prices, *(name for name in offered if name != _BASIC)}
    rows = []
    for name in sorted(names):
        price = now.prices.get(name)
        cells = (in_form(price.input), in_form(price.output)) if price else ("", "")
        rows.append(PriceRow(name, *cells))
    return rows


def prices_of(said: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The price table that the form says; a line of nothing is no price. Raises ValueError."""
    table = {}
    for name, into, out in _lines(said):
        if not (into or out):
            continue
        if not name:
            raise ValueError("A price needs the name of its model.")
        if not (into and out):
            raise ValueError(f"{name}: say both prices, for tokens in and out.")
        table[name] = {"input": into, "output": out}
    return table


def _lines(said: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in said:
        if key.startswith("model_"):
            number = key.removeprefix("model_")
            cells = (said.get(f"{part}_{number}") for part in ("model", "input", "output"))
            name, into, out = (str(cell or "").strip() for cell in cells)
            yield name[:200], into, out
