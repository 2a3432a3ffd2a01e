"""The grid with more pictures than anybody mounts: scrolled, changed, walked by keyboard, left."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from bench.library import Library, make_library
from tests.browser.conftest import Person, drop, live, to_all_pictures, wait_for_cards
from tests.browser.furniture import wait_for_status
from tests.support.pictures import jpeg
from tests.support.running import App

COUNT = 701


@dataclass(frozen=True)
class Collector(Person):
    library: Library | None = None


@pytest.fixture(scope="module")
def collector(app: App) -> Collector:
    """Somebody with many pictures; each test leaves them as they were."""
    email = f"collector-{secrets.token_hex(4)}@example.org"
    return Collector(email, library=make_library(app, email, COUNT, files=True, scenes=10))


@pytest.fixture(scope="module")
def signed_in(tab: Page, collector: Collector, sign_in: Callable[..., None]) -> Page:
    # How wide each picture is comes by itself; until then rows may still change.
    with tab.expect_response("**/api/images/timeline?*") as timeline:
        sign_in(tab, collector)
    timeline.value.finished()
    return tab


@pytest.fixture
def gallery(signed_in: Page) -> Page:
    """The top of the gallery with all pictures, in the page of the test before."""
    to_all_pictures(signed_in)
    signed_in.evaluate("() => document.activeElement.blur()")
    scroll_to(signed_in, 0)
    signed_in.locator('[data-at="0"]').wait_for()
    return signed_in


def mounted(page: Page) -> list[int]:
    """The positions of the cards that are mounted."""
    positions = page.locator('[data-testid="card"]').evaluate_all(
        "cards => cards.map((card) => Number(card.dataset.at))"
    )
    return sorted(positions)


def scroll_to(page: Page, part: float) -> None:
    page.evaluate(
        "part => window.scrollTo(0, part * (document.documentElement.scrollHeight - innerHeight))",
        part,
    )
    page.wait_for_function(
        """() => {
            const seen = [...document.querySelectorAll('.days .grid > li')].filter((one) => {
                const {top, bottom} = one.getBoundingClientRect();
                return bottom > 0 && top < innerHeight;
            });
            return seen.length && seen.every((one) => one.dataset.testid === 'card');
        }"""
    )


def first_seen(page: Page) -> tuple[str, float]:
    """The first card below the bar: its id and where its top is."""
    return tuple(  # type: ignore[return-value]
        page.evaluate(
            """() => {
                for (const card of document.querySelectorAll('[data-testid="card"]')) {
                    const {top} = card.getBoundingClientRect();
                    if (top > 70) return [card.dataset.imageId, top];
                }
            }"""
        )
    )


def test_few_cards_are_mounted_wherever_one_is(gallery: Page) -> None:
    for part, expected in ((0, 0), (0.5, 350), (1, COUNT - 1), (0.2, 140)):
        scroll_to(gallery, part)
        positions = mounted(gallery)
        assert 60 <= len(positions) < 140
        assert positions == list(range(positions[0], positions[-1] + 1))
        assert positions[0] - 60 <= expected <= positions[-1] + 60
        nodes = gallery.evaluate("document.querySelectorAll('*').length")
        assert nodes < 4000


def test_the_first_and_the_last_picture_are_at_the_ends(
    gallery: Page, collector: Collector
) -> None:
    assert collector.library is not None
    scroll_to(gallery, 1)
    expect(gallery.locator(f'[data-at="{COUNT - 1}"]')).to_contain_text(f"Boat number {COUNT} ")
    scroll_to(gallery, 0)
    expect(gallery.locator('[data-at="0"]')).to_contain_text("Boat number 1 ")


def test_a_change_is_shown_wherever_one_is(gallery: Page, app: App, collector: Collector) -> None:
    assert collector.library is not None
    scroll_to(gallery, 0.5)
    image_id, top = first_seen(gallery)
    with app.client(token=collector.library.token) as client:
        client.patch(f"/api/images/{image_id}", json={"description": "Seen from afar"})
        card = gallery.locator(f'[data-image-id="{image_id}"]')
        expect(card).to_contain_text("Seen from afar")
        client.patch(f"/api/images/{image_id}", json={"description": "A boat again"})
        expect(card).to_contain_text("A boat again")
    assert first_seen(gallery) == (image_id, top)


def test_what_comes_and_goes_above_moves_nothing(
    gallery: Page, app: App, collector: Collector, tmp_path
) -> None:
    assert collector.library is not None
    scroll_to(gallery, 0.5)
    image_id, top = first_seen(gallery)
    count = gallery.locator(".count")
    with app.client(token=collector.library.token) as client:
        files = {"files": ("new.jpg", jpeg(tmp_path / "new.jpg", seed=501).read_bytes())}
        added = client.post("/api/upload", files=files).json()["images"][0]["id"]
        expect(count).to_contain_text(f"{COUNT + 1} pictures")
        gallery.wait_for_timeout(300)  # in which it could move
        assert first_seen(gallery) == (image_id, pytest.approx(top, abs=2))
        client.delete(f"/api/images/{added}?permanent=true")
        expect(count).to_contain_text(f"{COUNT} pictures")
    gallery.wait_for_timeout(300)
    assert first_seen(gallery) == (image_id, pytest.approx(top, abs=2))
    scroll_to(gallery, 1)
    assert mounted(gallery)[-1] == COUNT - 1


def test_the_keyboard_goes_from_picture_to_picture(gallery: Page) -> None:
    def at() -> int:
        return int(
            gallery.evaluate("document.activeElement.closest('[data-at]')?.dataset.at ?? -1")
        )

    gallery.locator('[data-at="0"] .picture').focus()
    for key, expected in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("Home", 0)):
        gallery.keyboard.press(key)
        assert at() == expected
    gallery.keyboard.press("ArrowDown")
    below = at()
    assert 2 <= below <= 8
    gallery.keyboard.press("ArrowUp")
    assert at() == 0
    gallery.keyboard.press("End")
    gallery.wait_for_function(
        "at => document.activeElement.closest('[data-at]')?.dataset.at === String(at)",
        arg=COUNT - 1,
    )
    box = gallery.locator(f'[data-at="{COUNT - 1}"] .picture').bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 900
    # One card takes part in the order of the Tab key, with its box: then comes what follows.
    assert gallery.locator('.picture[tabindex="0"]').count() == 1
    gallery.keyboard.press("Tab")
    assert at() == COUNT - 1
    gallery.keyboard.press("Tab")
    assert at() == -1


def test_the_focus_stays_on_a_card_that_scrolls_away(gallery: Page) -> None:
    gallery.locator('[data-at="3"] .picture').focus()
    scroll_to(gallery, 0.8)
    assert gallery.evaluate("document.activeElement.closest('[data-at]').dataset.at") == "3"
    gallery.keyboard.press("ArrowRight")
    expect(gallery.locator('[data-at="4"] .picture')).to_be_in_viewport()


@pytest.mark.long
def test_the_scale_says_and_leads_where_one_is(new_context, collector, sign_in) -> None:
    page = new_context(timezone_id="UTC").new_page()
    sign_in(page, collector)
    scale = page.get_by_role("slider", name="Date")
    first = scale.get_attribute("aria-valuetext")
    assert first in ("Today", "Yesterday")
    scale.focus()
    page.keyboard.press("End")
    expect(page.locator(f'[data-at="{COUNT - 1}"]')).to_be_in_viewport()
    box = scale.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 10, box["y"] + 2, steps=4)
    page.mouse.up()
    expect(page.locator('[data-at="0"]')).to_be_in_viewport()
    expect(scale).to_have_attribute("aria-valuetext", first or "")


def test_coming_back_leads_to_where_one_was(gallery: Page, app: App) -> None:
    scroll_to(gallery, 0.6)
    image_id, _ = first_seen(gallery)
    gallery.goto(f"{app.url}/account")
    # A slow device: it draws before it knows where each picture is.
    devtools = gallery.context.new_cdp_session(gallery)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 8})
    with gallery.expect_response("**/api/images/timeline?*"):
        gallery.go_back()
    live(gallery)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    expect(gallery.locator(f'[data-image-id="{image_id}"]')).to_be_in_viewport()


def test_a_filter_in_the_address_shows_those_alone_and_stays_live(
    gallery: Page, app: App, collector: Collector
) -> None:
    assert collector.library is not None
    with app.client(token=collector.library.token) as client:
        failed = client.get("/api/images?status=failed").json()["items"]
        gallery.goto(f"{app.url}/?status=failed")
        wait_for_cards(gallery, len(failed), "failed")
        client.patch(f"/api/images/{failed[0]['id']}", json={"description": "Still failed"})
        first = gallery.locator(f'[data-image-id="{failed[0]["id"]}"]')
        expect(first).to_have_count(1)
        client.post(f"/api/images/{failed[0]['id']}/analyze")
        # It is described now, and leaves the list.
        expect(first).to_have_count(0, timeout=20_000)
    wait_for_cards(gallery, len(failed) - 1, "failed")


@pytest.mark.long
def test_a_phone_has_two_columns_and_no_sideways_scrolling(new_context, collector, sign_in) -> None:
    for width in (320, 390):
        page = new_context(viewport={"width": width, "height": 700}).new_page()
        sign_in(page, collector)
        page.locator('[data-testid="card"]').first.wait_for()
        lefts = page.locator('[data-testid="card"]').evaluate_all(
            "cards => cards.map((card) => Math.round(card.getBoundingClientRect().left))"
        )
        assert len(set(lefts)) == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.close()


def test_dropping_files_while_scrolled_down_does_not_jump(
    gallery: Page, app: App, collector: Collector, tmp_path
) -> None:
    assert collector.library is not None
    with app.client(token=collector.library.token) as client:
        described = client.get("/api/images?status=completed&limit=1").json()["total"]
    scroll_to(gallery, 0.4)
    image_id, top = first_seen(gallery)
    drop(gallery, [jpeg(tmp_path / "dropped.jpg", seed=777)])
    expect(gallery.locator(".count")).to_contain_text(f"{COUNT + 1} pictures", timeout=20_000)
    assert first_seen(gallery) == (image_id, pytest.approx(top, abs=2))
    # The model is asked before the next test counts what it is asked.
    with app.client(token=collector.library.token) as client:
        wait_for_status(client, "completed", described + 1)
