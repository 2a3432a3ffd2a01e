"""Sections of `/coverage`."""

from __future__ import annotations

from typing import Any

import reflex as rx

from imgapp.ui.coverage.state import Choice, CoverageState, Term
from imgapp.ui.coverage.words import (
    HEIGHT,
    WIDTH,
    Bar,
    CoverageView,
    DayRow,
    Figure,
    ReviewerRow,
    RuleRow,
)
from imgapp.ui.shell.client_components import PlainForm, PlainLink, PollTimer
from imgapp.ui.shell.frame import frame
from imgapp.ui.shell.reflex_types import length
from imgapp.ui.shell.settings_layout import loading, moment, section

PROVES = (
    "These numbers and the file say who approved which wording in this library, and when, and"
    " which model wrote what. They do not say that a site shows that wording, that the wording is"
    " right, or that a page meets WCAG or a law."
)


def page() -> rx.Component:
    """`/coverage`"""
    return coverage_page(CoverageState)


def coverage_page(state: type[CoverageState]) -> rx.Component:
    """The whole page for its state class."""
    return frame(
        rx.el.div(
            rx.el.h1("Coverage"),
            rx.cond(
                state.loaded,
                rx.fragment(
                    _chosen(state),
                    _states(state),
                    _doubts(state.view),
                    _reviewers(state.view),
                    _course(state.view),
                    _evidence(state.view),
                    PollTimer.create(seconds=5, on_look=state.look),
                ),
                loading(),
            ),
            class_name="settings coverage",
        ),
        email=state.email,
        here="/coverage",
    )


def _chosen(state: type[CoverageState]) -> rx.Component:
    return rx.fragment(
        PlainForm.create(
            _select("Language", "language", state.languages, state.language),
            _select("Pictures", "batch", state.collections, state.batch),
            rx.foreach(state.terms, _carried),
            rx.el.button("Show", type="submit", class_name="button"),
            method="get",
            action="/coverage",
            class_name="filters",
            custom_attrs={"aria-label": "What is counted"},
        ),
        rx.cond(
            length(state.terms) > 0,
            rx.el.p(
                "Of the pictures that ",
                PlainLink.create("a filter of the gallery", href=state.gallery),
                " finds. ",
                PlainLink.create("Count all pictures", href=f"/coverage?language={state.language}"),
                class_name="quiet",
            ),
        ),
    )


def _select(label: str, name: str, options: list[Choice], value: str) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.select(
            rx.foreach(
                options,
                lambda one: rx.el.option(one.name, value=one.value, selected=one.value == value),
            ),
            name=name,
            id=name,
            class_name="input",
        ),
        class_name="field",
    )


def _carried(term: Term) -> rx.Component:
    return rx.el.input(type="hidden", name=term.name, value=term.value, read_only=True)


def _states(state: type[CoverageState]) -> rx.Component:
    view = state.view
    return section(
        "Texts",
        "Each picture is in one of these. A text that changes after it was approved is a draft"
        " again; the approved wording holds until the new one is approved.",
        rx.el.p(
            rx.el.strong(view.pictures, data_testid="pictures"),
            " in ",
            state.language_name,
            ", counted ",
            moment(view.counted_at, ago=False),
        ),
        rx.el.div(
            rx.foreach(view.figures, _share),
            class_name="coverage-bar",
            aria_hidden="true",
        ),
        rx.el.ul(rx.foreach(view.figures, _figure), class_name="coverage-figures"),
        rx.cond(
            length(view.further) > 0,
            rx.el.ul(rx.foreach(view.further, _part), class_name="parts"),
        ),
        rx.cond(
            view.oldest_waiting != "",
            rx.el.p("The oldest has been waiting since ", moment(view.oldest_waiting, ago=False)),
        ),
        rx.cond(
            view.review != "",
            PlainLink.create("Review the drafts", href=view.review, class_name="button primary"),
        ),
        data_testid="states",
    )


def _share(one: Figure) -> rx.Component:
    return rx.el.span(
        class_name=f"coverage-share {one.name}", style={"width": one.share}, key=one.name
    )


