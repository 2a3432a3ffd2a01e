"""The colours of the system (Windows' contrast themes)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.places import ADMINISTRATOR
from tests.support.running import App

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_forced_colours_leave_controls_and_choices_to_be_seen(
    app: App, page_of: Callable[[str], Page]
) -> None:
    page = page_of(ADMINISTRATOR)
    page.emulate_media(forced_colors="active")
    page.goto(f"{app.url}/account")
    page.wait_for_load_state("networkidle")
    # Backgrounds are gone: what tells a control or a choice apart is a line.
    for selector in (".button.primary", ".button.danger", ".input"):
        style, width = page.evaluate(
            """(selector) => {
                const style = getComputedStyle(document.querySelector(selector));
                return [style.borderTopStyle, parseFloat(style.borderTopWidth)];
            }""",
            selector,
        )
        assert (style, width >= 1) == ("solid", True), selector
    line = "border-bottom-color"
    here = _computed(page, ".tabs [aria-current]", line)
    assert here != _computed(page, ".tabs a:not([aria-current])", line)
    page.keyboard.press("?")
    switch = page.get_by_role("switch")
    switch.wait_for()
    on = _computed(page, ".switch-track", "background-color")
    switch.click()
    off = _computed(page, ".switch-track", "background-color")
    switch.click()
    assert on != off


def _computed(page: Page, selector: str, name: str) -> str:
    return str(
        page.evaluate(
            """([selector, name]) =>
                getComputedStyle(document.querySelector(selector)).getPropertyValue(name)""",
            [selector, name],
        )
    )
