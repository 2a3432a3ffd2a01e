"""What models cost, as the page says it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from imgapp.services.installation.runtime_settings import InstallationPublic
from imgapp.services.spending.budgets import BudgetPublic, Estimate, PersonSpent
from imgapp.services.spending.usage import ModelSpent, MonthSpent
from imgapp.ui.settings.spending_administration import price_rows, prices_of
from imgapp.ui.shell.money_words import (
    cost_words,
    dollars,
    estimate_words,
    in_form,
    person_row,
    spent_row,
    stand_view,
)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        (0, "$0"),
        (1204.5, "$1,204.50"),
        (0.1, "$0.10"),
        (0.02, "$0.02"),
        (0.0197, "$0.0197"),
        (0.001, "$0.001"),
        (0.00001, "less than $0.0001"),
    ],
)
def test_dollars(amount: float, said: str) -> None:
    assert dollars(amount) == said


def a_month(**fields: Any) -> MonthSpent:
    return MonthSpent(**({"month": "2026-07", "models": []} | fields))


def a_budget(**fields: Any) -> BudgetPublic:
    standing = {
        "limit": None,
        "spent": 0.0,
        "reserved": 0.0,
        "left": None,
        "used_up": False,
        "everybody_used_up": False,
        "resets_at": datetime(2026, 8, 1, tzinfo=UTC),
    }
    return BudgetPublic(**(standing | fields))


def test_a_month_without_a_budget() -> None:
    view = stand_view(a_budget(spent=1.5), a_month(cost=1.5))
    assert (view.month, view.spent, view.of, view.alarm) == ("July 2026", "$1.50", "", "")


def test_a_budget_that_is_used_up() -> None:
    view = stand_view(a_budget(limit=2.0, spent=2.5, left=0.0, used_up=True), a_month(unpriced=1))
    assert (view.of, view.share) == ("$2.00", 1)
    assert "wait until August 1" in view.alarm
    assert view.note.startswith("1 call without a known price are not in it")
    theirs = stand_view(a_budget(everybody_used_up=True), a_month())
    assert theirs.alarm.startswith("Everybody's")


def test_what_is_not_known_is_not_nothing() -> None:
    assert cost_words(ModelSpent(model="m")) == "$0"
    assert cost_words(ModelSpent(model="m", answers=3, unpriced=3)) == "cost not known"
    row = spent_row("m", ModelSpent(model="m", answers=3, failures=1, unpriced=2, cost=1))
    assert (row.cost, row.note) == ("$1.00", "2 calls without a price")
    assert row.took == "3 answers · 1 of no use · 0 tokens in, 0 out"


def an_estimate(**fields: Any) -> Estimate:
    said = {
        "pictures": 1000,
        "model": "m",
        "basis": "own",
        "input_tokens": 900_000,
        "output_tokens": 80_000,
        "cost": 1.035,
        "left": None,
        "fits": None,
        "enough": True,
    }
    return Estimate(**(said | fields))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "1,000 pictures take about 900,000 tokens in and 80,000 out of m: about $1.03."),
        ({"cost": None}, "out of m, of which no price is known."),
        ({"cost": 0.00001}, "of m: less than $0.0001."),
        ({"basis": "guess"}, "That is a guess"),
        ({"basis": "everybody"}, "Learned from others' pictures"),
        ({"fits": 12, "enough": False}, "has room for about 12 of them."),
        ({"fits": 0, "enough": False}, "has no room for any of them."),
        ({"basis": None}, "1,000 pictures cost nothing"),
    ],
)
def test_an_estimate(fields: dict[str, Any], said: str) -> None:
    assert said in estimate_words(an_estimate(**fields))


def test_a_person() -> None:
    person = {"id": uuid4(), "email": "carol@example.org", "own_budget": None, "budget": 5.0}
    row = person_row(PersonSpent(**person))
    assert (row.took, row.budget, row.own, row.over) == (
        "nothing this month",
        "of $5.00",
        "",
        False,
    )
    own = person_row(
        PersonSpent(**(person | {"own_budget": 0.5, "budget": 0.5}), answers=1, cost=1)
    )
    assert (own.budget, own.own, own.over) == ("of $0.50, their own", "0.5", True)
    assert person_row(PersonSpent(**(person | {"budget": None}))).budget == "no budget"


@pytest.mark.parametrize(("amount", "text"), [(None, ""), (0, "0"), (50.0, "50"), (0.075, "0.075")])
def test_amounts_in_forms(amount: float | None, text: str) -> None:
    assert in_form(amount) == text


def test_the_price_table_and_its_form() -> None:
    now = InstallationPublic.model_validate(
        {
            "paused": False, "paused_at": None, "max_in_flight": None, "requests_per_minute": None,
            "tokens_per_minute": None, "models": [],
            "prices": {"b": {"input": 0.75, "output": 4.5}}, "budget": None,
            "person_budget": None, "updated_at": datetime.now(UTC),
        }
    )  # fmt: skip
    rows = price_rows(now, ["a", "basic-1"])
    assert [(row.model, row.input, row.output) for row in rows] == [
        ("a", "", ""),
        ("b", "0.75", "4.5"),
    ]
    said = {
        "model_0": "a", "input_0": "", "output_0": "",
        "model_1": "b", "input_1": "1", "output_1": "2",
        "model_new": " c ", "input_new": "0", "output_new": "0",
    }  # fmt: skip
    assert prices_of(said) == {
        "b": {"input": "1", "output": "2"},
        "c": {"input": "0", "output": "0"},
    }


@pytest.mark.parametrize(
    "said",
    [
        {"model_new": "", "input_new": "1", "output_new": "1"},
        {"model_0": "a", "input_0": "1", "output_0": ""},
    ],
)
def test_half_a_price_is_none(said: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="price"):
        prices_of(said)
