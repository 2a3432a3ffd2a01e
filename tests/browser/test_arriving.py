"""Pictures in their places in the gallery while they are sent, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Person, add_pictures, drop, live, wait_for_cards
from tests.support.metadata_blocks import with_thumbnail
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser

SignIn = Callable[[Page, Person], None]

# The names in the grid's order, files and cards alike, and where each stands in it: what stands
# above the grid (that pictures wait, for one) may come and go.
_PLACES = """
() => {
  const all = [...document.querySelectorAll('[data-at]')]
    .sort((a, b) => a.dataset.at - b.dataset.at);
  const start = all[0]?.getBoundingClientRect().top;
  return all.map((one) => {
    const { top, left, width } = one.getBoundingClientRect();
    const place = [top - start, left, width].map(Math.round);
    return [one.querySelector('.card-name')?.textContent, place];
  });
}
"""


class Held:
    """Uploads that reach the server when they are let go, each by itself."""

    def __init__(self, page: Page) -> None:
        self.routes: list[Route] = []
        page.route("**/api/tus", lambda route: self.routes.append(route))

    def wait(self, page: Page, count: int) -> None:
        while len(self.routes) < count:
            page.wait_for_timeout(20)


def photos(folder: Path, count: int, *, seed: int) -> list[Path]:
    """Camera pictures, every second one on its side, with a small one embedded in each."""
    paths = []
    for number in range(count):
        path = jpeg(folder / f"photo-{number}.jpg", seed=seed + number)
        small = jpeg(folder / "small.jpg", seed=seed + number, size=(160, 120)).read_bytes()
        turn = 6 if number % 2 else 1
        path.write_bytes(with_thumbnail(path.read_bytes(), small, turn=turn))
        paths.append(path)
    return paths


def names(page: Page) -> list[str]:
    return [name for name, _ in page.evaluate(_PLACES)]


def files(page: Page) -> Any:
    return page.locator(".from-file")


def test_files_are_seen_in_their_places_before_they_are_sent_and_stay_there(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / "before.jpg", seed=700)])
    sign_in(page, alice)
    wait_for_cards(page, 1)
    held = Held(page)
    drop(page, photos(tmp_path, 3, seed=710))
    expect(files(page)).to_have_count(3)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.from-file img')].length === 3"
        " && [...document.querySelectorAll('.from-file img')].every((i) => i.naturalWidth === 160"
        " || i.naturalWidth === 120)"
    )
    expect(page.get_by_role("img", name="photo-2.jpg, uploading")).to_be_visible()
    assert names(page)[:3] == ["photo-2.jpg", "photo-1.jpg", "photo-0.jpg"]
    assert page.locator('[data-testid="card"]').count() == 1
    before = page.evaluate(_PLACES)
    held.wait(page, 3)
    # The answers come in another order than the files.
    for count, at in enumerate((1, 2, 0), start=2):
        held.routes[at].continue_()
        wait_for_cards(page, count)
        expect(files(page)).to_have_count(4 - count)
        assert [place for _, place in page.evaluate(_PLACES)] == [place for _, place in before]
    shown = page.locator('[data-testid="card"]').first
    assert "blob:" in shown.evaluate("(one) => one.style.getPropertyValue('--placeholder')")
    assert page.locator('[data-testid="card"]').count() == 4


def test_the_same_file_and_one_that_is_refused_leave_their_places(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    first, second = photos(tmp_path, 2, seed=720)
    add_pictures(app, alice, [first])
    sign_in(page, alice)
    wait_for_cards(page, 1)
    page.route("**/api/tus", lambda route: route.fulfill(status=422, json={"detail": "Not today."}))
    drop(page, [first, second])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Not today.")).to_be_visible()
    expect(uploads.get_by_text("Already in your library")).to_be_visible()
    expect(files(page)).to_have_count(0)
    assert page.locator('[data-testid="card"]').count() == 1


def test_a_search_shows_no_files_and_the_gallery_does(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / "before.jpg", seed=729)])
    sign_in(page, alice)
    Held(page)
    page.get_by_label("Search your pictures").fill("nowhere to be found")
    expect(page.locator('[data-testid="card"]')).to_have_count(0)
    drop(page, photos(tmp_path, 1, seed=730))
    expect(page.get_by_role("region", name="Uploads").get_by_text("photo-0.jpg")).to_be_visible()
    expect(files(page)).to_have_count(0)
    page.get_by_label("Search your pictures").fill("")
    expect(files(page)).to_have_count(1)


def test_the_keyboard_goes_over_files_and_stays_where_a_card_comes(
    page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    held = Held(page)
    drop(page, photos(tmp_path, 2, seed=740))
    page.get_by_role("img", name="photo-1.jpg, uploading").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("img", name="photo-0.jpg, uploading")).to_be_focused()
    held.wait(page, 2)
    held.routes[0].continue_()
    wait_for_cards(page, 1)
    expect(page.locator('[data-testid="card"] .picture')).to_be_focused()


def test_a_cancelled_file_leaves_its_place(
    page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    Held(page)
    drop(page, photos(tmp_path, 2, seed=750))
    expect(files(page)).to_have_count(2)
    page.get_by_role("button", name="Cancel photo-0.jpg").click()
    expect(files(page)).to_have_count(1)


def test_a_small_file_is_one_request(
    page: Page, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method) if "/api/tus" in one.url else None)
    large = tmp_path / "large.jpg"
    large.write_bytes(photos(tmp_path, 1, seed=760)[0].read_bytes() + b"\0" * 3_000_000)
    drop(page, [large])
    wait_for_cards(page, 1)
    assert sent == ["POST"]
    live(page)
