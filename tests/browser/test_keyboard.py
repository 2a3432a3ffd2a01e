"""The keyboard alone: everything is reached and seen, nothing holds one back, keys are listed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.places import ADMINISTRATOR, NOBODY, PLACES, Place
from tests.support.running import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PageOf = Callable[[str], Page]

_REACHABLE = """() => [...document.querySelectorAll(
  'a[href], button:not(:disabled), input:not([type=hidden], :disabled), select, textarea, summary'
)].filter((one) => one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0
  && !one.closest('[inert]') && !(one.type === 'radio' && !one.checked)).length"""
# What has the focus, whether one sees that it has, and whether something else covers it.
_FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const seen = one.closest('label') ?? one;
  const box = seen.getBoundingClientRect();
  const ringed = (some) => {
    const style = getComputedStyle(some);
    return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  };
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const over = document.elementFromPoint(x, y);
  one.dataset.visited ??= String(Math.random());
  return {
    id: one.dataset.visited,
    what: one.outerHTML.slice(0, 120),
    // A field with buttons in it has its ring around all of it.
    ring: [one, seen, one.matches('input') ? one.closest('form') ?? one : one].some(ringed),
    inView: x >= 0 && y >= 0 && x <= innerWidth && y <= innerHeight,
    covered: Boolean(over && !seen.contains(over) && !over.contains(seen)),
  };
}"""
MOST = 120
"""Stops of the walk; a page has fewer, but for lists."""


def _walk(page: Page) -> list[dict]:
    """Everything that Tab comes to, until it comes round or out of the page."""
    stops: dict[str, dict] = {}
    for _ in range(MOST):
        page.keyboard.press("Tab")
        stop = page.evaluate(_FOCUSED)
        if stop is None or stop["id"] in stops:
            break
        stops[stop["id"]] = stop
    return list(stops.values())


@pytest.mark.long
@pytest.mark.parametrize(
    "place",
    [one for one in PLACES if one.open is None and one.live and one.who in (ADMINISTRATOR, NOBODY)],
    ids=str,
)
def test_tab_comes_to_everything_and_shows_where_it_is(
    app: App, page_of: PageOf, place: Place
) -> None:
    page = page_of(place.who)
    place.go(page, app.url)
    stops = _walk(page)
    assert len(stops) >= min(page.evaluate(_REACHABLE), MOST), [stop["what"] for stop in stops]
    assert [stop["what"] for stop in stops if not stop["ring"]] == []
    assert [stop["what"] for stop in stops if not stop["inView"] or stop["covered"]] == []


def test_the_first_stop_leads_past_the_bar(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    for path in ("/", "/account"):
        page.goto(app.url + path)
        page.wait_for_load_state("networkidle")
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.closest('main') !== null")


def test_the_account_menu_opens_and_closes_by_keys(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    page.goto(app.url)
    page.wait_for_load_state("networkidle")
    button = page.get_by_role("button", name="Account", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#account").get_by_role("link", name="Review")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(button).to_be_focused()


def test_a_question_mark_lists_the_shortcuts_and_escape_puts_them_away(
    app: App, page_of: PageOf
) -> None:
    page = page_of(ADMINISTRATOR)
    for path in ("/", "/help", "/usage"):
        page.goto(app.url + path)
        page.wait_for_load_state("networkidle")
        sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
        page.keyboard.press("?")
        expect(sheet).to_be_visible()
        expect(sheet).to_contain_text("Next picture")
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()
    page.get_by_label("Pictures").press_sequentially("1?")
    expect(sheet).to_be_hidden()


@pytest.mark.long
def test_the_sheet_is_reached_without_its_key(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.goto(f"{app.url}/help")
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Show the shortcuts").click()
    expect(sheet).to_be_visible()
    page.get_by_role("button", name="Close the shortcuts").click()
    expect(page.get_by_role("button", name="Show the shortcuts")).to_be_focused()
    page.get_by_role("button", name="Account", exact=True).click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(sheet).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()


@pytest.mark.long
def test_single_characters_can_be_turned_off_and_stay_off(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.goto(f"{app.url}/help")
    page.wait_for_load_state("networkidle")
    heard = "() => addEventListener('keydown', (event) => { window.heard = event.key; })"
    try:
        page.get_by_role("button", name="Show the shortcuts").click()
        switch = sheet.get_by_role("switch")
        expect(switch).to_be_checked()
        switch.press("Space")
        expect(switch).not_to_be_checked()
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_load_state("networkidle")
        page.evaluate(heard)
        page.keyboard.press("?")
        page.keyboard.press("e")
        expect(sheet).to_be_hidden()
        assert page.evaluate("() => window.heard") is None
        page.keyboard.press("ArrowDown")
        assert page.evaluate("() => window.heard") == "ArrowDown"
    finally:
        page.get_by_role("button", name="Show the shortcuts").click()
        sheet.get_by_role("switch").click()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(sheet).to_be_visible()


def test_the_appearance_is_chosen_by_keys_and_kept(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    page.emulate_media(color_scheme="light")
    page.goto(app.url)
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name="Account", exact=True).click()
    system = page.get_by_role("radio", name="System")
    expect(system).to_be_checked()
    system.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Dark")).to_be_checked()
    page.locator("html.dark").wait_for()
    page.reload()
    page.locator("html.dark").wait_for()
    page.get_by_role("button", name="Account", exact=True).click()
    page.get_by_role("radio", name="System").check(force=True)
    page.locator("html.light").wait_for()


def test_there_is_one_quiet_place_for_what_is_announced(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    page.goto(f"{app.url}/help")
    region = page.locator("[data-announcements]")
    expect(region).to_have_attribute("role", "status")
    expect(region).to_be_empty()
