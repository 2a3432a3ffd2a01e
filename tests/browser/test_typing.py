"""Keys of other layouts, and words that are composed: input methods in every field."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.conftest import Person, add_pictures, wait_for_cards
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]


@pytest.fixture
def gallery(app: App, page: Page, alice: Person, sign_in: SignIn, tmp_path: Path) -> Page:
    """Two pictures of hers."""
    paths = [jpeg(tmp_path / f"{n}.jpg", seed=hash((alice.email, n))) for n in range(2)]
    add_pictures(app, alice, paths)
    sign_in(page, alice)
    wait_for_cards(page, 2, "completed")
    return page


def composing(cdp: CDPSession, key: str) -> None:
    """A key as an input method leaves it to the page: with the code of none, 229."""
    given = {"key": key, "code": key, "windowsVirtualKeyCode": 229}
    cdp.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **given})
    cdp.send("Input.dispatchKeyEvent", {"type": "keyUp", **given})


def test_enter_and_escape_that_compose_a_word_end_nothing(gallery: Page) -> None:
    page, cdp = gallery, gallery.context.new_cdp_session(gallery)
    search = page.get_by_role("searchbox")
    search.fill("bicycle")
    page.wait_for_url("**q=bicycle*")
    composing(cdp, "Escape")
    expect(search).to_have_value("bicycle")
    page.keyboard.press("Escape")
    expect(search).to_have_value("")

    page.get_by_role("button", name="Filter").first.click()
    tag = page.get_by_role("dialog", name="Filters").get_by_label("Tag", exact=True)
    tag.fill("bicycle")
    composing(cdp, "Enter")
    expect(tag).to_have_value("bicycle")
    assert "tag=" not in page.url
    page.keyboard.press("Enter")
    page.wait_for_url("**tag=bicycle*")
    page.keyboard.press("Escape")

    page.get_by_test_id("card").first.get_by_role("button").first.click()
    page.locator(".viewer[aria-busy=false]").wait_for()
    page.keyboard.press("e")
    editor = page.locator(".editor textarea")
    editor.fill("Boats")
    for key in ("Enter", "Escape"):
        composing(cdp, key)
        expect(editor).to_have_value("Boats")
    page.keyboard.press("Enter")
    expect(page.locator(".viewer .said").first).to_have_text("Boats")
    tags = page.locator(".tag-input")
    tags.fill("harbour")
    for key in ("Enter", "Escape"):
        composing(cdp, key)
        expect(tags).to_have_value("harbour")
    page.keyboard.press("Enter")
    expect(page.locator(".viewer .tag", has_text="harbour")).to_be_visible()


def press(page: Page, key: str, code: str, **more: bool) -> None:
    """A key of a keyboard that Playwright does not have."""
    page.evaluate(
        """([key, code, more]) => document.activeElement.dispatchEvent(new KeyboardEvent(
            'keydown', { key, code, bubbles: true, cancelable: true, ...more }))""",
        [key, code, more],
    )


@pytest.mark.long
def test_single_letters_do_their_work_on_every_layout_and_with_caps_lock(gallery: Page) -> None:
    page = gallery
    page.locator('[data-at="0"] .picture').focus()
    said = page.get_by_test_id("selected")
    press(page, "ч", "KeyX")
    expect(said).to_have_text("1 selected")
    press(page, "ф", "KeyA", ctrlKey=True)
    expect(said).to_have_text("2 selected")
    press(page, "τ", "KeyT")
    expect(page.get_by_role("dialog", name="Tags of")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(said).to_be_hidden()
    page.locator('[data-at="0"] .picture').focus()
    press(page, "X", "KeyX")
    expect(said).to_have_text("1 selected")
    page.keyboard.press("Escape")

    page.get_by_test_id("card").first.get_by_role("button").first.click()
    page.locator(".viewer[aria-busy=false]").wait_for()
    before = page.url
    press(page, "ξ", "KeyJ")
    page.wait_for_url(lambda url: url != before)
    page.locator(".viewer[aria-busy=false]").wait_for()
    press(page, "ק", "KeyE")
    expect(page.locator(".editor textarea")).to_be_visible()
