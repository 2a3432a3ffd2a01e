"""Several pictures at once: chosen by click, range, frame, keyboard and touch; and the trash."""

from __future__ import annotations

import secrets
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from bench.library import Library, make_library
from tests.browser.conftest import Person, live
from tests.support.running import App

COUNT = 130


@dataclass(frozen=True)
class Keeper(Person):
    library: Library | None = None


@pytest.fixture(scope="module")
def keeper(app: App) -> Keeper:
    email = f"keeper-{secrets.token_hex(4)}@example.org"
    return Keeper(email, library=make_library(app, email, COUNT, files=True, scenes=10))


@pytest.fixture(scope="module")
def signed_in(tab: Page, keeper: Keeper, sign_in: Callable[..., None]) -> Page:
    sign_in(tab, keeper)
    return tab


@pytest.fixture
def gallery(signed_in: Page, app: App, keeper: Keeper) -> Iterator[Page]:
    """The top of the gallery with nothing selected and no message, and all pictures out of the
    trash: in the page of the test before, unless that left another page."""
    page = signed_in
    if page.url != f"{app.url}/":
        page.goto(app.url)
        live(page)
    while (message := page.locator(".notice:visible").first).count():
        message.get_by_role("button", name="Dismiss").click()
        page.wait_for_timeout(50)
    assert keeper.library is not None
    with app.client(token=keeper.library.token) as client:
        total = client.get("/api/images?limit=1").json()["total"]
    expect(page.locator(".count")).to_have_text(f"{total} pictures")
    page.evaluate("() => window.scrollTo(0, 0)")
    page.locator('[data-at="0"]').wait_for()
    yield page
    for _ in range(2):
        page.keyboard.press("Escape")
    with app.client(token=keeper.library.token) as client:
        trashed = [one["image"]["id"] for one in client.get("/api/trash?limit=200").json()["items"]]
        if trashed:
            client.post("/api/images/actions", json={"action": "restore", "images": trashed})


def choose(page: Page, at: int) -> None:
    page.locator(f'[data-at="{at}"]').hover()
    page.locator(f'[data-at="{at}"] .select-box').click()


def selected(page: Page, count: int) -> None:
    expect(page.get_by_test_id("selected")).to_have_text(f"{count} selected")


def said(page: Page, text: str) -> None:
    expect(page.locator(".notice:visible", has_text=text)).to_be_visible()


def test_a_range_of_pictures_is_chosen_with_shift(gallery: Page) -> None:
    choose(gallery, 1)
    gallery.locator('[data-at="5"] .picture').click(modifiers=["Shift"])
    selected(gallery, 5)
    # While something is selected, a click selects and opens nothing.
    gallery.locator('[data-at="0"] .picture').click()
    selected(gallery, 6)
    assert "picture=" not in gallery.url
    gallery.keyboard.press("Escape")
    expect(gallery.get_by_test_id("selected")).to_have_count(0)
    gallery.locator('[data-at="0"] .picture').click()
    expect(gallery.get_by_role("dialog")).to_be_visible()


@pytest.mark.long
def test_a_range_over_what_is_not_loaded_is_whole(gallery: Page) -> None:
    choose(gallery, 0)
    gallery.evaluate("() => window.scrollTo(0, document.documentElement.scrollHeight)")
    gallery.locator(f'[data-at="{COUNT - 1}"] .picture').click(modifiers=["Shift"])
    selected(gallery, COUNT)


def test_the_keyboard_selects_and_deletes_and_undo_brings_back(gallery: Page) -> None:
    gallery.locator('[data-at="2"] .picture').focus()
    gallery.keyboard.press("x")
    gallery.keyboard.press("ArrowRight")
    gallery.keyboard.press("x")
    selected(gallery, 2)
    gone = gallery.locator('[data-at="2"]').get_attribute("data-image-id")
    gallery.keyboard.press("Delete")
    said(gallery, "2 pictures are in the trash")
    expect(gallery.locator(f'[data-image-id="{gone}"]')).to_have_count(0)
    expect(gallery.locator(".count")).to_have_text(f"{COUNT - 2} pictures")
    gallery.locator(".notice:visible").get_by_role("button", name="Undo").click()
    expect(gallery.locator(f'[data-image-id="{gone}"]')).to_have_count(1)
    expect(gallery.locator(".count")).to_have_text(f"{COUNT} pictures")
    said(gallery, "Undone: 2 pictures")


@pytest.mark.long
def test_all_are_chosen_and_some_left_out(gallery: Page) -> None:
    gallery.keyboard.press("Control+a")
    selected(gallery, COUNT)
    choose(gallery, 3)
    selected(gallery, COUNT - 1)
    left = gallery.locator('[data-at="3"]').get_attribute("data-image-id")
    gallery.get_by_role("button", name="Delete").click()
    said(gallery, f"{COUNT - 1} pictures are in the trash")
    expect(gallery.get_by_test_id("card")).to_have_count(1)
    expect(gallery.get_by_test_id("card")).to_have_attribute("data-image-id", left or "")
    gallery.locator(".notice:visible").get_by_role("button", name="Undo").click()
    expect(gallery.locator(".count")).to_have_text(f"{COUNT} pictures", timeout=15_000)
    said(gallery, f"Undone: {COUNT - 1} pictures")


