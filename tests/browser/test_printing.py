"""What the page is on paper: the gallery whole, a picture once, a selection as a contact sheet."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person, add_pictures, client_of, new_account, wait_for_cards
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser

COUNT = 14
MARGIN = dict.fromkeys(("top", "right", "bottom", "left"), "1cm")


@pytest.fixture(scope="module")
def keeper(app: App, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Somebody with a screen full of pictures, the newest with texts of its own."""
    person, folder = new_account(app, "keeper"), tmp_path_factory.mktemp("prints")
    paths = [
        jpeg(folder / f"{n}.jpg", seed=hash((person.email, n)), size=(300 + 20 * n, 300))
        for n in range(COUNT)
    ]
    newest = add_pictures(app, person, paths)[0]
    texts = {"alt_text": "Boats at dusk", "description": "Three boats.", "tags": ["harbour", "sea"]}
    with client_of(app, person) as client:
        client.patch(f"/api/images/{newest}", json=texts).raise_for_status()
    return person


@pytest.fixture
def gallery(page: Page, keeper: Person, sign_in: Callable[..., None]) -> Page:
    page.add_init_script("window.print = () => { window.printed = (window.printed ?? 0) + 1; };")
    sign_in(page, keeper)
    wait_for_cards(page, COUNT, "completed")
    return page


def pages(page: Page) -> int:
    """Sheets of paper. What is emulated would be printed, so nothing may be."""
    printed = page.pdf(format="A4", margin=MARGIN, print_background=False)
    return len(re.findall(rb"/Type\s*/Page\b", printed))


def outside(page: Page) -> list[str]:
    """Cards that are not within the width that is printed, or lie over the one before."""
    found: list[str] = page.evaluate(
        """() => {
            const width = document.querySelector('.main').getBoundingClientRect().right;
            const cards = [...document.querySelectorAll('[data-testid=card]')];
            const boxes = cards.map((card) => card.getBoundingClientRect());
            const apart = (a, b) => a.right <= b.left || b.right <= a.left
                || a.bottom <= b.top || b.bottom <= a.top;
            return boxes.flatMap((box, at) => {
                const placed = getComputedStyle(cards[at]).position !== 'static';
                const over = boxes.some((other, n) => n < at && !apart(other, box));
                const wrong = box.right > width + 1 || placed || over;
                return wrong ? [`${at}: ${JSON.stringify(box)}`] : [];
            });
        }"""
    )
    return found


@pytest.mark.long
def test_the_gallery_is_printed_whole(gallery: Page) -> None:
    gallery.emulate_media(media="print")
    assert outside(gallery) == []
    for pressed in (".bar", ".find-row", ".select-box", ".selection-bar"):
        expect(gallery.locator(pressed).first).to_be_hidden()
    # No text is cut.
    expect(gallery.locator(".card-alt").first).to_have_css("display", "block")
    gallery.emulate_media(media="null")
    assert pages(gallery) == 2


@pytest.mark.long
def test_an_open_picture_is_printed_once_and_alone(gallery: Page) -> None:
    gallery.get_by_test_id("card").first.get_by_role("button").first.click()
    gallery.locator(".viewer[aria-busy=false] .react-transform-wrapper").wait_for()
    assert pages(gallery) == 1
    gallery.emulate_media(media="print")
    expect(gallery.get_by_text("Boats at dusk").first).to_be_visible()
    for other in (".days", ".bar", ".stage-bar", ".viewer-actions", ".viewer-close"):
        expect(gallery.locator(other).first).to_be_hidden()
    frame = gallery.locator(".stage-frame").bounding_box()
    assert frame
    assert frame["height"] > 100
    panel = gallery.locator(".viewer-panel").bounding_box()
    assert panel
    assert panel["y"] >= frame["y"] + frame["height"] - 1


def test_a_selection_is_printed_as_a_contact_sheet_with_its_texts(gallery: Page) -> None:
    cards = gallery.get_by_test_id("card")
    cards.first.hover()
    cards.first.locator(".select-box").click()
    cards.nth(3).locator(".select-box").click()
    # By the browser's own menu, too, only these are printed.
    gallery.emulate_media(media="print")
    assert [card.is_visible() for card in cards.all()].count(True) == 2
    gallery.emulate_media(media="null")

    gallery.get_by_role("button", name="Print").click()
    gallery.wait_for_function("() => window.printed === 1")
    sheet = gallery.locator(".contact-sheet")
    expect(sheet).to_be_hidden()
    gallery.emulate_media(media="print")
    expect(sheet.locator("figure")).to_have_count(2)
    first = sheet.locator("figure").first
    for said in ("13.jpg", "Boats at dusk", "Three boats.", "harbour, sea"):
        expect(first.get_by_text(said, exact=True)).to_be_visible()
    assert first.locator("img").evaluate("image => image.naturalWidth") > 200
    expect(gallery.locator(".days")).to_be_hidden()
    gallery.emulate_media(media="null")
    assert pages(gallery) == 1
    # The dialog for printing is closed: the page is as it was.
    expect(sheet).to_have_count(0)
    expect(gallery.get_by_test_id("selected")).to_have_text("2 selected")
    gallery.keyboard.press("Control+p")
    gallery.wait_for_function("() => window.printed === 2")


@pytest.mark.long
def test_everything_is_printed_but_what_was_left_out(gallery: Page) -> None:
    gallery.keyboard.press("Control+a")
    gallery.get_by_test_id("card").first.locator(".select-box").click()
    expect(gallery.get_by_test_id("selected")).to_have_text(f"{COUNT - 1} selected")
    gallery.keyboard.press("Control+p")
    gallery.wait_for_function("() => window.printed === 1")
    names = gallery.locator(".contact-sheet .sheet-name").all_text_contents()
    assert names == [f"{n}.jpg" for n in reversed(range(COUNT - 1))]
