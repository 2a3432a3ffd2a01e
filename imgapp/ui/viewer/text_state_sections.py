"""Sections of the viewer on the languages of a picture's texts, their states and doubts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import reflex as rx

from imgapp.models import AnalysisStatus, TextState
from imgapp.services.texts.texts import LONGEST_NOTE
from imgapp.ui.shell.doubt_words import DoubtWords
from imgapp.ui.shell.reflex_types import Action, either, length
from imgapp.ui.shell.settings_layout import badge, moment
from imgapp.ui.viewer.client_components import TakesFocus
from imgapp.ui.viewer.details import Details
from imgapp.ui.viewer.said_texts import MISSING, LanguageTab, Said
from imgapp.ui.viewer.text_states import TextStates


def languages_section(state: type[TextStates], image: Details) -> rx.Component:
    """The languages side by side, and below them the state of the one that is shown."""
    return rx.el.section(
        rx.el.div(
            rx.foreach(state.tabs, _tab(state)),
            class_name="language-tabs",
            role="group",
            aria_label="Languages",
        ),
        rx.cond(state.said.state == MISSING, _missing(state, image), _stands(state, state.said)),
        aria_label="Language and state",
        class_name="text-states",
    )


def _tab(state: type[TextStates]) -> Callable[[Any], rx.Component]:
    def tab(one: LanguageTab) -> rx.Component:
        return rx.el.button(
            rx.el.span(class_name="state-mark", data_state=one.state, aria_hidden="true"),
            rx.el.span(one.name, dir="auto"),
            rx.el.span(one.words, class_name="sr-only"),
            type="button",
            class_name="language-tab",
            title=one.words,
            aria_pressed=either(one.chosen, "true", "false"),
            on_click=state.choose_language(one.language),
            custom_attrs={"aria-keyshortcuts": one.key},
            key=one.language,
        )

    return tab


def _stands(state: type[TextStates], said: Said) -> rx.Component:
    approved = said.state == TextState.APPROVED.value
    returned = said.state == TextState.RETURNED.value
    return rx.fragment(
        rx.el.p(
            rx.cond(
                approved,
                badge("approved", "good"),
                rx.cond(returned, badge("returned", "warn"), badge("draft")),
            ),
            " ",
            moment(said.state_at),
            " ",
            said.state_by,
            class_name="badge-first state-line",
            data_testid="text-state",
        ),
        rx.cond(
            said.note != "",
            rx.el.p("Why it was returned: ", rx.el.q(said.note, dir="auto"), class_name="why"),
        ),
        rx.cond(
            said.held != "",
            rx.el.p(
                "The approved wording holds until this one is approved: ",
                rx.el.q(said.held, lang=said.language, dir="auto"),
                class_name="held",
            ),
        ),
        _doubts(said),
        rx.cond(said.origin != "", rx.el.p(said.origin, class_name="byline")),
        rx.el.div(
            rx.cond(
                approved,
                None,
                _button("check", "Approve", state.approve_text, "a", primary=True),
            ),
            rx.cond(
                returned,
                None,
                _button("undo-2", "Return", state.ask_why, "r", shown=state.returning),
            ),
            rx.cond(approved | returned, _button("", "Take back", state.reopen_text)),
            class_name="row",
        ),
        rx.cond(state.returning, TakesFocus.create(_why(state))),
    )


def _doubts(said: Said) -> rx.Component:
    def row(one: DoubtWords) -> rx.Component:
        return rx.el.li(
            one.sentence,
            rx.cond(
                one.excerpt != "",
                rx.fragment(" ", rx.el.q(one.excerpt, lang=said.language, dir="auto")),
            ),
            key=one.rule,
            data_rule=one.rule,
        )

    return rx.cond(
        length(said.doubts) > 0,
        rx.el.ul(
            rx.foreach(said.doubts, row),
            class_name="doubts",
            aria_label="What is doubtful",
        ),
    )


def _why(state: type[TextStates]) -> rx.Component:
    return rx.el.form(
        rx.el.div(
            rx.el.label("Why it is returned", html_for="return_note"),
            rx.el.textarea(
                name="note",
                id="return_note",
                rows=2,
                required=True,
                max_length=LONGEST_NOTE,
                class_name="input long",
            ),
            class_name="field",
        ),
        rx.el.div(
            rx.el.button("Return it", type="submit", class_name="button small primary"),
            _button("", "Cancel", state.ask_why),
            class_name="row",
        ),
        on_submit=state.return_text,
        class_name="return-form",
        custom_attrs={"aria-label": "Return"},
    )


def _missing(state: type[TextStates], image: Details) -> rx.Component:
    said = state.said
    return rx.fragment(
        rx.el.p("Nothing is said in ", said.name, " yet.", class_name="state-line"),
        rx.cond(
            (image.status == AnalysisStatus.COMPLETED.value)
            | (image.status == AnalysisStatus.FAILED.value),
            rx.el.form(
                rx.el.div(
                    rx.el.label("Have it written from", html_for="made_from"),
                    rx.el.select(
                        rx.foreach(
                            said.sources,
                            lambda one: rx.el.option(one.name, value=one.language),
                        ),
                        name="made_from",
                        id="made_from",
                        class_name="input",
                    ),
                    class_name="field",
                ),
                rx.el.p(state.writing_cost, class_name="field-hint"),
                rx.el.button("Write it", type="submit", class_name="button small primary"),
                on_submit=state.write_missing,
                class_name="write-form",
                custom_attrs={"aria-label": "Have it written"},
            ),
        ),
    )


def _button(
    icon: str,
    words: str,
    action: Action,
    key: str = "",
    *,
    primary: bool = False,
    shown: bool | None = None,
) -> rx.Component:
    expanded: dict[str, Any] = {}
    if shown is not None:
        expanded["aria_expanded"] = either(shown, "true", "false")
    return rx.el.button(
        rx.icon(icon, size=15, aria_hidden="true") if icon else None,
        words,
        type="button",
        class_name=f"button small{' primary' if primary else ''}",
        on_click=action,
        custom_attrs={"aria-keyshortcuts": key} if key else {},
        **expanded,
    )
