"""What axe-core finds (nothing), everywhere, light and dark, on a desktop and on a phone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.places import PLACES, Place
from tests.running import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TAGS = (
    *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"),
    "best-practice",
)
"""All rules for WCAG 2.0, 2.1 and 2.2 A and AA (22aa has target-size), and what axe advises."""
SIZES = ((1280, 900), (390, 844))


def findings(page: Page) -> list[str]:
    """What axe-core objects to on the page as it is now, one line for each element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate(
        "options => axe.run(document, options)",
        {"runOnly": {"type": "tag", "values": list(TAGS)}, "resultTypes": ["violations"]},
    )
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_axe_finds_nothing(app: App, page_of: Callable[[str], Page], place: Place) -> None:
    page, found = page_of(place.who), {}
    for number, (width, height) in enumerate(SIZES):
        # What opens may open in another way where there is less room.
        again = place.open is not None and number > 0
        page = page_of(place.who) if again else page
        page.set_viewport_size({"width": width, "height": height})
        if number == 0 or again:
            place.go(page, app.url)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.locator(f"html.{scheme}").wait_for()
            if said := findings(page):
                found[f"{width} px, {scheme}"] = said
    assert not found, json.dumps(found, indent=1)


def test_axe_sees_what_is_wrong(app: App, page_of: Callable[[str], Page]) -> None:
    """The test of the tests: a page with two mistakes."""
    page = page_of("nobody")
    page.goto(f"{app.url}/sign-in")
    page.wait_for_load_state("networkidle")
    page.evaluate("document.querySelector('label').remove(); document.title = ''")
    assert {line.split(":")[0] for line in findings(page)} >= {"label", "document-title"}
