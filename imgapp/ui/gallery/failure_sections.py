"""Sections of `/failures`."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.ui.gallery.failures_page import FailureRow, FailuresState, ReasonRow
from imgapp.ui.gallery.progress_strip import strip
from imgapp.ui.shell.client_components import LookAgain, PlainLink
from imgapp.ui.shell.frame import frame
from imgapp.ui.shell.reflex_types import either, length
from imgapp.ui.shell.settings_layout import confirmed, loading, moment


def page() -> rx.Component:
    """`/failures`"""
    return failures_page(FailuresState)


def failures_page(state: type[FailuresState]) -> rx.Component:
    """The whole page for its state class."""
    return frame(
        rx.el.div(
            PlainLink.create(
                rx.icon("arrow-left", size=16, aria_hidden="true"),
                "All pictures",
                href="/",
                class_name="back",
            ),
            rx.el.h1("Not described"),
            strip(here=True),
            rx.cond(
                state.loaded,
                rx.cond(state.total != "", _failures(state), _none()),
                loading(),
            ),
            LookAgain.create(seconds=5, on_look=state.look),
            class_name="settings failures",
        ),
        email=state.email,
        here="/failures",
    )


def _none() -> rx.Component:
    return rx.el.div(
        rx.el.p("Nothing has failed."),
        PlainLink.create("To the pictures", href="/", class_name="button primary"),
        class_name="nothing",
        data_testid="no-failures",
    )


def _failures(state: type[FailuresState]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            length(state.reasons) > 1,
            rx.el.ul(
                rx.foreach(state.reasons, _reason(state)),
                class_name="chips",
                aria_label="Reasons",
            ),
        ),
        rx.el.div(
            rx.el.p(rx.el.strong(state.total), " could not be described.", role="status"),
            _try_all(state),
            class_name="list-head",
        ),
        rx.el.ul(rx.foreach(state.failures, _failure(state)), class_name="rows"),
        rx.cond(
            state.has_more,
            rx.el.button("Show more", type="button", class_name="button", on_click=state.show_more),
        ),
        class_name="list",
    )


def _reason(state: type[FailuresState]) -> Callable[[ReasonRow], rx.Component]:
    def chip(one: ReasonRow) -> rx.Component:
        return rx.el.li(
            rx.el.button(
                one.words,
                rx.el.span(one.count, class_name="day-count"),
                type="button",
                class_name="button small",
                aria_pressed=either(state.chosen == one.code, "true", "false"),
                on_click=state.choose(one.code),
            ),
            key=one.code,
        )

    return chip


def _try_all(state: type[FailuresState]) -> rx.Component:
    return rx.cond(
        state.many,
        confirmed(
            "Try them all again",
            "Each is sent to the model once more, behind what you upload by hand.",
            "Try them all again",
            state.try_all,
            danger=False,
        ),
        rx.el.button(
            rx.icon("rotate-cw", size=15, aria_hidden="true"),
            "Try them all again",
            type="button",
            class_name="button small",
            on_click=state.try_all,
        ),
    )


def _failure(state: type[FailuresState]) -> Callable[[FailureRow], rx.Component]:
    def row(one: FailureRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.img(src=one.thumb, alt="", loading="lazy", class_name="row-thumb"),
                rx.el.div(
                    rx.el.p(rx.el.strong(one.filename)),
                    rx.el.p(one.message, class_name="bad"),
                    rx.el.p(
                        rx.cond(one.attempts != "", rx.fragment(one.attempts, " · ")),
                        moment(one.at),
                        class_name="quiet",
                    ),
                ),
                class_name="with-thumb",
            ),
            rx.el.button(
                "Try again",
                type="button",
                class_name="button small",
                aria_label=f"Try {one.filename} again",
                on_click=state.try_again(one.id),
            ),
            key=one.id,
            data_testid="failure",
            data_image_id=one.id,
        )

    return row
