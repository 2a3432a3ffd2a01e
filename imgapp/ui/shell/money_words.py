"""Money in words: formats dollars, tokens, months, and how far a budget goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from imgapp.services.spending.budgets import BudgetPublic, Estimate, PersonSpent
from imgapp.services.spending.usage import ModelSpent, MonthSpent, Spent
from imgapp.ui.shell.reason_words import pictures


@dataclass
class SpentRow:
    """A model, or a month, with what it took."""

    name: str
    took: str
    cost: str
    note: str = ""


@dataclass
class BudgetView:
    """How one stands this month."""

    month: str = ""
    spent: str = ""
    of: str = ""
    """The budget; empty if there is none."""
    share: float = 0.0
    """Of the budget, from 0 to 1."""
    note: str = ""
    alarm: str = ""
    models: list[SpentRow] = field(default_factory=list)


@dataclass
class SpenderRow:
    """A person with what they spent and may spend."""

    id: str
    email: str
    cost: str
    took: str
    budget: str
    own: str
    """Their own budget as it is in the form; empty for everybody's."""
    over: bool


def dollars(amount: float) -> str:
    """ "$1,204.50"; of little, as many digits as say something."""
    if amount == 0:
        return "$0"
    if amount >= 0.1:
        return f"${amount:,.2f}"
    if amount < 0.0001:
        return "less than $0.0001"
    whole, _, cents = f"{amount:.4f}".partition(".")
    return f"${whole}.{cents[:2]}{cents[2:].rstrip('0')}"


def month_words(month: str) -> str:
    """ "2026-07" as people say it."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


def took_words(spent: Spent) -> str:
    """Answers and tokens."""
    said = [f"{spent.answers:,} answer{'' if spent.answers == 1 else 's'}"]
    if spent.failures:
        said.append(f"{spent.failures:,} of no use")
    said.append(f"{spent.input_tokens:,} tokens in, {spent.output_tokens:,} out")
    return " · ".join(said)


def cost_words(spent: Spent) -> str:
    """Dollars, as far as they are known."""
    calls = spent.answers + spent.failures
    return "cost not known" if calls and spent.unpriced == calls else dollars(spent.cost)


def spent_row(name: str, spent: MonthSpent | ModelSpent) -> SpentRow:
    """A line of a list."""
    known = spent.answers + spent.failures > spent.unpriced
    note = f"{_calls(spent.unpriced)} without a price" if spent.unpriced and known else ""
    return SpentRow(name, took_words(spent), cost_words(spent), note)


def stand_view(budget: BudgetPublic, month: MonthSpent) -> BudgetView:
    """This month in words."""
    when = f"{budget.resets_at:%B} {budget.resets_at.day}"
    alarm = ""
    if budget.used_up:
        alarm = f"Your budget is used up: pictures wait until {when}, or until it is raised."
    elif budget.everybody_used_up:
        alarm = f"Everybody's budget is used up: pictures wait until {when}, or until it is raised."
    note = f"A new month begins on {when} (UTC)." if budget.limit is not None else ""
    if month.unpriced:
        note = f"{_calls(month.unpriced)} without a known price are not in it. {note}".strip()
    return BudgetView(
        month=month_words(month.month),
        spent=dollars(budget.spent),
        of="" if budget.limit is None else dollars(budget.limit),
        share=min(budget.spent / budget.limit, 1.0) if budget.limit else 1.0,
        note=note,
        alarm=alarm,
        models=[spent_row(one.model, one) for one in month.models],
    )


def estimate_words(said: Estimate) -> str:
    """What so many pictures will take, in a few sentences."""
    many, s = pictures(said.pictures), "s" if said.pictures == 1 else ""
    if said.basis is None:
        return f"{many} cost{s} nothing: imgapp describes them with what it measures itself."
    tokens = f"{said.input_tokens:,} tokens in and {said.output_tokens:,} out"
    told = [f"{many} take{s} about {tokens} of {said.model}"]
    told[0] += ", of which no price is known." if said.cost is None else f": {about(said.cost)}."
    if said.basis == "guess":
        told.append("That is a guess: nothing was described with it lately.")
    elif said.basis == "everybody":
        told.append("Learned from others' pictures: you have none with it yet.")
    if said.fits is not None and not said.enough:
        room = f"room for about {said.fits:,} of them" if said.fits else "no room for any of them"
        told.append(f"This month's budget has {room}.")
    return " ".join(told)


def about(cost: float) -> str:
    """ "about $1.20"; of next to nothing, that."""
    return dollars(cost) if 0 < cost < 0.0001 else f"about {dollars(cost)}"


def person_row(one: PersonSpent) -> SpenderRow:
    """A person in words."""
    budget = "no budget" if one.budget is None else f"of {dollars(one.budget)}"
    if one.own_budget is not None:
        budget += ", their own"
    return SpenderRow(
        id=str(one.id),
        email=one.email,
        cost=cost_words(one),
        took=took_words(one) if one.answers + one.failures else "nothing this month",
        budget=budget,
        own=in_form(one.own_budget),
        over=one.budget is not None and one.cost >= one.budget,
    )


def in_form(amount: float | None) -> str:
    """A number as a form holds it: without a float's tail."""
    return "" if amount is None else f"{amount:.6f}".rstrip("0").rstrip(".")


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"
