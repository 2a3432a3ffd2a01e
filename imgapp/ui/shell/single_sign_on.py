"""Single sign-on on the sign-in pages: its button and the sentence for each refusal; and why nobody
can sign in."""

from __future__ import annotations

import reflex as rx

REFUSALS = {
    "sign-in-refused": "The sign-in provider's answer could not be trusted, so nobody was signed "
    "in. If it happens again, tell the administrator of imgapp.",
    "sign-in-expired": "This sign-in took too long, or was begun in another browser. Try again.",
    "sign-in-cancelled": "The sign-in was cancelled.",
    "provider-refused": "The sign-in provider refused. Try again, or ask its administrator.",
    "provider-unavailable": "The sign-in provider does not answer. Try again in a moment.",
    "email-missing": "The sign-in provider did not say your e-mail address, which imgapp needs.",
    "email-not-verified": "There is an account with your e-mail address here, but the sign-in "
    "provider does not say that the address is verified. Sign in with your password.",
    "sign-up-closed": "You have no account here yet, and new ones are made by the administrator.",
    "account-disabled": "Your account here is disabled.",
    "sign-on-off": "Single sign-on is not set up here.",
}
"""By the fragment with which the server leads back to the page."""


class SingleSignOn(rx.Component):
    """A link to the provider, where one is configured."""

    library = "$/public/shell/single-sign-on.jsx"
    tag = "SingleSignOn"


class SignUpLink(rx.Component):
    """A link to the form for a new account, where people may make their own."""

    library = "$/public/shell/single-sign-on.jsx"
    tag = "SignUpLink"


class SignInLink(rx.Component):
    """A link to the form for those who have an account."""

    library = "$/public/shell/single-sign-on.jsx"
    tag = "SignInLink"


class NoCookies(rx.Component):
    """Says that the browser keeps no cookies, where it does not."""

    library = "$/public/shell/sign-in-notes.jsx"
    tag = "NoCookies"


class OwnAddress(rx.Component):
    """Says which address imgapp has, where the page was opened by another."""

    library = "$/public/shell/sign-in-notes.jsx"
    tag = "OwnAddress"
