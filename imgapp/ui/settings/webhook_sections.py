"""The sections of `/webhooks`."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.services.webhooks.webhooks import MAX_NAME
from imgapp.ui.settings.webhooks import DeliveryRow, WebhookRow, WebhooksState
from imgapp.ui.shell.client_components import OnceForm, PlainLink, PollTimer
from imgapp.ui.shell.reflex_types import Action, either, length
from imgapp.ui.shell.settings_layout import (
    badge,
    choice,
    confirmed,
    field,
    loading,
    moment,
    section,
    settings_page,
)

_EVENTS = {
    "Everything": "analysis.completed analysis.failed text.approved",
    "Every analysis": "analysis.completed analysis.failed",
    "Completed analyses": "analysis.completed",
    "Failed analyses": "analysis.failed",
    "Approved texts": "text.approved",
}
_NOTE = "Copy the secret now: it is not shown again. The receiver verifies the signatures with it."


def page() -> rx.Component:
    """`/webhooks`"""
    return webhooks_page(WebhooksState)


def webhooks_page(state: type[WebhooksState]) -> rx.Component:
    """The whole page for its state class."""
    return settings_page(
        "Webhooks",
        rx.el.p("Your own programs hear at once when a picture is described.", class_name="quiet"),
        _add(state),
        _all(state),
        rx.cond(state.under_way, PollTimer.create(seconds=1, on_look=state.look)),
        here="/webhooks",
        email=state.email,
        is_admin=state.is_admin,
    )


def _add(state: type[WebhooksState]) -> rx.Component:
    return section(
        "Add a webhook",
        "imgapp sends signed messages there (Standard Webhooks), again and again until they are"
        " taken.",
        OnceForm.create(
            field(
                "Address",
                "url",
                type="url",
                required=True,
                max_length=2_000,
                placeholder="https://example.org/hooks/imgapp",
                auto_complete="off",
            ),
            field("Name, for yourself", "name", id="webhook_name", max_length=MAX_NAME),
            choice("It is told of", "events", _EVENTS, data_as="list"),
            rx.el.button("Add the webhook", type="submit", class_name="button primary"),
            action="/api/webhooks",
            secret="secret",  # noqa: S106
            note=_NOTE,
            on_done=state.reread,
        ),
        PlainLink.create("What is sent, and how to verify it", href="/api/docs", class_name="more"),
    )


def _all(state: type[WebhooksState]) -> rx.Component:
    return section(
        "Your webhooks",
        "Each with what it was told last, and what came of it.",
        rx.cond(
            state.loaded,
            rx.cond(
                length(state.webhooks) > 0,
                rx.el.ul(rx.foreach(state.webhooks, _webhook(state)), class_name="rows"),
                rx.el.p("There are none yet.", class_name="quiet"),
            ),
            loading(),
        ),
    )


def _webhook(state: type[WebhooksState]) -> Callable[[WebhookRow], rx.Component]:
    def row(one: WebhookRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(rx.el.strong(one.title), _condition(one)),
                rx.el.p(one.url, " · ", one.told, class_name="quiet"),
                _trouble(one),
            ),
            rx.el.button(
                "Deliveries",
                type="button",
                class_name="button small",
                aria_label=f"Deliveries to {one.title}",
                aria_expanded=either(state.chosen == one.id, "true", "false"),
                on_click=state.choose(one.id),
            ),
            _actions(state, one),
            rx.cond(state.chosen == one.id, _deliveries(state)),
            key=one.id,
            data_testid="webhook",
        )

    return row


def _condition(one: WebhookRow) -> rx.Component:
    failing = rx.cond(one.since != "", badge("failing", "bad"))
    return rx.cond(one.enabled, failing, badge("off", "warn"))


def _trouble(one: WebhookRow) -> rx.Component:
    return rx.fragment(
        rx.cond(
            one.trouble != "",
            rx.el.p(
                one.trouble,
                rx.cond(one.since != "", rx.fragment(" since ", moment(one.since, ago=False))),
                ".",
                class_name="quiet",
            ),
        ),
        rx.cond(
            one.both_until != "",
            rx.el.p(
                "Signed with the last secret, too, until ",
                moment(one.both_until, ago=False),
                ".",
                class_name="quiet",
            ),
        ),
    )


def _actions(state: type[WebhooksState], one: WebhookRow) -> rx.Component:
    """Behind one button: what is here is done rarely and on purpose."""
    return rx.el.details(
        rx.el.summary(
            "Change",
            rx.icon("chevron-down", size=15, aria_hidden="true"),
            class_name="button small",
            aria_label=f"Change {one.title}",
        ),
        rx.el.div(
            rx.cond(
                one.enabled,
                rx.fragment(
                    _action("Send a test", state.send_test(one.id)),
                    _action("Switch off", state.set_enabled(one.id, False)),
                ),
                _action("Switch on", state.set_enabled(one.id, True)),
            ),
            OnceForm.create(
                rx.el.button("New secret", type="submit", class_name="button small"),
                action=f"/api/webhooks/{one.id}/rotate",
                secret="secret",  # noqa: S106
                note=f"{_NOTE} For 24 hours the last one is good, too.",
                on_done=state.reread,
            ),
            confirmed(
                "Delete",
                "It is told nothing more, and what it was told is forgotten.",
                "Delete the webhook",
                state.delete(one.id),
            ),
            class_name="actions",
        ),
        class_name="confirm",
    )


def _action(words: str, action: Action) -> rx.Component:
    return rx.el.button(words, type="button", class_name="button small", on_click=action)


def _deliveries(state: type[WebhooksState]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            length(state.deliveries) > 0,
            rx.el.ul(rx.foreach(state.deliveries, _delivery(state)), class_name="rows"),
            rx.el.p("Nothing was sent there yet.", class_name="quiet"),
        ),
        rx.cond(
            state.has_more,
            rx.el.button(
                "Show more", type="button", class_name="button small", on_click=state.show_more
            ),
        ),
        class_name="deliveries",
    )


def _delivery(state: type[WebhooksState]) -> Callable[[DeliveryRow], rx.Component]:
    def row(one: DeliveryRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(
                    one.what,
                    rx.el.span(one.state, class_name=f"badge {one.tone}"),
                ),
                rx.el.p(
                    moment(one.at),
                    rx.cond(one.result != "", rx.fragment(" · ", one.result)),
                    rx.cond(
                        one.next_at != "",
                        rx.fragment(" · again ", moment(one.next_at, ago=False)),
                    ),
                    class_name="quiet",
                ),
            ),
            rx.cond(
                one.state == "sending",
                None,
                rx.el.button(
                    either(one.state == "waiting", "Send now", "Send again"),
                    type="button",
                    class_name="button small",
                    on_click=state.send_again(one.id),
                ),
            ),
            key=one.id,
            data_testid="delivery",
            data_state=one.state,
        )

    return row
