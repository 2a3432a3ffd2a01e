"""The list of what is being sent, in a real browser: what it says, and its keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Person, drop, wait_for_cards
from tests.support.pictures import jpeg

pytestmark = pytest.mark.browser

SignIn = Callable[[Page, Person], None]


def test_each_refused_file_says_why_and_failed_ones_are_tried_again_together(
    page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    page.route(
        "**/api/tus", lambda route: route.fulfill(status=418, json={"detail": "I am a teapot."})
    )
    words, empty = tmp_path / "words.jpg", tmp_path / "empty.png"
    words.write_text("words")
    empty.write_bytes(b"")
    good = [jpeg(tmp_path / f"good-{number}.jpg", seed=number) for number in range(2)]
    drop(page, [*good, empty])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("The file is empty")).to_be_visible()
    expect(uploads.get_by_text("I am a teapot.")).to_have_count(2)
    page.unroute("**/api/tus")
    uploads.get_by_role("button", name="Retry all failed").click()
    wait_for_cards(page, 2, "completed")
    drop(page, [words])
    expect(uploads.get_by_text("not an image")).to_be_visible()


def test_the_keyboard_cancels_one_after_the_other_and_the_focus_stays(
    page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    page.route("**/api/tus", lambda route: None)  # never answered: they are being sent
    drop(page, [jpeg(tmp_path / f"{number}.jpg", seed=10 + number) for number in range(4)])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_role("progressbar", name="Uploading 0.jpg")).to_be_visible()
    uploads.get_by_role("button", name="Cancel 0.jpg").focus()
    for left in (3, 2, 1):
        page.keyboard.press("Enter")
        expect(uploads.get_by_role("listitem")).to_have_count(left)
        page.wait_for_function("document.activeElement.ariaLabel?.startsWith('Cancel')")
    page.keyboard.press("Enter")
    expect(uploads).to_be_hidden()
    expect(page.get_by_role("button", name="Upload pictures")).to_be_focused()


@pytest.mark.parametrize("fate", ["changed", "removed"])
def test_a_file_that_is_changed_or_removed_while_it_is_sent_is_said_to_be(
    fate: str, page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    picture = jpeg(tmp_path / "cloud.jpg", seed=20)

    def meanwhile(route: Route) -> None:
        """It was read once, and is to be sent now."""
        if fate == "removed":
            picture.unlink()
        else:
            picture.write_bytes(picture.read_bytes() + b"more")
            os.utime(picture, (1, 1))
        route.continue_()

    page.route("**/api/images/by-hash", meanwhile, times=1)
    drop(page, [picture])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Was it moved or changed?")).to_be_visible()
    expect(uploads.get_by_role("button", name="Try cloud.jpg again")).to_be_visible()
