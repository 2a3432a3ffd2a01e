"""The viewer as the browser tests use it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

Pictures = Callable[..., list[str]]


def opener(page: Page, image_id: str) -> Locator:
    return page.locator(f'[data-image-id="{image_id}"] button').first


def shown(page: Page, image_id: str) -> Locator:
    """The viewer, once it shows all of this picture."""
    dialog = page.get_by_role("dialog")
    page.wait_for_url(f"**picture={image_id}*")
    expect(dialog).to_have_attribute("aria-busy", "false")
    return dialog


def open_picture(page: Page, image_id: str) -> Locator:
    opener(page, image_id).click()
    return shown(page, image_id)


def send(page: Page, method: str, path: str, body: dict[str, Any]) -> Any:
    """Call the API as the page that is open does."""
    answer = page.evaluate(
        """async ([method, path, body]) => {
            const headers = { "Content-Type": "application/json" };
            const answer = await fetch(path, { method, headers, body: JSON.stringify(body) });
            return [answer.status, await answer.json()];
        }""",
        [method, path, body],
    )
    assert answer[0] < 300, answer
    return answer[1]


def text(page: Page, title: str) -> Locator:
    """A text's section in the viewer."""
    heading = page.get_by_role("heading", name=title, exact=True, level=3)
    return page.locator(".viewer-texts section", has=heading)
