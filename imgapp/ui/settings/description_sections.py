"""The sections of `/descriptions` about preferences."""

from __future__ import annotations

import reflex as rx

from imgapp.ui.settings.descriptions import DescriptionsState
from imgapp.ui.settings.prompt_sections import prompt_sections
from imgapp.ui.settings.prompts import PromptState
from imgapp.ui.settings.text_rule_sections import text_rule_sections
from imgapp.ui.settings.text_rules import TextRulesState
from imgapp.ui.shell.reflex_types import Action, either
from imgapp.ui.shell.settings_layout import (
    badge,
    loading,
    long_field,
    moment,
    section,
    settings_page,
)


def page() -> rx.Component:
    """`/descriptions`"""
    return descriptions_page(DescriptionsState, PromptState)


def descriptions_page(state: type[DescriptionsState], prompt: type[PromptState]) -> rx.Component:
    """The whole page for its state classes."""
    return settings_page(
        "Descriptions",
        rx.el.p("How your pictures are described.", class_name="quiet"),
        _purpose(state),
        *text_rule_sections(TextRulesState),
        _places(state),
        _pause(state),
        *prompt_sections(prompt),
        here="/descriptions",
        email=state.email,
        is_admin=state.is_admin,
    )


def _purpose(state: type[DescriptionsState]) -> rx.Component:
    return section(
        "Language and purpose",
        "A good text depends on what a picture is there for. It goes for pictures that are"
        " described from now on; single pictures and batches can say more.",
        rx.cond(state.loaded, _form(state), loading()),
    )


def _form(state: type[DescriptionsState]) -> rx.Component:
    return rx.el.form(
        rx.el.div(
            rx.el.label("First language", html_for="language"),
            rx.el.select(
                rx.foreach(
                    state.languages,
                    lambda one: rx.el.option(
                        one.name, value=one.value, selected=one.value == state.language
                    ),
                ),
                name="language",
                id="language",
                class_name="input",
            ),
            class_name="field",
        ),
        long_field(
            "What the pictures are for",
            "context",
            "Such as: product pages of a shoe shop. Customers want to know shape, material and"
            " colour.",
            max_length=2_000,
            default_value=state.context,
        ),
        long_field(
            "Names and terms",
            "glossary",
            "Used where a picture shows what they stand for. Such as: Derby, a shoe with open"
            " lacing.",
            max_length=4_000,
            default_value=state.glossary,
        ),
        long_field(
            "Tags of your own",
            "vocabulary",
            "One a line. They go before all other tags; the first 300 are told to the model.",
            rows=4,
            default_value=state.vocabulary,
        ),
        rx.el.button("Save", type="submit", class_name="button primary"),
        on_submit=[state.save, TextRulesState.load],
        class_name="stack wide",
        custom_attrs={"aria-label": "Language and purpose"},
    )


def _places(state: type[DescriptionsState]) -> rx.Component:
    return section(
        "Where pictures go",
        "What may be seen by a model that somebody else runs. A single picture can be kept back,"
        " too.",
        rx.el.p(state.server),
        rx.cond(
            state.never_cloud,
            rx.fragment(
                rx.el.p(
                    rx.el.strong("Your pictures are never sent to a model elsewhere."),
                    either(
                        state.is_elsewhere,
                        " imgapp describes them with what it measures itself.",
                        "",
                    ),
                ),
                _button("Let the model see them", state.set_never_cloud(False)),
            ),
            _button("Never send my pictures elsewhere", state.set_never_cloud(True)),
        ),
    )


def _pause(state: type[DescriptionsState]) -> rx.Component:
    return section(
        "Pause",
        "Pictures can be uploaded and wait. What is under way is finished.",
        rx.cond(
            state.paused,
            rx.fragment(
                rx.el.p(
                    badge("paused", "warn"),
                    " since ",
                    moment(state.paused_at, ago=False),
                    class_name="badge-first",
                ),
                _button("Go on", state.set_paused(False), primary=True),
            ),
            _button("Pause my pictures", state.set_paused(True)),
        ),
    )


def _button(words: str, action: Action, *, primary: bool = False) -> rx.Component:
    return rx.el.button(
        words,
        type="button",
        class_name="button primary" if primary else "button",
        on_click=action,
    )