def test_tags_are_added_to_all_of_them_and_taken_back(gallery: Page) -> None:
    choose(gallery, 1)
    choose(gallery, 2)
    gallery.keyboard.press("t")
    dialog = gallery.get_by_role("dialog", name="Tags of 2 pictures")
    dialog.get_by_label("Tags, with commas between them").fill("summer, at sea")
    dialog.get_by_role("button", name="Add").click()
    card = gallery.locator('[data-at="2"]')
    expect(card).to_contain_text("at sea")
    said(gallery, "2 pictures are changed")
    gallery.locator(".notice:visible").get_by_role("button", name="Undo").click()
    expect(card).not_to_contain_text("at sea")
    said(gallery, "Undone: 2 pictures")


def test_a_frame_drawn_with_the_mouse_selects_what_it_touches(gallery: Page) -> None:
    gallery.evaluate("() => window.scrollTo(0, 300)")
    gallery.mouse.move(6, 320)
    gallery.mouse.down()
    gallery.mouse.move(500, 420, steps=6)
    expect(gallery.locator(".select-frame")).to_be_visible()
    gallery.mouse.up()
    expect(gallery.locator(".select-frame")).to_have_count(0)
    assert 1 <= gallery.locator('[data-selected="true"]').count() <= 6


def test_describing_again_says_what_it_takes_first(gallery: Page) -> None:
    choose(gallery, 0)
    gallery.get_by_role("button", name="Describe again").click()
    ask = gallery.locator(".selection-ask")
    expect(ask).to_contain_text("1 picture")
    expect(ask.get_by_role("button", name="Describe them again")).to_be_enabled()


def test_originals_come_as_one_file(gallery: Page, tmp_path) -> None:
    choose(gallery, 0)
    choose(gallery, 1)
    with gallery.expect_download() as caught:
        gallery.get_by_role("button", name="Download").click()
    caught.value.save_as(tmp_path / "all.zip")
    assert len(zipfile.ZipFile(tmp_path / "all.zip").namelist()) == 3


@pytest.mark.long
def test_a_long_press_selects_on_a_phone(new_context, keeper, sign_in) -> None:
    page = new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    ).new_page()
    sign_in(page, keeper)
    card = page.locator('[data-at="0"]')
    card.wait_for()
    box = card.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    point = {"x": box["x"] + 50, "y": box["y"] + 50}
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    selected(page, 1)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.locator('[data-at="1"] .picture').tap()
    selected(page, 2)


def test_the_trash_shows_what_was_deleted_and_gives_it_back(
    gallery: Page, app: App, mallory, new_context, sign_in
) -> None:
    choose(gallery, 0)
    choose(gallery, 1)
    gallery.get_by_role("button", name="Delete").click()
    said(gallery, "2 pictures are in the trash")
    gallery.goto(f"{app.url}/trash")
    trashed = gallery.get_by_test_id("trashed")
    expect(trashed).to_have_count(2)
    expect(trashed.first).to_contain_text("30 days left")
    gallery.evaluate(
        """async () => {
          const { items } = await (await fetch("/api/images?limit=1")).json();
          await fetch(`/api/images/${items[0].id}`, { method: "DELETE" });
        }"""
    )
    expect(trashed).to_have_count(3)
    trashed.first.get_by_role("button", name="Restore").click()
    expect(trashed).to_have_count(2)
    gallery.get_by_text("Empty the trash").click()
    gallery.get_by_role("button", name="Remove all for good").click()
    expect(gallery.get_by_text("The trash is empty.")).to_be_visible()
    other = new_context().new_page()
    sign_in(other, mallory)
    other.goto(f"{app.url}/trash")
    expect(other.get_by_text("The trash is empty.")).to_be_visible()


@pytest.mark.long
def test_the_whole_box_selects_and_so_does_its_edge(gallery: Page) -> None:
    gallery.locator('[data-at="1"]').hover()
    gallery.locator('[data-at="1"] .select-box').click(position={"x": 2, "y": 18})
    selected(gallery, 1)
    gallery.locator('[data-at="1"] .select-box input').press("Space")
    expect(gallery.get_by_test_id("selected")).to_have_count(0)


@pytest.mark.long
def test_what_goes_to_the_trash_is_not_seen_again_on_its_way(gallery: Page) -> None:
    choose(gallery, 1)
    gone = gallery.locator('[data-at="1"]').get_attribute("data-image-id")
    gallery.evaluate(
        """(id) => {
          window.seen = [];
          const look = () => {
            const card = document.querySelector(`[data-image-id="${id}"]`);
            const now = card ? card.dataset.leaving : "gone";
            if (window.seen.at(-1) !== now) window.seen.push(now);
            requestAnimationFrame(look);
          };
          look();
        }""",
        gone,
    )
    gallery.get_by_role("button", name="Delete").click()
    said(gallery, "1 picture is in the trash")
    expect(gallery.locator(f'[data-image-id="{gone}"]')).to_have_count(0)
    assert gallery.evaluate("window.seen") == ["false", "true", "gone"]


@pytest.mark.long
def test_a_message_stays_while_it_is_pointed_at(gallery: Page) -> None:
    gallery.reload()
    choose(gallery, 1)
    gallery.get_by_role("button", name="Delete").click()
    notice = gallery.locator(".notice:visible", has_text="is in the trash")
    notice.hover()
    gallery.wait_for_timeout(10_000)
    expect(notice).to_be_visible()
    gallery.mouse.move(5, 5)
    expect(notice).to_be_hidden(timeout=12_000)
