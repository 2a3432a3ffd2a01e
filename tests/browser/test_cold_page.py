"""A page that is loaded for the first time: what it costs, and the pictures that come with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import Person, add_pictures, live, wait_for_cards
from tests.support import page_scripts
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser

MOST_WITHOUT_PICTURES = 144_000
"""Bytes as they are sent, of a gallery without its thumbnails. Thirty of those are a quarter of a
megabyte, and all is to be at most 0.4."""

_BOXES = """
() => Object.fromEntries([...document.querySelectorAll('[data-testid="card"]')].map((card) => {
  const { x, y, width, height } = card.getBoundingClientRect();
  // What becomes of an upload may be told above the grid.
  const top = card.closest('[data-testid="grid"]').getBoundingClientRect().top;
  const image = card.querySelector('img');
  return [card.dataset.imageId, [x, y - top, width, height].map(Math.round)
    .concat([card.dataset.status, image.alt, image.getAttribute('src')])];
}))
"""
_BYTES = """
() => performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))
  .filter((one) => !new URL(one.name).pathname.startsWith('/api/'))
  .map((one) => [one.name, one.encodedBodySize])
"""


def without_live_state(page: Page) -> None:
    """Let the page's websocket connect to nothing."""

    def silent(_: WebSocketRoute) -> None:
        return

    page.route_web_socket("**/_event/**", silent)


@pytest.mark.parametrize("route", page_scripts.LIMITS)
def test_the_scripts_of_a_page_stay_small(app: App, route: str) -> None:
    size = sum(script.stat().st_size for script in page_scripts.scripts_of(route))
    assert 0 < size <= page_scripts.LIMITS[route]


def test_a_cold_gallery_is_small(
    app: App,
    page: Page,
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / f"{n}.jpg", seed=n) for n in range(3)])
    sign_in(page, alice)
    cold = new_context()
    cold.add_cookies(page.context.cookies())
    again = cold.new_page()
    again.goto(app.url)
    live(again)
    again.wait_for_load_state("networkidle")
    received = dict(again.evaluate(_BYTES))
    assert sum(received.values()) <= MOST_WITHOUT_PICTURES, received


@pytest.mark.parametrize("width", [1440, 390])
def test_pictures_are_there_before_the_page_is_live_and_stay_where_they_are(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    add_pictures(app, alice, [jpeg(tmp_path / f"{n}.jpg", seed=n) for n in range(5)])
    sign_in(page, alice)
    live(page)
    wait_for_cards(page, 5, "completed")
    before = page.evaluate(_BOXES)
    bar = page.locator(".find-bar").bounding_box()
    assert bar

    without_live_state(page)
    page.reload()

    expect(page.locator("[data-first-window] img")).to_have_count(5)
    assert page.evaluate(_BOXES) == before
    expect(page.locator("[data-first-window]")).to_have_css("margin-top", f"{bar['height']:g}px")


def test_a_picture_opens_that_is_clicked_before_the_page_is_live(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    [image_id] = add_pictures(app, alice, [jpeg(tmp_path / "1.jpg", seed=1)])
    sign_in(page, alice)
    without_live_state(page)
    page.reload()
    page.locator("[data-first-window] .picture").click()
    expect(page).to_have_url(f"{app.url}/?picture={image_id}")


def test_scripts_wait_for_the_pictures_on_the_screen_but_not_for_long(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / f"{n}.jpg", seed=n) for n in range(3)])
    sign_in(page, alice)
    live(page)
    order: list[str] = []
    page.on("requestfinished", lambda request: order.append(request.url))
    page.reload()
    live(page)
    [client] = [at for at, url in enumerate(order) if "/assets/client-" in url]
    thumbnails = [at for at, url in enumerate(order) if "/thumbnail?" in url]
    assert len(thumbnails) >= 3
    assert max(thumbnails[:3]) < client, order

    # One that never comes keeps nobody waiting.
    page.route("**/thumbnail?*", lambda _: None)
    page.reload(wait_until="commit")
    live(page)


def test_the_inline_start_of_a_page_is_allowed_to_run_later(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / "1.jpg", seed=1)])
    sign_in(page, alice)
    page.reload()
    live(page)
    assert page.evaluate("document.querySelectorAll('[type=later], [rel=later]').length") == 0
