"""Chromium, signed in to a running imgapp."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.running import App


def chromium_path() -> str:
    """The browser that `make test` uses too."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        raise RuntimeError("no Chromium: set CHROMIUM to one")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser of its own, ended afterwards."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--disable-background-networking", "--no-first-run"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def signed_in_page(app: App) -> Iterator[Page]:
    """A fresh browser context with the session cookie of the bench account."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        cookies = app.session_cookie().items()
        context.add_cookies([{"name": n, "value": v, "url": app.url} for n, v in cookies])
        yield context.new_page()
