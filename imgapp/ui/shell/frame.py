"""The page frame: the bar at the top, the state of the connection, messages."""

from __future__ import annotations

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from imgapp.ui.shell.client_components import Appearance, PlainForm, PlainLink, ShortcutSheet
from imgapp.ui.shell.notices import notice
from imgapp.ui.shell.reflex_types import as_text, either, negated


def logo() -> rx.Component:
    """A picture with a line of text under it."""
    return rx.el.svg(
        rx.el.rect(x="2.5", y="2.5", width="19", height="13.5", rx="3.5"),
        rx.el.path(d="m6 12.5 3.6-3.8 3 2.9 2.2-2.1 3.2 3"),
        rx.el.path(d="M3.5 20.75h11.5"),
        rx.el.circle(cx="19.5", cy="20.75", r="1.25", class_name="dot"),
        view_box="0 0 24 24",
        width="26",
        height="26",
        class_name="logo",
        aria_hidden="true",
    )


def frame(
    *content: rx.Component,
    email: str,
    total: int | None = None,
    live: bool | None = None,
    here: str = "/",
) -> rx.Component:
    """A page for a person who is signed in; with `live`, pictures can be added there."""
    skip = "Skip to the pictures" if live is not None else "Skip to the content"
    return rx.fragment(
        PlainLink.create(skip, href="#main", class_name="skip"),
        rx.el.header(
            PlainLink.create(logo(), rx.el.span("imgapp"), href="/", class_name="brand"),
            rx.cond(live, _count(total)) if live is not None and total is not None else None,
            rx.el.div(class_name="space"),
            _review_link(here),
            _not_live(here),
            _upload_button(live) if live is not None else None,
            _account(email),
            class_name="bar",
        ),
        rx.el.main(*content, id="main", class_name="main", tab_index=-1),
        notice(),
        ShortcutSheet.create(),
        # Where `assets/shell/announce.js` speaks.
        rx.el.div(class_name="sr-only", role="status", data_announcements=""),
    )


def _review_link(here: str) -> rx.Component:
    """In the menu too, for where there is no room for it here."""
    return PlainLink.create(
        rx.icon("list-checks", size=17, aria_hidden="true"),
        "Review",
        href="/review",
        class_name="button ghost wide",
        custom_attrs={"aria-current": "page"} if here == "/review" else {},
    )


def _count(total: int) -> rx.Component:
    return rx.el.span(
        as_text(total),
        " ",
        either(total == 1, "picture", "pictures"),
        class_name="count",
    )


def _not_live(here: str) -> rx.Component:
    """Shown while the websocket is down. Refresh is a plain form: it works then too."""
    return rx.el.div(
        rx.cond(
            has_connection_errors,
            rx.el.div(
                rx.el.span(class_name="dot", aria_hidden="true"),
                rx.el.span("Not live", rx.el.span(" — reconnecting", class_name="wide")),
                PlainForm.create(rx.el.button("Refresh", type="submit"), method="get", action=here),
                class_name="not-live",
                data_testid="not-live",
            ),
        ),
        role="status",
    )


def _upload_button(live: bool) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.icon("upload", size=17, aria_hidden="true"),
            rx.el.span("Upload", class_name="wide"),
            type="button",
            class_name="button primary",
            aria_label="Upload pictures",
            data_pick="files",
            disabled=negated(live),
        ),
        rx.el.button(
            rx.icon("folder-up", size=17, aria_hidden="true"),
            type="button",
            class_name="button primary icon",
            aria_label="Upload a folder",
            title="Upload a folder",
            data_pick="folder",
            disabled=negated(live),
        ),
        class_name="split",
    )


def _account(email: str) -> rx.Component:
    return rx.el.div(
        rx.el.button(
            rx.icon("circle-user-round", size=22, aria_hidden="true"),
            type="button",
            class_name="button ghost icon",
            aria_label="Account",
            custom_attrs={"popoverTarget": "account"},
        ),
        rx.el.div(
            rx.el.p("Signed in as", class_name="quiet"),
            rx.el.p(email, class_name="menu-email"),
            _menu_link("list-checks", "Review", "/review"),
            _menu_link("chart-no-axes-column", "Coverage", "/coverage"),
            _menu_link("settings", "Account", "/account"),
            _menu_link("trash-2", "Trash", "/trash"),
            _menu_link("circle-help", "Help", "/help"),
            rx.el.button(
                rx.icon("keyboard", size=16, aria_hidden="true"),
                "Keyboard shortcuts",
                rx.el.kbd("?", aria_hidden="true"),
                type="button",
                class_name="button",
                data_shortcuts="",
            ),
            Appearance.create(),
            PlainForm.create(
                rx.el.button(
                    rx.icon("log-out", size=16, aria_hidden="true"),
                    "Sign out",
                    type="submit",
                    class_name="button",
                ),
                method="post",
                action="/api/sign-out",
            ),
            id="account",
            class_name="menu account-menu",
            custom_attrs={"popover": "auto"},
        ),
    )


def _menu_link(icon: str, name: str, href: str) -> rx.Component:
    return PlainLink.create(
        rx.icon(icon, size=16, aria_hidden="true"), name, href=href, class_name="button"
    )
