"""Sections of `/usage`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from imgapp.ui.settings.spending import UsageState
from imgapp.ui.settings.spending_administration import PriceRow, SpendingAdministrationState
from imgapp.ui.shell.client_components import PlainLink, PollTimer
from imgapp.ui.shell.money_words import BudgetView, SpenderRow, SpentRow
from imgapp.ui.shell.reflex_types import as_text, length
from imgapp.ui.shell.settings_layout import badge, field, loading, section, settings_page


def page() -> rx.Component:
    """`/usage`"""
    return usage_page(UsageState, SpendingAdministrationState)


def usage_page(
    state: type[UsageState], everybody: type[SpendingAdministrationState]
) -> rx.Component:
    """The whole page for its state classes."""
    return settings_page(
        "Usage",
        rx.cond(
            state.loaded,
            rx.fragment(
                _month(state.stand),
                _estimate(state),
                _earlier(state),
                rx.cond(
                    everybody.shown,
                    rx.fragment(
                        _everybody(everybody),
                        _budgets(everybody),
                        _prices(everybody),
                        _people(everybody),
                        PollTimer.create(seconds=10, on_look=everybody.look),
                    ),
                ),
                PollTimer.create(seconds=5, on_look=state.look),
            ),
            loading(),
        ),
        here="/usage",
        email=state.email,
        is_admin=state.is_admin,
    )


def _month(stand: BudgetView) -> rx.Component:
    return section(
        "This month",
        "What models took to describe your pictures. Failed answers count too, where the server"
        " reported tokens for them.",
        rx.cond(
            stand.alarm != "",
            rx.el.p(
                rx.icon("triangle-alert", size=16, aria_hidden="true"),
                rx.el.span(stand.alarm),
                class_name="hint warn",
                role="status",
            ),
        ),
        rx.el.p(
            stand.month,
            ": ",
            rx.el.span(stand.spent, class_name="figure", data_testid="spent"),
            rx.cond(stand.of != "", rx.fragment(" of ", stand.of)),
        ),
        rx.cond(
            stand.of != "",
            rx.el.progress(
                value=as_text(stand.share),
                max="1",
                custom_attrs={"aria-label": "Spent of the budget"},
            ),
        ),
        rx.cond(stand.note != "", rx.el.p(stand.note, class_name="quiet")),
        _rows(stand.models, "Nothing was asked of a model this month.", "model"),
    )


def _rows(rows: list[SpentRow], nothing: str, kind: str) -> rx.Component:
    return rx.cond(
        length(rows) > 0,
        rx.el.ul(rx.foreach(rows, lambda one: _row(one, kind)), class_name="rows spent"),
        rx.el.p(nothing, class_name="quiet"),
    )


def _row(one: SpentRow, kind: str) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.p(rx.el.strong(one.name)),
            rx.el.p(
                one.took,
                rx.cond(one.note != "", rx.fragment(" · ", one.note)),
                class_name="quiet",
            ),
        ),
        rx.el.p(one.cost, class_name="amount"),
        key=one.name,
        data_testid=f"spent-{kind}",
    )


def _estimate(state: type[UsageState]) -> rx.Component:
    return section(
        "Before you send many",
        "What so many pictures will probably take, after those that were described lately.",
        rx.el.form(
            field(
                "Pictures",
                "pictures",
                type="number",
                min="1",
                max="10000000",
                step="1",
                required=True,
                auto_complete="off",
            ),
            rx.el.div(
                rx.el.label("Model", html_for="model"),
                rx.el.select(
                    rx.foreach(state.models, lambda name: rx.el.option(name, value=name)),
                    name="model",
                    id="model",
                    class_name="input",
                ),
                class_name="field",
            ),
            rx.el.button("Estimate", type="submit", class_name="button"),
            on_submit=state.estimate,
            class_name="stack",
            custom_attrs={"aria-label": "Estimate"},
        ),
        rx.el.p(state.estimated, role="status", data_testid="estimate"),
    )


def _earlier(state: type[UsageState]) -> rx.Component:
    return section(
        "Earlier months",
        "The last twelve, by the clock of UTC.",
        _rows(state.earlier, "There are none yet.", "month"),
        _download("Take all of it along (CSV)", "/api/spending/export"),
    )


def _everybody(state: type[SpendingAdministrationState]) -> rx.Component:
    return section(
        "Everybody",
        "All people together, those who were removed among them.",
        _rows(state.months, "Nothing yet.", "everybody"),
        _download("Everybody's, by person, month and model (CSV)", "/api/spending/people/export"),
    )


def _download(words: str, href: str) -> rx.Component:
    return PlainLink.create(words, href=href, download="", class_name="more")


def _budgets(state: type[SpendingAdministrationState]) -> rx.Component:
    return section(
        "Budgets",
        "In US dollars a month (UTC). Where one is used up, pictures wait until the next month, or"
        " until it is raised. Nothing is no limit.",
        rx.el.form(
            _dollars("Everybody together", "budget", state.budget),
            _dollars("Each person", "person_budget", state.person_budget),
            rx.el.button("Save", type="submit", class_name="button primary"),
            on_submit=state.save_budgets,
            class_name="stack",
            custom_attrs={"aria-label": "Budgets"},
        ),
    )


def _dollars(label: str, name: str, value: str, **attributes: Any) -> rx.Component:
    looks = {"placeholder": "no limit", "auto_complete": "off"} | attributes
    return field(label, name, type="number", min="0", step="any", default_value=value, **looks)


def _prices(state: type[SpendingAdministrationState]) -> rx.Component:
    return section(
        "Prices",
        "In US dollars for a million tokens, as your provider charges them: imgapp knows none by"
        " itself. They hold for calls from now on. A model without a price counts as nothing in"
        " the budgets; 0 is a model that costs nothing.",
        rx.el.form(
            rx.el.div(
                rx.el.span("Model"),
                rx.el.span("Tokens in"),
                rx.el.span("Tokens out"),
                class_name="prices-head",
                aria_hidden="true",
            ),
            rx.foreach(state.prices, _price),
            _new_price(),
            rx.el.button("Save", type="submit", class_name="button primary"),
            on_submit=state.save_prices,
            class_name="prices",
            key=as_text(state.saved),
            custom_attrs={"aria-label": "Prices"},
        ),
    )


def _price(one: PriceRow, index: int) -> rx.Component:
    return rx.el.div(
        rx.el.input(type="hidden", name=f"model_{index}", value=one.model, read_only=True),
        rx.el.span(one.model, class_name="price-model"),
        _amount(f"input_{index}", f"{one.model}: tokens in", one.input),
        _amount(f"output_{index}", f"{one.model}: tokens out", one.output),
        key=one.model,
        class_name="price",
        data_testid="price",
    )


def _new_price() -> rx.Component:
    return rx.el.div(
        rx.el.input(
            name="model_new",
            max_length=200,
            placeholder="Another model",
            class_name="input",
            auto_complete="off",
            aria_label="Another model",
        ),
        _amount("input_new", "Another model: tokens in", ""),
        _amount("output_new", "Another model: tokens out", ""),
        class_name="price",
    )


def _amount(name: str, label: str, value: str) -> rx.Component:
    return rx.el.input(
        name=name,
        type="number",
        min="0",
        step="any",
        placeholder="none",
        default_value=value,
        class_name="input",
        auto_complete="off",
        aria_label=label,
    )


def _people(state: type[SpendingAdministrationState]) -> rx.Component:
    return section(
        "People",
        "What each spent this month, those who spent most first.",
        rx.el.div(
            rx.el.label("Find", html_for="find", class_name="sr-only"),
            rx.el.input(
                id="find",
                type="search",
                placeholder="Find by e-mail address",
                class_name="input",
                auto_complete="off",
                on_change=state.search.debounce(250),
            ),
            class_name="field",
        ),
        rx.cond(
            length(state.people) > 0,
            rx.el.ul(rx.foreach(state.people, _person(state)), class_name="rows spent"),
            rx.el.p("Nobody has an address like that.", class_name="quiet"),
        ),
        rx.cond(
            state.has_more,
            rx.el.button(
                "Show more", type="button", class_name="button small", on_click=state.load_more
            ),
        ),
    )


def _person(state: type[SpendingAdministrationState]) -> Callable[[SpenderRow], rx.Component]:
    def row(one: SpenderRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(rx.el.strong(one.email), rx.cond(one.over, badge("used up", "warn"))),
                rx.el.p(one.took, class_name="quiet"),
            ),
            rx.el.p(
                rx.el.span(one.cost, class_name="amount"),
                rx.el.span(" ", one.budget, class_name="quiet"),
            ),
            rx.el.details(
                rx.el.summary(
                    "Budget", class_name="button small", aria_label=f"Budget of {one.email}"
                ),
                rx.el.form(
                    rx.el.input(type="hidden", name="person_id", value=one.id, read_only=True),
                    _dollars(
                        "US dollars a month; nothing is what each person has",
                        "own_budget",
                        one.own,
                        id=f"budget-{one.id}",
                        placeholder="as each person",
                    ),
                    rx.el.button("Save", type="submit", class_name="button small primary"),
                    on_submit=state.set_budget,
                    class_name="confirm-box",
                ),
                class_name="confirm",
            ),
            key=one.id,
            data_testid="person",
        )

    return row
