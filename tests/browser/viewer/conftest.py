"""One page of Alice's for all tests of the viewer; each has pictures of its own in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import (
    DESKTOP,
    Person,
    add_pictures,
    client_of,
    live,
    new_account,
    open_window,
    sign_in_to,
    to_all_pictures,
    wait_for_cards,
)
from tests.browser.viewer.viewing import Pictures
from tests.support.pictures import jpeg
from tests.support.running import App

# No two tests have the same bytes, which would be described once.
_seeds = itertools.count(1)


@pytest.fixture(scope="package")
def alice(app: App) -> Person:
    return new_account(app, "alice")


@pytest.fixture(scope="package")
def gallery(app: App, browser: Browser, alice: Person) -> Iterator[Page]:
    with open_window(browser) as context:
        page = context.new_page()
        sign_in_to(app, page, alice)
        yield page


@pytest.fixture
def page(app: App, gallery: Page) -> Iterator[Page]:
    """Her gallery, which is empty; it is left as it was."""
    yield gallery
    gallery.unroute_all(behavior="ignoreErrors")
    gallery.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    to_all_pictures(gallery)
    expect(gallery.get_by_role("dialog")).to_be_hidden()
    if gallery.locator(".notice:visible").count():
        gallery.goto(app.url)
        live(gallery)


@pytest.fixture
def pictures(app: App, page: Page, alice: Person, tmp_path: Path) -> Iterator[Pictures]:
    """`pictures(2)` or `pictures([path])`: added and described; their ids as they are shown,
    newest first. They are gone after the test."""
    added: list[str] = []

    def add(given: int | list[Path]) -> list[str]:
        if isinstance(given, int):
            names = [tmp_path / f"{number}.jpg" for number in range(given)]
            given = [jpeg(name, seed=next(_seeds)) for name in names]
        ids = add_pictures(app, alice, given)
        added.extend(ids)
        wait_for_cards(page, len(added), "completed")
        return ids

    yield add
    with client_of(app, alice) as client:
        for image_id in added:
            client.delete(f"/api/images/{image_id}?permanent=true")
    wait_for_cards(page, 0)
