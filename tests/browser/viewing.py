"""The viewer as the browser tests use it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

Pictures = Callable[..., list[str]]


def card_ids(page: Page) -> list[str]:
    cards = page.get_by_test_id("card").all()
    return [str(card.get_attribute("data-image-id")) for card in cards]


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
