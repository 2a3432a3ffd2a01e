"""Sections of `/models`."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.ui.admin.models import BundledRow, ModelRow, ModelsState
from imgapp.ui.shell.client_components import ModelForm, ModelTrial, PollTimer
from imgapp.ui.shell.reflex_types import as_text, length
from imgapp.ui.shell.settings_layout import (
    badge,
    confirmed,
    loading,
    moment,
    not_there,
    section,
    settings_page,
)


def page() -> rx.Component:
    """`/models`"""
    return models_page(ModelsState)


def models_page(state: type[ModelsState]) -> rx.Component:
    """The whole page for its state class."""
    return settings_page(
        "Models",
        rx.cond(
            state.missing,
            not_there(),
            rx.cond(
                state.loaded,
                rx.fragment(
                    rx.el.p(
                        "Who describes the pictures: servers of your own, or a provider's.",
                        class_name="quiet",
                    ),
                    rx.cond(
                        state.environment != "",
                        rx.el.p(state.environment, class_name="hint", role="note"),
                    ),
                    _all(state),
                    _bundled(state),
                    _connect(state),
                    PollTimer.create(seconds=5, on_look=state.look),
                ),
                loading(),
            ),
        ),
        here="/models",
        email=state.email,
        is_admin=state.is_admin,
    )


def _all(state: type[ModelsState]) -> rx.Component:
    return section(
        "Connected models",
        "All workers know of a change within seconds. Pictures wait while a model is away, and go "
        "on by themselves.",
        rx.cond(
            length(state.models) > 0,
            rx.el.ul(rx.foreach(state.models, _model(state)), class_name="rows"),
            rx.el.p(
                "There is none yet: pictures get only what imgapp reads and measures itself.",
                class_name="quiet",
            ),
        ),
    )


def _model(state: type[ModelsState]) -> Callable[[ModelRow], rx.Component]:
    def row(one: ModelRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(
                    rx.el.strong(one.name),
                    rx.cond(one.role != "", badge(one.role, "good")),
                    rx.cond(one.local, badge("stays in the house")),
                    rx.cond(one.trouble != "", badge("away", "bad")),
                ),
                rx.el.p(one.where, class_name="quiet"),
                rx.cond(one.pace != "", rx.el.p(one.pace, class_name="quiet")),
                rx.cond(one.takes != "", rx.el.p(one.takes, class_name="quiet")),
                rx.cond(
                    one.trouble != "",
                    rx.el.p(
                        one.trouble,
                        rx.cond(
                            one.since != "",
                            rx.fragment(" Since ", moment(one.since, ago=False), "."),
                        ),
                        rx.cond(one.said != "", rx.fragment(" The server said: ", one.said)),
                        role="status",
                    ),
                ),
            ),
            rx.el.div(
                ModelTrial.create(name=one.name),
                rx.cond(one.ours, _actions(state, one)),
                class_name="actions model-actions",
            ),
            key=one.name,
            data_testid="model",
        )

    return row


def _actions(state: type[ModelsState], one: ModelRow) -> rx.Component:
    def role(text: str, value: str, shown: bool) -> rx.Component:
        return rx.cond(
            shown,
            rx.el.button(
                text,
                type="button",
                class_name="button small ghost",
                aria_label=f"{text}: {one.name}",
                on_click=state.set_role(one.name, value),
            ),
        )

    return rx.fragment(
        role("Make it the default", "default", one.role != "default"),
        role("Make it the fall-back", "fallback", one.role == ""),
        role("No longer the fall-back", "none", one.role == "fall-back"),
        confirmed(
            "Disconnect",
            "What waits for it is asked of the default. Texts that it wrote stay.",
            "Disconnect",
            state.disconnect(one.name),
        ),
    )


def _bundled(state: type[ModelsState]) -> rx.Component:
    return section(
        "A model that comes with imgapp",
        "Small open models that run on this machine. No picture leaves it, and nothing is fetched "
        "unasked. A worker fetches it, whether this page stays open or not.",
        rx.cond(
            state.runtime_problem != "",
            rx.el.p(state.runtime_problem, class_name="form-message", role="status"),
        ),
        rx.el.ul(rx.foreach(state.bundled, _bundled_model(state)), class_name="rows"),
    )


def _bundled_model(state: type[ModelsState]) -> Callable[[BundledRow], rx.Component]:
    def discard(text: str, one: BundledRow) -> rx.Component:
        return rx.el.button(
            text,
            type="button",
            class_name="button small ghost",
            aria_label=f"{text}: {one.title}",
            on_click=state.discard_pull(one.name),
        )

    def row(one: BundledRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(rx.el.strong(one.title), " ", one.about),
                rx.el.p(
                    one.facts,
                    " · ",
                    rx.el.a("About it", href=one.source, aria_label=f"About {one.title}"),
                    class_name="quiet",
                ),
                rx.cond(
                    one.doing != "",
                    rx.fragment(
                        rx.el.p(one.doing),
                        rx.el.progress(
                            value=as_text(one.share), aria_label=f"Fetched of {one.title}"
                        ),
                    ),
                ),
                rx.cond(one.problem != "", rx.el.p(one.problem, role="alert")),
            ),
            rx.el.div(
                rx.cond(
                    one.button != "",
                    rx.el.button(
                        one.button,
                        type="button",
                        class_name="button small",
                        aria_label=f"{one.button}: {one.title}",
                        on_click=state.pull(one.name),
                    ),
                ),
                rx.cond(one.doing != "", discard("Cancel", one)),
                rx.cond(one.problem != "", discard("Discard", one)),
                class_name="row",
            ),
            key=one.name,
            data_testid="bundled-model",
        )

    return row


def _connect(state: type[ModelsState]) -> rx.Component:
    return section(
        "Connect a model",
        "Any server that speaks the chat API of OpenAI. A copy of each picture of at most 1,024 "
        "pixels, without position, camera or file name, is sent there.",
        ModelForm.create(kinds=state.kinds, on_done=state.look),
    )
