"""Sections of `/people`."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.ui.admin.people import PeopleState, PersonRow
from imgapp.ui.shell.client_components import OnceForm
from imgapp.ui.shell.reflex_types import Action, length
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


def page() -> rx.Component:
    """`/people`"""
    return people_page(PeopleState)


def people_page(state: type[PeopleState]) -> rx.Component:
    """The whole page for its state class."""
    return settings_page(
        "People",
        rx.cond(
            state.missing,
            not_there(),
            rx.fragment(_add(state), _search(state), _list(state)),
        ),
        here="/people",
        email=state.email,
        is_admin=state.is_admin,
    )


def _add(state: type[PeopleState]) -> rx.Component:
    return section(
        "Add somebody",
        "They sign in with a one-time password, and choose one of their own then.",
        OnceForm.create(
            field(
                "Their e-mail address",
                "email",
                id="new_email",
                type="email",
                auto_complete="off",
                required=True,
            ),
            rx.el.label(
                rx.el.input(type="checkbox", name="is_admin", value="yes", data_as="flag"),
                "An administrator",
                class_name="check",
            ),
            rx.el.button("Add", type="submit", class_name="button primary"),
            action="/api/people",
            secret="password",  # noqa: S106
            note="Give them this one-time password: it is not shown again.",
            on_done=state.reread,
        ),
    )


def _search(state: type[PeopleState]) -> rx.Component:
    return rx.el.div(
        rx.el.label("Find", html_for="find", class_name="sr-only"),
        rx.el.input(
            id="find",
            type="search",
            placeholder="Find by e-mail address",
            class_name="input",
            auto_complete="off",
            on_change=state.search.debounce(250),
        ),
        class_name="filters",
    )


def _list(state: type[PeopleState]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            state.loaded,
            rx.cond(
                length(state.people) > 0,
                rx.el.ul(rx.foreach(state.people, _person(state)), class_name="rows people"),
                rx.el.p("Nobody has an address like that.", class_name="nothing"),
            ),
            loading(),
        ),
        rx.cond(
            state.has_more,
            rx.el.button("Show more", type="button", class_name="button", on_click=state.load_more),
        ),
        class_name="list",
    )


def _person(state: type[PeopleState]) -> Callable[[PersonRow], rx.Component]:
    def row(one: PersonRow) -> rx.Component:
        seen = rx.cond(
            one.last_seen_at == "",
            "never signed in",
            rx.fragment("last seen ", moment(one.last_seen_at)),
        )
        return rx.el.li(
            rx.el.div(
                rx.el.p(
                    rx.el.strong(one.email),
                    rx.cond(one.is_me, badge("you", "good")),
                    rx.cond(one.is_admin, badge("administrator")),
                    rx.cond(one.state == "disabled", badge("disabled", "warn")),
                    rx.cond(one.state == "deleting", badge("being removed", "bad")),
                ),
                rx.el.p(one.stored, " · ", seen, class_name="quiet"),
            ),
            rx.cond((one.state != "deleting") & ~one.is_me, _actions(state, one)),
            key=one.id,
            data_testid="person",
            data_state=one.state,
        )

    return row


def _actions(state: type[PeopleState], one: PersonRow) -> rx.Component:
    """Behind one button: what is here is done rarely and on purpose."""
    return rx.el.details(
        rx.el.summary(
            "Change",
            rx.icon("chevron-down", size=15, aria_hidden="true"),
            class_name="button small",
            aria_label=f"Change {one.email}",
        ),
        rx.el.div(
            rx.cond(
                one.state == "disabled",
                _action("Enable", state.set_disabled(one.id, False)),
                _action("Disable, and sign out", state.set_disabled(one.id, True)),
            ),
            rx.cond(
                one.is_admin,
                _action("Take the administrator's role", state.set_admin(one.id, False)),
                _action("Make an administrator", state.set_admin(one.id, True)),
            ),
            OnceForm.create(
                rx.el.button("New one-time password", type="submit", class_name="button small"),
                action=f"/api/people/{one.id}/password",
                secret="password",  # noqa: S106
                note="Give it to them: it is not shown again. They are signed out everywhere.",
            ),
            confirmed(
                "Delete",
                "Their pictures and their account are removed for good.",
                "Delete everything of theirs",
                state.delete(one.id),
            ),
            class_name="actions",
        ),
        class_name="confirm",
    )


def _action(words: str, action: Action) -> rx.Component:
    return rx.el.button(words, type="button", class_name="button small", on_click=action)
