"""Chromium, signed in to a running imgapp."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright

from tests.support.running import App


def chromium_path() -> str:
    """The browser that `make test` uses too."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        raise RuntimeError("no Chromium: set CHROMIUM to one")
    return found


@contextmanager
def signed_in_page(app: App) -> Iterator[Page]:
    """A fresh browser context with the session cookie of the bench account."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--disable-background-networking", "--no-first-run"],
        )
        try:
            context = browser.new_context(viewport={"width": 1440, "height": 900})
            context.add_cookies(
                [
                    {"name": name, "value": value, "url": app.url}
                    for name, value in app.session_cookie().items()
                ]
            )
            yield context.new_page()
        finally:
            browser.close()
