"""Every page, and the look they share. To add a page: copy `sign_in.py`, add a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from imgapp.ui import gallery, not_found, sign_in


@dataclass(frozen=True)
class Page:
    """A page. Those outside `session.SIGNED_OUT_PAGES` need a session."""

    route: str
    title: str
    component: Callable[[], rx.Component]
    on_load: Any = None


PAGES = (
    Page("/", "Pictures · imgapp", gallery.page, gallery.GalleryState.load),
    Page("/sign-in", "Sign in · imgapp", sign_in.page),
    Page("/sign-up", "Create an account · imgapp", sign_in.sign_up_page),
    Page("/welcome", "Welcome · imgapp", sign_in.welcome_page),
    Page("404", "Not found · imgapp", not_found.page),
)


def look() -> dict[str, Any]:
    """What every page shares: arguments of `rx.App`."""
    sheets = ("tokens", "base", "gallery", "viewer", "uploads", "sheet")
    return {
        "stylesheets": [f"/styles/{name}.css" for name in sheets],
        "head_components": [
            rx.el.meta(name="color-scheme", content="light dark"),
            rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
            rx.el.script(src="/theme.js"),
        ],
        "html_lang": "en",
        # Reflex's own banner and toaster bring a look of their own, and toasts reach `eval`.
        "app_wraps": {},
        "toaster": None,
    }
