"""Search, filters and order in the page: all of it in the address, all of it live."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from bench.library import Library, make_library
from tests.browser.conftest import Person, live, to_all_pictures
from tests.support.running import App
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Searcher(Person):
    library: Library | None = None


@pytest.fixture(scope="module")
def searcher(app: App) -> Searcher:
    email = f"searcher-{secrets.token_hex(4)}@example.org"
    return Searcher(email, library=make_library(app, email, 200))


@pytest.fixture(scope="module")
def signed_in(tab: Page, searcher: Searcher, sign_in: Callable[..., None]) -> Page:
    sign_in(tab, searcher)
    return tab


@pytest.fixture
def gallery(signed_in: Page) -> Page:
    """The gallery of all pictures, in the page of the test before."""
    to_all_pictures(signed_in)
    signed_in.evaluate("() => document.activeElement.blur()")
    expect(signed_in.get_by_test_id("found")).to_have_count(0)
    expect(signed_in.get_by_label("Search your pictures")).to_have_value("")
    signed_in.locator('[data-testid="card"]').first.wait_for()
    return signed_in


def search(page: Page, words: str) -> None:
    page.get_by_label("Search your pictures").fill(words)


def found(page: Page, count: int) -> None:
    expect(page.get_by_test_id("found")).to_have_text(f"{count} found")
    if count < 60:
        expect(page.get_by_test_id("card")).to_have_count(count)


def test_pictures_are_found_while_one_types(gallery: Page) -> None:
    gallery.get_by_label("Search your pictures").press_sequentially("gree", delay=20)
    found(gallery, 40)
    assert gallery.url.endswith("/?q=gree")
    expect(gallery.get_by_test_id("card").first).to_contain_text("green")
    marked = gallery.evaluate("() => CSS.highlights.get('found')?.size ?? 0")
    assert marked >= 40
    gallery.keyboard.press("Escape")
    expect(gallery.get_by_test_id("found")).to_have_count(0)
    assert gallery.url.endswith("/")


def test_the_address_can_be_reloaded_and_gone_back_to(gallery: Page, app: App) -> None:
    search(gallery, "green")
    found(gallery, 40)
    gallery.get_by_role("button", name="Filters").first.click()
    gallery.get_by_label("Status").select_option("failed")
    gallery.keyboard.press("Escape")
    expect(gallery.get_by_text("No picture matches")).to_be_visible()
    gallery.go_back()
    found(gallery, 40)
    gallery.reload()
    live(gallery)
    found(gallery, 40)
    expect(gallery.get_by_label("Search your pictures")).to_have_value("green")


@pytest.mark.long
def test_filters_are_chips_that_can_be_taken_away(gallery: Page, app: App) -> None:
    gallery.goto(f"{app.url}/?tag=regatta&status=completed&sort=oldest&orientation=landscape")
    live(gallery)
    found(gallery, 1)
    expect(gallery.get_by_label("Order")).to_have_value("oldest")
    chips = gallery.get_by_role("list", name="Filters that are set").get_by_role("button")
    expect(chips).to_have_count(3)
    gallery.get_by_role("button", name="Remove the filter Tag: regatta").click()
    found(gallery, 198)
    expect(chips).to_have_count(2)
    gallery.get_by_role("button", name="Clear all").click()
    expect(gallery.get_by_test_id("found")).to_have_count(0)
    assert "status" not in gallery.url
    # The order is no filter, and stays.
    oldest = gallery.get_by_test_id("card").first
    expect(oldest.get_by_role("checkbox", name="Select IMG_200.jpg")).to_be_attached()


@pytest.mark.long
def test_every_filter_of_the_menu_does_what_it_says(gallery: Page) -> None:
    gallery.get_by_role("button", name="Filters").first.click()
    menu = gallery.get_by_role("dialog", name="Filters")
    for label, value, count in (
        ("Status", "failed", 2),
        ("Alt text", "true", 0),
        ("Decorative", "true", 0),
        ("Texts", "false", 200),
        ("Format", "png", 0),
        ("Orientation", "portrait", 0),
    ):
        menu.get_by_label(label, exact=True).select_option(value)
        found(gallery, count)
        menu.get_by_label(label, exact=True).select_option("")
        expect(gallery.get_by_test_id("found")).to_have_count(0)
    menu.get_by_label("Tag", exact=True).fill("regatta")
    menu.get_by_role("button", name="Add").click()
    found(gallery, 1)
    menu.get_by_label("Larger than (MB)").fill("900")
    menu.get_by_role("button", name="Done").click()
    found(gallery, 0)
    expect(gallery.get_by_text("No picture matches")).to_be_visible()
    gallery.get_by_role("button", name="Show all pictures").click()
    expect(gallery.get_by_test_id("card").first).to_be_visible()


@pytest.mark.parametrize(
    "words",
    [
        "a:*(",
        *(
            pytest.param(words, marks=pytest.mark.long)
            for words in ("'", '"open', "& | !", "-", "%5C", "\U0001f600", "x" * 500)
        ),
    ],
)
def test_no_search_is_an_error(gallery: Page, words: str) -> None:
    search(gallery, words)
    expect(gallery.get_by_test_id("found")).to_be_visible()
    expect(gallery.locator(".notice.error")).to_have_count(0)
    search(gallery, "green")
    found(gallery, 40)


@pytest.mark.long
def test_an_address_of_nonsense_shows_what_makes_sense_in_it(gallery: Page, app: App) -> None:
    gallery.goto(f"{app.url}/?status=lost&larger_than=-1&sort=up&page=7&q=green")
    live(gallery)
    found(gallery, 40)
    expect(gallery.locator(".notice.error")).to_have_count(0)


def test_a_slash_leads_to_the_search(gallery: Page) -> None:
    gallery.keyboard.press("/")
    expect(gallery.get_by_label("Search your pictures")).to_be_focused()
    gallery.keyboard.type("a/b")
    expect(gallery.get_by_label("Search your pictures")).to_have_value("a/b")
    expect(gallery.get_by_test_id("found")).to_be_visible()


def test_a_picture_that_is_described_comes_into_the_search(
    gallery: Page, app: App, searcher: Searcher
) -> None:
    assert searcher.library is not None
    search(gallery, "walrus")
    found(gallery, 0)
    with app.client(token=searcher.library.token) as client:
        image_id = searcher.library.ids[20]
        client.patch(f"/api/images/{image_id}", json={"description": "A walrus"})
        expect(gallery.get_by_test_id("card")).to_have_count(1)
        client.patch(f"/api/images/{image_id}", json={"description": "A boat"})
        expect(gallery.get_by_test_id("card")).to_have_count(0)


def test_what_means_the_same_is_found_and_more_like_it(
    gallery: Page, app: App, searcher: Searcher
) -> None:
    assert searcher.library is not None
    with app.client(token=searcher.library.token) as client:
        picture = searcher.library.ids[0]
        for asked in ({"q": "Segelschiff"}, {"like": picture}):
            eventually(
                lambda asked=asked: client.get("/api/images", params=asked).json()["total"], 120
            )
    search(gallery, "Segelschiff")
    expect(gallery.get_by_test_id("found")).not_to_have_text("0 found")
    gallery.get_by_label("Order").select_option("relevance")
    expect(gallery.get_by_test_id("card").first).to_contain_text("boat")
    gallery.goto(f"{app.url}/?picture={picture}")
    gallery.get_by_role("link", name="More like this").click()
    live(gallery)
    assert gallery.url.endswith(f"/?like={picture}&sort=relevance")
    expect(gallery.get_by_test_id("card").first).to_contain_text("boat")
    expect(gallery.locator(f'[data-image-id="{picture}"]')).to_have_count(0)
    expect(gallery.get_by_label("Order")).to_have_value("relevance")
    gallery.get_by_role("button", name="Remove the filter Like one picture").click()
    expect(gallery.locator(f'[data-image-id="{picture}"]')).to_have_count(1)
