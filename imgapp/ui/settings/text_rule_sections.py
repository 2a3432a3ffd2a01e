"""The sections of `/descriptions` about languages, review and rules."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.ui.settings.text_rules import OwedLanguage, RuleRow, TextRulesState
from imgapp.ui.shell.doubt_words import RuleSource
from imgapp.ui.shell.reflex_types import Action, either, length, negated
from imgapp.ui.shell.settings_layout import loading, section


def text_rule_sections(state: type[TextRulesState]) -> list[rx.Component]:
    """All of them, in order."""
    return [_languages(state), _review(state), _rules(state)]


def _languages(state: type[TextRulesState]) -> rx.Component:
    return section(
        "Languages",
        "What pictures are owed a text in. A text in a further language is written from the picture"
        " or from approved words; names and terms of a language go before those of all.",
        rx.cond(
            state.known,
            rx.fragment(
                rx.el.ul(rx.foreach(state.owed, _language(state)), class_name="rows"),
                rx.el.form(
                    rx.el.div(
                        rx.el.label("Further language", html_for="further"),
                        rx.el.select(
                            rx.foreach(
                                state.others, lambda one: rx.el.option(one.name, value=one.value)
                            ),
                            name="further",
                            id="further",
                            class_name="input",
                        ),
                        class_name="field",
                    ),
                    rx.el.button("Add", type="submit", class_name="button"),
                    on_submit=state.add_language,
                    class_name="row end",
                    custom_attrs={"aria-label": "Add a language"},
                ),
            ),
            loading(),
        ),
        id="languages",
    )


def _language(state: type[TextRulesState]) -> Callable[[OwedLanguage], rx.Component]:
    def row(one: OwedLanguage) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.strong(one.name),
                rx.cond(one.is_first, rx.el.p("Your first language", class_name="quiet")),
            ),
            rx.el.details(
                rx.el.summary(
                    "Names and terms",
                    rx.el.span(" in ", one.name, class_name="sr-only"),
                    class_name="button small",
                ),
                rx.el.form(
                    rx.el.input(type="hidden", name="tag", value=one.tag),
                    rx.el.textarea(
                        name="words",
                        default_value=one.glossary,
                        rows=3,
                        max_length=4_000,
                        lang=one.tag,
                        dir="auto",
                        class_name="input long",
                        aria_label=f"Names and terms in {one.name}",
                    ),
                    rx.el.button("Save", type="submit", class_name="button small primary"),
                    on_submit=state.save_glossary,
                    class_name="confirm-box",
                ),
                class_name="confirm",
            ),
            rx.cond(
                one.is_first,
                None,
                rx.el.button(
                    "Remove",
                    rx.el.span(" ", one.name, class_name="sr-only"),
                    type="button",
                    class_name="button small",
                    on_click=state.remove_language(one.tag),
                ),
            ),
            key=one.tag,
            data_language=one.tag,
        )

    return row


def _review(state: type[TextRulesState]) -> rx.Component:
    return section(
        "Approval",
        "A text is a draft until a person approves it; what changes afterwards is a draft again,"
        " and the approved wording holds meanwhile.",
        rx.cond(
            state.known,
            _switch(
                "What I write is approved at once",
                state.approve_own,
                state.set_approve_own(negated(state.approve_own)),
            ),
            loading(),
        ),
    )


def _rules(state: type[TextRulesState]) -> rx.Component:
    return section(
        "What is doubtful",
        "Rules that look at every text. A doubt blocks nothing: it is shown with the text, and can"
        " be looked for. Some texts are right although a rule doubts them.",
        rx.cond(
            state.known,
            rx.el.ul(rx.foreach(state.rules, _rule(state)), class_name="rows"),
            loading(),
        ),
        id="rules",
    )


def _rule(state: type[TextRulesState]) -> Callable[[RuleRow], rx.Component]:
    def row(one: RuleRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                _switch(one.sentence, one.is_on, state.set_rule(one.id, negated(one.is_on))),
                rx.cond(
                    length(one.sources) > 0,
                    rx.el.p(rx.foreach(one.sources, _source), class_name="quiet rule-sources"),
                ),
            ),
            key=one.id,
            data_rule=one.id,
        )

    return row


def _source(one: RuleSource) -> rx.Component:
    return rx.cond(
        one.address != "",
        rx.el.a(one.name, href=one.address, rel="noreferrer", target="_blank"),
        rx.el.span(one.name),
    )


def _switch(words: str, on: bool, action: Action) -> rx.Component:
    return rx.el.button(
        rx.el.span(class_name="switch-track", aria_hidden="true"),
        rx.el.span(words),
        type="button",
        role="switch",
        class_name="toggle",
        aria_checked=either(on, "true", "false"),
        on_click=action,
    )
