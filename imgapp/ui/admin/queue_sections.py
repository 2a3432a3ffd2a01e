"""Sections of `/queue`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from imgapp.ui.admin.queue import PACE, FailuresRow, QueueState, QueueView
from imgapp.ui.shell.client_components import PollTimer
from imgapp.ui.shell.reflex_types import length
from imgapp.ui.shell.settings_layout import (
    badge,
    confirmed,
    field,
    loading,
    moment,
    not_there,
    section,
    settings_page,
)

_AGAIN = "Each is sent to the model once more, behind what people wait for."


def page() -> rx.Component:
    """`/queue`"""
    return queue_page(QueueState)


def queue_page(state: type[QueueState]) -> rx.Component:
    """The whole page for its state class."""
    return settings_page(
        "Queue",
        rx.cond(
            state.missing,
            not_there(),
            rx.cond(
                state.loaded,
                rx.fragment(
                    _alarms(state.view),
                    _figures(state.view),
                    _pause(state),
                    _pace(state),
                    _failures(state),
                    PollTimer.create(seconds=2, on_look=state.look),
                ),
                loading(),
            ),
        ),
        here="/queue",
        email=state.email,
        is_admin=state.is_admin,
    )


def _alarms(view: QueueView) -> rx.Component:
    return rx.el.div(
        rx.cond(view.alarm != "", _alarm(view.alarm)),
        rx.foreach(
            view.troubles,
            lambda one: _alarm(
                rx.el.strong(one.what),
                " since ",
                moment(one.since, ago=False),
                rx.cond(
                    one.tried != "",
                    rx.fragment(", and tried again at ", moment(one.tried, ago=False)),
                ),
                ". ",
                one.message,
                key=one.what,
            ),
        ),
        role="status",
    )


def _alarm(*content: Any, **looks: Any) -> rx.Component:
    return rx.el.p(
        rx.icon("triangle-alert", size=16, aria_hidden="true"),
        rx.el.span(*content),
        class_name="hint warn",
        data_testid="trouble",
        **looks,
    )


def _figures(view: QueueView) -> rx.Component:
    return rx.el.dl(
        rx.foreach(
            view.figures,
            lambda one: rx.el.div(
                rx.el.dt(one.name),
                rx.el.dd(one.value, class_name=f"figure {one.tone}"),
                rx.cond(one.note != "", rx.el.dd(one.note, class_name="quiet")),
                key=one.name,
            ),
        ),
        class_name="figures",
        data_testid="figures",
    )


def _pause(state: type[QueueState]) -> rx.Component:
    view = state.view
    return section(
        "Pause",
        "Pictures can be uploaded and wait. What is under way is finished.",
        rx.cond(
            view.paused,
            rx.fragment(
                rx.el.p(
                    badge("paused", "warn"),
                    " since ",
                    moment(view.paused_at, ago=False),
                    class_name="badge-first",
                ),
                rx.el.button(
                    "Go on",
                    type="button",
                    class_name="button primary",
                    on_click=state.set_paused(False),
                ),
            ),
            rx.el.button(
                "Pause everybody's pictures",
                type="button",
                class_name="button",
                on_click=state.set_paused(True),
            ),
        ),
        rx.cond(
            length(view.waits) > 0,
            rx.el.ul(
                rx.foreach(view.waits, lambda one: rx.el.li(one, key=one)), class_name="quiet"
            ),
        ),
    )


def _pace(state: type[QueueState]) -> rx.Component:
    return section(
        "Pace",
        "Of all workers together, from the next picture on. Nothing is no limit.",
        rx.el.form(
            *(
                field(
                    label,
                    name,
                    type="number",
                    min="1",
                    step="1",
                    placeholder="no limit",
                    default_value=state.pace[name],
                    auto_complete="off",
                )
                for name, label in PACE.items()
            ),
            rx.el.button("Save", type="submit", class_name="button primary"),
            on_submit=state.save_pace,
            class_name="stack",
            custom_attrs={"aria-label": "Pace"},
        ),
    )


def _failures(state: type[QueueState]) -> rx.Component:
    view = state.view
    return section(
        "Failures",
        "By reason, of everybody. Their owners see which pictures these are.",
        rx.cond(
            view.failed != "",
            rx.fragment(
                rx.el.ul(rx.foreach(view.failures, _failure(state)), class_name="rows"),
                rx.cond(
                    length(view.failures) > 1,
                    confirmed(
                        f"Try all {view.failed} again",
                        _AGAIN,
                        "Try them all again",
                        state.retry(""),
                        danger=False,
                    ),
                ),
            ),
            rx.el.p("Nothing has failed.", class_name="quiet"),
        ),
    )


def _failure(state: type[QueueState]) -> Callable[[FailuresRow], rx.Component]:
    def row(one: FailuresRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(rx.el.strong(one.words)),
                rx.el.p(
                    one.count,
                    " of ",
                    one.people,
                    rx.cond(one.latest != "", rx.fragment(" · the last ", moment(one.latest))),
                    class_name="quiet",
                ),
            ),
            confirmed(
                "Try again", _AGAIN, f"Try {one.count} again", state.retry(one.code), danger=False
            ),
            key=one.code,
            data_testid="failures",
            data_code=one.code,
        )

    return row