def _figure(one: Figure) -> rx.Component:
    return rx.el.li(
        rx.el.span(class_name=f"swatch-of {one.name}", aria_hidden="true"),
        PlainLink.create(
            rx.el.span(one.number, class_name="figure"), " ", one.label, href=one.href
        ),
        rx.el.span(one.percent, class_name="quiet"),
        key=one.name,
        data_testid=f"figure-{one.name}",
    )


def _part(one: Figure) -> rx.Component:
    return rx.el.li(
        PlainLink.create(rx.el.span(one.number, class_name="figure"), href=one.href),
        " ",
        one.label,
        key=one.name,
        data_testid=f"figure-{one.name}",
    )


def _doubts(view: CoverageView) -> rx.Component:
    return section(
        "Doubts",
        "What rules found in these texts. A doubt blocks nothing: a person decides.",
        rx.cond(
            length(view.rules) > 0,
            rx.fragment(
                rx.el.ul(rx.foreach(view.rules, _rule), class_name="rows"),
                PlainLink.create(
                    "All pictures with a doubt", href=view.any_doubt, class_name="more"
                ),
            ),
            rx.el.p("The rules found nothing.", class_name="quiet"),
        ),
    )


def _rule(one: RuleRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.p(one.sentence)),
        PlainLink.create(
            one.number,
            href=one.href,
            class_name="amount",
            aria_label=f"{one.number}: {one.sentence}",
        ),
        key=one.rule,
        data_testid=f"doubt-{one.rule}",
    )


def _reviewers(view: CoverageView) -> rx.Component:
    return section(
        "By whom",
        "Who approved the texts that are approved now.",
        rx.cond(
            length(view.reviewers) > 0,
            rx.el.ul(rx.foreach(view.reviewers, _reviewer), class_name="rows"),
            rx.el.p("Nobody has approved one yet.", class_name="quiet"),
        ),
    )


def _reviewer(one: ReviewerRow) -> rx.Component:
    return rx.el.li(
        rx.el.div(rx.el.p(one.email)),
        rx.el.p(one.number, class_name="amount"),
        key=one.email,
        data_testid="reviewer",
    )


def _course(view: CoverageView) -> rx.Component:
    return section(
        "Over time",
        "What was approved and returned on each day, by the clock of UTC, of all pictures in this"
        " language, those that were removed since among them.",
        rx.el.figure(
            rx.el.svg(
                rx.el.line(
                    x1="0", x2=str(WIDTH), y1=str(HEIGHT), y2=str(HEIGHT), class_name="ground"
                ),
                rx.foreach(view.bars, _bar),
                view_box=f"0 0 {WIDTH} {HEIGHT + 1}",
                preserve_aspect_ratio="none",
                class_name="course",
                aria_hidden="true",
            ),
            rx.el.figcaption(view.course, data_testid="course"),
        ),
        rx.cond(length(view.days) > 0, _table(view.days)),
    )


def _bar(one: Bar) -> rx.Component:
    return rx.el.rect(
        x=one.x, y=one.y, width="2", height=one.height, class_name=one.kind, key=one.key
    )


def _table(days: list[DayRow]) -> rx.Component:
    return rx.el.details(
        rx.el.summary("As a table", class_name="button small"),
        rx.el.table(
            rx.el.thead(
                rx.el.tr(*(rx.el.th(name, scope="col") for name in ("Day", "Approved", "Returned")))
            ),
            rx.el.tbody(rx.foreach(days, _day)),
            class_name="days-table",
        ),
    )


def _day(one: DayRow) -> rx.Component:
    return rx.el.tr(
        rx.el.th(one.day, scope="row"),
        rx.el.td(one.approved),
        rx.el.td(one.returned),
        key=one.day,
    )


def _evidence(view: CoverageView) -> rx.Component:
    looks: dict[str, Any] = {"class_name": "more"}
    return section(
        "As evidence",
        "A dated file with a line for each of these pictures, for an audit; or print this page.",
        rx.el.p(PROVES, class_name="proves"),
        PlainLink.create("Save as CSV", href=view.csv, download="", **looks),
    )
