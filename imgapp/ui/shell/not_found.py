"""The 404 page: what an address without a page shows."""

from __future__ import annotations

import reflex as rx

from imgapp.ui.shell.client_components import PlainLink
from imgapp.ui.shell.frame import logo


def page() -> rx.Component:
    """`/404`"""
    return rx.el.main(
        rx.el.div(
            rx.el.div(logo(), rx.el.span("imgapp"), class_name="brand"),
            rx.el.h1("There is no such page"),
            rx.el.p(
                "The address may be mistyped, or what was here is gone.", class_name="sheet-intro"
            ),
            PlainLink.create("To the pictures", href="/", class_name="button primary large"),
            class_name="sheet",
        ),
        class_name="sheet-page",
    )
