"""Signing in, signing up and the first account: plain forms, which work before the page is live.

The server answers a form that it refuses with a redirect to the same page and a fragment, and the
message with that id is shown by the browser itself (`:target`).
"""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx

from imgapp.services.accounts.registration import MIN_PASSWORD
from imgapp.ui.shell.client_components import AddressNext, AddressToken, PlainForm
from imgapp.ui.shell.frame import logo
from imgapp.ui.shell.single_sign_on import (
    REFUSALS,
    NoCookies,
    OwnAddress,
    SignInLink,
    SignUpLink,
    SingleSignOn,
)

WEAK = f"Choose a password of at least {MIN_PASSWORD} characters that is not a common one."
UNAVAILABLE = "imgapp cannot reach its database. Try again in a moment."
CLOSED = "New accounts are made by the administrator here."
LIMITED = (
    "That was too many attempts. Take a break of a quarter of an hour, then try again; if you "
    "forgot the password, the administrator can give you a new one."
)
DELETED = "Your account is deleted. What was in it is being removed."
NO_EMAIL = "This is not an e-mail address."


def page() -> rx.Component:
    """`/sign-in`"""
    return _sheet(
        "Sign in",
        _message("invalid", "The e-mail address or the password is not right."),
        _message("limited", LIMITED),
        _message("closed", CLOSED),
        _message("unavailable", UNAVAILABLE),
        _message("deleted", DELETED, class_name="sheet-message good", role="status"),
        *(_message(name, text) for name, text in REFUSALS.items()),
        _form("/api/sign-in", "Sign in", AddressNext.create(), complete="current-password"),
        SingleSignOn.create(),
        SignUpLink.create(),
    )


def sign_up_page() -> rx.Component:
    """`/sign-up`"""
    return _sheet(
        "Create an account",
        _message("taken", "There is an account with this e-mail address already. Sign in instead."),
        _message("weak", WEAK),
        _message("invalid", NO_EMAIL),
        _message("limited", "Too many accounts were made from here. Try again in an hour."),
        _message("unavailable", UNAVAILABLE),
        _message("closed", CLOSED),
        _form("/api/sign-up", "Create account", AddressNext.create(), complete="new-password"),
        SingleSignOn.create(),
        rx.el.p(
            "Already have one? ",
            SignInLink.create(),
            class_name="sheet-foot",
        ),
    )


def welcome_page() -> rx.Component:
    """`/welcome`: the first account."""
    return _sheet(
        "Create the administrator account",
        rx.el.p(
            "This is the first account here. It looks after the others.", class_name="sheet-intro"
        ),
        _message("weak", WEAK),
        _message("invalid", NO_EMAIL),
        _message("unavailable", UNAVAILABLE),
        _message("token", "Open the link that imgapp printed when it started: it is valid once."),
        _form("/api/welcome", "Create account", AddressToken.create(), complete="new-password"),
    )


def _sheet(title: str, *content: rx.Component) -> rx.Component:
    return rx.el.main(
        rx.el.div(
            rx.el.div(logo(), rx.el.span("imgapp"), class_name="brand"),
            rx.el.h1(title),
            NoCookies.create(),
            OwnAddress.create(),
            *content,
            class_name="sheet",
        ),
        rx.el.p("An image library that describes itself.", class_name="tagline"),
        class_name="sheet-page",
    )


def _message(name: str, text: str, **looks: Any) -> rx.Component:
    looks = {"role": "alert", "class_name": "sheet-message"} | looks
    return rx.el.p(text, id=name, **looks)


def _form(action: str, button: str, *extra: rx.Component, complete: str) -> rx.Component:
    return PlainForm.create(
        *extra,
        _field("Email", "email", "email", "username"),
        _field("Password", "password", "password", complete),
        rx.el.button(button, type="submit", class_name="button primary large"),
        method="post",
        action=action,
        class_name="sheet-form",
    )


def _field(
    label: str, name: str, kind: Literal["email", "password"], autocomplete: str
) -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(
            id=name,
            name=name,
            type=kind,
            auto_complete=autocomplete,
            required=True,
            class_name="input",
        ),
        class_name="field",
    )
