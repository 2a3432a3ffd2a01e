"""Every place of the page, visited on a desktop and at 320 pixels: what axe-core finds (nothing),
light and dark; that all can be used; that nothing moves for those who asked for that. Pages as they
are before anything opens on them are visited in each run, once each, all else in a long one.

1280 x 1024 at 400 % are 320 x 256 (WCAG 2.2, 1.4.10).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from imgapp.ui.pages import PAGES
from tests.browser.complaints import Complaints
from tests.browser.places import ADMINISTRATOR, NOBODY, PLACES, Place
from tests.support.running import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RULES = {
    "type": "tag",
    "values": [
        *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"),
        "best-practice",
    ],
}
"""All rules for WCAG 2.0, 2.1 and 2.2 A and AA (22aa has target-size), and what axe advises."""
RULES_OF_COLOUR = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
DESKTOP, SMALL = {"width": 1280, "height": 900}, {"width": 320, "height": 256}

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


def is_a_page(place: Place) -> bool:
    """Whether it is a page with all that there is to see, and nothing open on it."""
    return place.open is None and place.live and place.who in (ADMINISTRATOR, NOBODY)


def is_plain(place: Place) -> bool:
    """Whether it is a page, and its address leads to nothing particular on it."""
    return is_a_page(place) and not {"?", "#"} & set(place.path)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(one, id=str(one), marks=[] if is_plain(one) else pytest.mark.long)
        for one in PLACES
    ],
)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture(scope="module")
def visit(app: App, page_of: Callable[[str], Page], place: Place) -> tuple[Page, Complaints]:
    page = page_of(place.who)
    complaints = Complaints(page)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    place.go(page, app.url)
    return page, complaints


@pytest.fixture(scope="module")
def desktop(visit: tuple[Page, Complaints]) -> Page:
    """The place as a desktop shows it; the tests look at it one after the other."""
    return visit[0]


@pytest.fixture(scope="module")
def small(app: App, page_of: Callable[[str], Page], place: Place, desktop: Page) -> Page:
    """The place at 320 pixels."""
    # What opens may open in another way where there is less room.
    page = page_of(place.who) if place.open else desktop
    page.set_viewport_size(SMALL)  # type: ignore[arg-type]
    if page is not desktop:
        place.go(page, app.url)
    return page


def findings(page: Page, rules: dict[str, Any] = RULES) -> list[str]:
    """What axe-core objects to on the page as it is now, one line for each element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: dict[str, Any] = page.evaluate(
        "options => axe.run(document, options)",
        {"runOnly": rules, "resultTypes": ["violations"]},
    )
    return [
        f"{rule['id']}: {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def findings_in_the_dark(page: Page) -> list[str]:
    """A dark page has other colours, and is the same otherwise."""
    page.emulate_media(color_scheme="dark")
    page.locator("html.dark").wait_for()
    found = findings(page, RULES_OF_COLOUR)
    page.emulate_media(color_scheme="light")
    page.locator("html.light").wait_for()
    return found


def test_no_page_breaks_a_rule_of_the_content_policy(
    visit: tuple[Page, Complaints], place: Place
) -> None:
    if not is_a_page(place):
        return  # what opens may show that something was refused
    _, complaints = visit
    # The browser's own word for a page that is not there.
    expected = "404 (Not Found)" if place.path == "/nowhere" else None
    assert [said for said in complaints.all() if not expected or expected not in said] == []


def test_every_page_has_a_title_of_its_own(desktop: Page, place: Place) -> None:
    titles = [page.title for page in PAGES]
    assert len(set(titles)) == len(titles)
    if is_a_page(place):
        assert desktop.title() in titles
    assert desktop.locator("h1").count() == 1


def test_axe_finds_nothing_on_a_desktop(desktop: Page) -> None:
    assert findings(desktop) == []


@pytest.mark.long
def test_axe_finds_nothing_in_the_dark(desktop: Page) -> None:
    assert findings_in_the_dark(desktop) == []


def test_nothing_moves_for_those_who_asked_for_that(desktop: Page) -> None:
    moving = desktop.evaluate(
        """() => document.getAnimations().filter((one) => {
            const { duration, iterations } = one.effect.getComputedTiming();
            return duration > 10 || iterations === Infinity;
        }).map((one) => `${one.effect.target?.className} ${one.animationName}`)"""
    )
    assert moving == []


@pytest.mark.long
def test_axe_finds_nothing_at_320_pixels(small: Page) -> None:
    assert findings_in_the_dark(small) == []
    assert findings(small) == []


@pytest.mark.long
def test_all_can_be_used_at_320_pixels(small: Page) -> None:
    wide = small.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
            .map((one) => one.outerHTML.slice(0, 120)).slice(0, 8)"""
    )
    width = small.evaluate("() => document.documentElement.scrollWidth")
    assert width <= small.evaluate("() => innerWidth"), wide
    assert small.evaluate(_LOST) == []


def test_axe_sees_what_is_wrong(app: App, page_of: Callable[[str], Page]) -> None:
    """The test of the tests: a page with two mistakes."""
    page = page_of("nobody")
    page.goto(f"{app.url}/sign-in")
    # What is not live yet would be put back.
    page.locator("html[data-live]").wait_for()
    page.evaluate("document.querySelector('label').remove(); document.title = ''")
    assert {line.split(":")[0] for line in findings(page)} >= {"label", "document-title"}
