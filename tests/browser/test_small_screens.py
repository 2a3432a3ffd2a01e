"""1280 x 1024 at 400 % (WCAG 2.2, 1.4.10), without motion, and in the colours of the system."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.places import ADMINISTRATOR, PLACES, Place
from tests.running import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PageOf = Callable[[str], Page]
SMALL = {"width": 320, "height": 256}

# Everything that can be used: scrolled to, it is within the window and nothing lies over it.
_LOST = """() => {
  const layers = [...document.querySelectorAll('dialog:modal, :popover-open')];
  const inside = layers.at(-1) ?? document;
  const controls = inside.querySelectorAll(
    'a[href], button:not(:disabled), input:not([type=hidden]), select, textarea, summary, h1');
  const lost = [];
  for (const one of controls) {
    const seen = one.classList.contains('sr-only') ? one.closest('label') : one;
    if (!seen || seen.closest('.skip, .sr-only')) continue;
    if (!seen.checkVisibility({ visibilityProperty: true })) continue;
    let box, there, hit;
    for (const block of ['center', 'start', 'end']) {
      seen.scrollIntoView({ block, inline: 'nearest', behavior: 'instant' });
      box = seen.getBoundingClientRect();
      const y = Math.min(Math.max(box.y, 0) + 12, box.y + box.height / 2);
      there = document.elementFromPoint(box.x + box.width / 2, y);
      // A message goes by itself, or is put away.
      const message = there?.closest('.notice') && !seen.closest('.notice');
      hit = there && (message || seen.contains(there) || there.contains(seen));
      if (hit) break;
    }
    if (box.width < 2 || box.height < 2) continue;
    if (!hit || box.left < -1 || box.right > innerWidth + 1) {
      lost.push(`${seen.outerHTML.slice(0, 140)} at ${Math.round(box.x)},${Math.round(box.y)} `
        + `${Math.round(box.width)}x${Math.round(box.height)}, over it: `
        + `${there?.outerHTML.slice(0, 80)}`);
    }
  }
  return lost;
}"""


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_all_can_be_used_at_320_pixels(app: App, page_of: PageOf, place: Place) -> None:
    page = page_of(place.who)
    page.set_viewport_size(SMALL)
    place.go(page, app.url)
    wide = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .map((one) => one.outerHTML.slice(0, 120)).slice(0, 8)"""
    )
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= page.evaluate("() => innerWidth"), wide
    assert page.evaluate(_LOST) == []


def test_nothing_moves_for_those_who_asked_for_that(app: App, page_of: PageOf) -> None:
    for place in PLACES:
        if place.who != ADMINISTRATOR or place.open:
            continue
        page = page_of(place.who)
        place.go(page, app.url)
        moving = page.evaluate(
            """() => document.getAnimations().filter((one) => {
                const { duration, iterations } = one.effect.getComputedTiming();
                return duration > 10 || iterations === Infinity;
            }).map((one) => `${one.effect.target?.className} ${one.animationName}`)"""
        )
        assert moving == [], place


def test_forced_colours_leave_controls_and_choices_to_be_seen(app: App, page_of: PageOf) -> None:
    page = page_of(ADMINISTRATOR)
    page.emulate_media(forced_colors="active")
    page.goto(f"{app.url}/account")
    page.wait_for_load_state("networkidle")
    # Backgrounds are gone: what tells a control or a choice apart is a line.
    for selector in (".button.primary", ".button.danger", ".input"):
        style, width = page.evaluate(
            """(selector) => {
                const style = getComputedStyle(document.querySelector(selector));
                return [style.borderTopStyle, parseFloat(style.borderTopWidth)];
            }""",
            selector,
        )
        assert (style, width >= 1) == ("solid", True), selector
    line = "border-bottom-color"
    here = _computed(page, ".tabs [aria-current]", line)
    assert here != _computed(page, ".tabs a:not([aria-current])", line)
    page.keyboard.press("?")
    switch = page.get_by_role("switch")
    switch.wait_for()
    on = _computed(page, ".switch-track", "background-color")
    switch.click()
    off = _computed(page, ".switch-track", "background-color")
    switch.click()
    assert on != off


def _computed(page: Page, selector: str, name: str) -> str:
    return str(
        page.evaluate(
            """([selector, name]) =>
                getComputedStyle(document.querySelector(selector)).getPropertyValue(name)""",
            [selector, name],
        )
    )
