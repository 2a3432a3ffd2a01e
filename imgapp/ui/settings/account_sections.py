"""The sections of `/account`."""

from __future__ import annotations

from collections.abc import Callable

import reflex as rx

from imgapp.services.accounts.registration import MIN_PASSWORD
from imgapp.ui.settings.account import AccountState, SessionRow, TokenRow
from imgapp.ui.shell.client_components import OnceForm, PlainForm, PlainLink
from imgapp.ui.shell.reflex_types import as_text, either, length
from imgapp.ui.shell.settings_layout import (
    badge,
    choice,
    confirmed,
    field,
    loading,
    message,
    moment,
    section,
    settings_page,
)
from imgapp.ui.shell.sign_in import UNAVAILABLE, WEAK

_EXPIRY = {"In 30 days": "30", "In 90 days": "90", "In a year": "365", "Never": ""}
_SCOPES = {"Read and change": "read write", "Only read": "read"}


def page() -> rx.Component:
    """`/account`"""
    return account_page(AccountState)


def account_page(state: type[AccountState]) -> rx.Component:
    """The whole page for its state class."""
    return settings_page(
        "Account",
        rx.el.p(state.email, class_name="settings-email"),
        message("temporary", "Somebody else chose your password. Choose one of your own below."),
        _storage(state),
        _password(state),
        _sessions(state),
        _tokens(state),
        _take_along(),
        _end(state),
        here="/account",
        email=state.email,
        is_admin=state.is_admin,
    )


def _storage(state: type[AccountState]) -> rx.Component:
    return section(
        "Storage",
        "Your pictures, those in the trash included.",
        rx.el.p(either(state.loaded, state.used, "…"), class_name="figure"),
        rx.cond(
            state.used_percent >= 0,
            rx.el.progress(value=as_text(state.used_percent), max="100", aria_label="Storage used"),
        ),
    )


def _password(state: type[AccountState]) -> rx.Component:
    return section(
        "Password",
        "Changing it signs you out everywhere else.",
        message("changed", "Your password is changed.", good=True),
        message("wrong", "The current password is not right."),
        message("weak", WEAK),
        message("limited", "That was too many attempts. Try again in a quarter of an hour."),
        message("none", "This account has no password: it signs in through single sign-on."),
        message("unavailable", UNAVAILABLE),
        rx.cond(
            state.signs_in_here,
            PlainForm.create(
                field(
                    "Current password",
                    "current_password",
                    type="password",
                    auto_complete="current-password",
                    required=True,
                ),
                field(
                    "New password",
                    "new_password",
                    type="password",
                    auto_complete="new-password",
                    required=True,
                    min_length=MIN_PASSWORD,
                ),
                rx.el.button("Change password", type="submit", class_name="button primary"),
                method="post",
                action="/api/account/password",
                class_name="stack",
            ),
            rx.el.p("You sign in through single sign-on, without a password here."),
        ),
        rx.foreach(
            state.linked,
            lambda issuer: rx.el.p("Linked with ", rx.el.code(issuer), class_name="quiet"),
        ),
    )


def _sessions(state: type[AccountState]) -> rx.Component:
    return section(
        "Where you are signed in",
        "Something here that you do not know? Sign it out, then change your password.",
        rx.cond(
            state.loaded,
            rx.el.ul(rx.foreach(state.sessions, _session(state)), class_name="rows"),
            loading(),
        ),
        rx.cond(
            length(state.sessions) > 1,
            confirmed(
                "Sign out everywhere else",
                "All other browsers have to sign in again.",
                "Sign them out",
                state.end_other_sessions,
            ),
        ),
    )


def _session(state: type[AccountState]) -> Callable[[SessionRow], rx.Component]:
    def row(one: SessionRow) -> rx.Component:
        return rx.el.li(
            rx.el.div(
                rx.el.p(rx.el.strong(one.device), rx.cond(one.current, badge("this one", "good"))),
                rx.el.p(one.where, " · ", moment(one.last_seen_at), class_name="quiet"),
            ),
            rx.cond(
                one.current,
                None,
                rx.el.button(
                    "Sign out",
                    type="button",
                    class_name="button small",
                    aria_label=f"Sign out {one.device}, {one.where}",
                    on_click=state.end_session(one.id),
                ),
            ),
            key=one.id,
            data_testid="session",
        )

    return row


def _tokens(state: type[AccountState]) -> rx.Component:
    return section(
        "Access tokens",
        "For programs that use imgapp in your name, through its API.",
        rx.cond(
            length(state.tokens) > 0,
            rx.el.ul(rx.foreach(state.tokens, _token(state)), class_name="rows"),
        ),
        OnceForm.create(
            field("What is it for?", "name", id="token_name", required=True, max_length=100),
            choice("It may", "scopes", _SCOPES, data_as="list"),
            choice("It ends", "expires_at", _EXPIRY, data_as="days"),
            rx.el.button("Make a token", type="submit", class_name="button primary"),
            action="/api/tokens",
            secret="token",  # noqa: S106
            note="Copy the token now: it is not shown again.",
            on_done=state.read_tokens,
        ),
        PlainLink.create("How programs use it", href="/api/docs", class_name="more"),
    )


def _token(state: type[AccountState]) -> Callable[[TokenRow], rx.Component]:
    def row(one: TokenRow) -> rx.Component:
        used = rx.cond(
            one.last_used_at == "",
            "never used",
            rx.fragment("last used ", moment(one.last_used_at)),
        )
        ends = rx.cond(
            one.expires_at == "", "", rx.fragment(" · ends ", moment(one.expires_at, ago=False))
        )
        return rx.el.li(
            rx.el.div(
                rx.el.p(rx.el.strong(one.name), " ", rx.el.code(one.hint)),
                rx.el.p(one.may, " · ", used, ends, class_name="quiet"),
            ),
            confirmed(
                "Revoke",
                "Programs that use it stop working.",
                "Revoke it",
                state.revoke_token(one.id),
            ),
            key=one.id,
            data_testid="token",
        )

    return row


def _take_along() -> rx.Component:
    return section(
        "Take everything along",
        "All texts, tags and facts of your pictures, with the address of each original.",
        PlainLink.create(
            rx.icon("download", size=16, aria_hidden="true"),
            "Download as JSON",
            href="/api/account/export",
            download="imgapp-export.json",
            class_name="button",
        ),
    )


def _end(state: type[AccountState]) -> rx.Component:
    return section(
        "Delete the account",
        "Your pictures, their texts and your account are removed for good.",
        message("mismatch", "That is not the e-mail address of this account."),
        message("last", "You are the only administrator. Make somebody else one first."),
        rx.el.p("There is no way back. Take your texts along first, if you want to keep them."),
        PlainForm.create(
            field(
                "Type your e-mail address to confirm",
                "email",
                type="email",
                auto_complete="off",
                required=True,
                placeholder=state.email,
            ),
            rx.el.button(
                "Delete my account and all pictures",
                type="submit",
                class_name="button danger solid",
            ),
            method="post",
            action="/api/account/delete",
            class_name="stack",
        ),
        class_name="section grave",
    )
