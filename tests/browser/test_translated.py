"""A page that the browser translates: its texts are put into <font>, while pictures come and go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import Person, client_of, drop, wait_for_cards
from tests.browser.furniture import upload
from tests.browser.places import ADMINISTRATOR, PERSON, PLACES, Place
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import App
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# As translators do: once the page is there, and then whatever comes. Some put what they wrote in
# the place of a text, some put the text itself into their element.
_TRANSLATE = """(way) => {
  const skipped = 'script, style, textarea, font, option';
  function translate(text) {
    if (!text.data.trim() || !text.parentElement || text.parentElement.closest(skipped)) return;
    const outer = document.createElement('font');
    const inner = outer.appendChild(document.createElement('font'));
    text.replaceWith(outer);
    if (way === 'wraps') inner.append(text);
    else inner.textContent = text.data.toUpperCase();
    window.translated = (window.translated ?? 0) + 1;
  }
  function all(root) {
    if (root.nodeType === Node.TEXT_NODE) return translate(root);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) found.push(walker.currentNode);
    found.forEach(translate);
  }
  all(document.body);
  new MutationObserver((records) => {
    for (const { target, addedNodes } of records)
      for (const node of target.nodeType === Node.TEXT_NODE ? [target] : addedNodes)
        if (node.isConnected) all(node);
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}"""
WAYS = ("wraps", pytest.param("replaces", marks=pytest.mark.long))


def translate(page: Page, way: str) -> None:
    page.evaluate(_TRANSLATE, way)


def whole(page: Page, complaints: Complaints) -> None:
    """That the page was translated and is there all the same."""
    assert page.evaluate("window.translated") > 10
    assert page.get_by_text("This page broke").count() == 0
    said = [one for one in complaints.all() if "Node" in one or "React" in one]
    # Who translates before React has taken over the page has it drawn anew, whole (#418).
    assert [one for one in said if "error #418" not in one] == []


def texts(page: Page) -> list[str]:
    """What the gallery says, in small letters."""
    said = page.locator(".bar, .strip, .find-bar, [data-testid=grid]").all_inner_texts()
    return [" ".join(one.lower().split()) for one in said]


@pytest.mark.parametrize("way", WAYS)
def test_a_translated_gallery_goes_on_and_says_what_is_true(
    way: str,
    page: Page,
    app: App,
    model: OpenAIServer,
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[..., None],
) -> None:
    sign_in(page, alice)
    complaints = Complaints(page)
    page.reload()
    page.wait_for_load_state("networkidle")
    translate(page, way)
    model.open.clear()
    seed = hash((way, alice.email))
    drop(page, [jpeg(tmp_path / f"{n}.jpg", seed=seed + n) for n in range(4)])
    wait_for_cards(page, 4)
    model.open.set()
    wait_for_cards(page, 4, "completed")
    first = page.get_by_test_id("card").first
    first.hover()
    first.locator(".select-box").click()
    expect(page.get_by_test_id("selected")).to_have_text("1 selected", ignore_case=True)
    page.get_by_test_id("card").nth(2).locator(".select-box").click()
    expect(page.get_by_test_id("selected")).to_have_text("2 selected", ignore_case=True)
    page.keyboard.press("Escape")
    first.get_by_role("button").first.click()
    page.get_by_role("dialog").wait_for()
    settled = page.locator(".viewer[aria-busy=false]")
    settled.wait_for()
    before = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != before)
    settled.wait_for()
    page.keyboard.press("e")
    page.locator(".editor textarea").fill("Boats in a harbour")
    page.keyboard.press("Enter")
    expect(page.locator(".viewer .said").first).to_contain_text("harbour", ignore_case=True)
    page.keyboard.press("Delete")
    expect(page.get_by_role("button", name="Undo").first).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_cards(page, 3)
    expect(page.locator(".count")).to_have_text("3 pictures", ignore_case=True)
    whole(page, complaints)
    page.locator(".strip").wait_for(state="detached")
    page.locator("[data-at]:not([data-testid=card])").wait_for(state="detached")
    translated = texts(page)
    page.reload()
    wait_for_cards(page, 3)
    page.locator(".count").wait_for()
    assert translated == texts(page)


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "place", [one for one in PLACES if one.live and one.who in (ADMINISTRATOR, PERSON)], ids=str
)
def test_every_place_stays_whole_while_it_is_translated_and_pictures_arrive(
    place: Place,
    way: str,
    app: App,
    page_of: Callable[[str], Page],
    furnished: dict[str, str],
    tmp_path: Path,
) -> None:
    page = page_of(place.who)
    complaints = Complaints(page)
    with client_of(app, Person(furnished[place.who])) as client:
        # For the place that moves the newest to the trash.
        spare = jpeg(tmp_path / "spare.jpg", seed=hash((str(place), way, 1)), size=(640, 480))
        spare_id = upload(client, spare)
        eventually(lambda: client.get(f"/api/images/{spare_id}").json()["status"] == "completed")
    place.go(page, app.url)
    translate(page, way)
    picture = jpeg(tmp_path / "arrives.jpg", seed=hash((str(place), way)), size=(640, 480))
    with client_of(app, Person(furnished[place.who])) as client:
        image_id = upload(client, picture)
        card = page.locator(f'[data-image-id="{image_id}"][data-status="completed"]')
        listed = page.locator("[data-testid=grid]").count() and place.path == "/"
        if listed:
            card.wait_for(state="attached")
        page.keyboard.press("Escape")
        page.wait_for_load_state("networkidle")
        for one in (image_id, spare_id):
            client.delete(f"/api/images/{one}?permanent=true").raise_for_status()
        if listed:
            card.wait_for(state="detached")
    whole(page, complaints)
