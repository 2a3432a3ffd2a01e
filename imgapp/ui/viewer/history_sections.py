"""Sections of the viewer on a picture's texts over time."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.ui.shell.reflex_types import Action, contains, either, length
from imgapp.ui.shell.settings_layout import badge, moment
from imgapp.ui.viewer.history import TextHistory
from imgapp.ui.viewer.history_words import Difference, Entry, Piece, Suggested


def text_owner(state: type[TextHistory], name: str, written: list[str]) -> rx.Component:
    """Beside who wrote a text: the way to let models write it again."""
    return rx.cond(
        contains(written, name),
        rx.el.button(
            "Let it write this again",
            type="button",
            class_name="button ghost small release",
            on_click=state.release(name),
        ),
    )


def suggestion(state: type[TextHistory], name: str, title: str) -> rx.Component:
    """What a model says of a text that a person wrote, if it is something else."""

    def box(one: Suggested) -> rx.Component:
        return rx.cond(
            one.field == name,
            rx.el.div(
                rx.el.p(one.model, " says", class_name="byline"),
                _pieces(one.pieces, one.lang),
                rx.el.div(
                    _button("Use this", f"Use this for {title}", state.release(name)),
                    _button("Keep mine", f"Keep mine for {title}", state.keep(name)),
                    class_name="row",
                ),
                class_name="suggestion",
                role="group",
                aria_label=f"Suggestion for {title}",
            ),
        )

    return rx.foreach(state.suggestions, box)


def history_section(state: type[TextHistory]) -> rx.Component:
    """Every analysis, with what it says otherwise."""
    return rx.el.section(
        rx.el.button(
            rx.icon("history", size=15, aria_hidden="true"),
            "Earlier texts",
            rx.icon("chevron-down", size=15, aria_hidden="true", class_name="turns"),
            type="button",
            class_name="button small",
            aria_expanded=either(state.history_open, "true", "false"),
            on_click=state.toggle_history,
        ),
        rx.cond(
            state.history_open,
            rx.fragment(
                rx.cond(
                    length(state.entries) > 0,
                    rx.el.ol(rx.foreach(state.entries, _entry(state)), class_name="history"),
                    rx.el.p("It was not described yet.", class_name="quiet"),
                ),
                rx.cond(
                    state.has_more_entries,
                    _button("Show more", "Show more analyses", state.show_more_entries),
                ),
            ),
        ),
        aria_label="Earlier texts",
    )


def _entry(state: type[TextHistory]) -> Callable[[Entry], rx.Component]:
    def row(entry: Entry) -> rx.Component:
        return rx.el.li(
            rx.el.p(
                rx.el.strong(entry.model),
                rx.cond(entry.newest, badge("newest", "good")),
            ),
            rx.el.p(moment(entry.at), " · ", entry.facts, class_name="quiet"),
            rx.cond(
                length(entry.differences) > 0,
                rx.fragment(
                    rx.foreach(entry.differences, _difference(state, entry)),
                    rx.cond(
                        length(entry.differences) > 1,
                        _button("Restore all", "Restore all texts", state.restore(entry.id, "")),
                    ),
                ),
                rx.el.p("Says what the picture says now.", class_name="quiet"),
            ),
            key=entry.id,
            data_testid="analysis",
        )

    return row


def _difference(state: type[TextHistory], entry: Entry) -> Callable[[Difference], rx.Component]:
    def text(difference: Difference) -> rx.Component:
        return rx.el.div(
            rx.el.div(
                rx.el.h4(difference.title),
                _button(
                    "Restore",
                    f"Restore {difference.title}",
                    state.restore(entry.id, difference.field),
                ),
                class_name="viewer-text-head",
            ),
            _pieces(difference.pieces, either(difference.field == "visible_text", "", entry.lang)),
            key=difference.field,
        )

    return text


def _pieces(pieces: list[Piece], lang: str) -> rx.Component:
    return rx.el.p(
        rx.foreach(
            pieces,
            lambda piece: rx.match(
                piece.kind,
                ("added", rx.el.ins(piece.text)),
                ("removed", rx.el.del_(piece.text)),
                rx.el.span(piece.text),
            ),
        ),
        class_name="pieces",
        lang=lang,
        dir="auto",
    )


def _button(words: str, label: str, action: Action) -> rx.Component:
    return rx.el.button(
        words, type="button", class_name="button small", aria_label=label, on_click=action
    )
