"""Every page, and the look they share. To add a page: copy `sign_in.py`, add a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from imgapp.ui import gallery, sign_in


@dataclass(frozen=True)
class Page:
    """A page. `route` starts with a slash; pages outside `session.SIGNED_OUT_PAGES` need a session."""

    route: str
    title: str
    component: Callable[[], rx.Component]
    on_load: Any = None


PAGES = (
    Page("/", "Pictures · imgapp", gallery.page, gallery.GalleryState.load),
    Page("/sign-in", "Sign in · imgapp", sign_in.page),
    Page("/sign-up", "Create an account · imgapp", sign_in.sign_up_page),
    Page("/welcome", "Welcome · imgapp", sign_in.welcome_page),
)


def look() -> dict[str, Any]:
    """What every page shares: arguments of `rx.App`."""
    return {"stylesheets": ["/imgapp.css"], "html_lang": "en"}
