"""The page of somebody with 100,000 pictures over that of somebody with 1,000, in Chromium."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from playwright.sync_api import Browser, Page, sync_playwright

from bench.browser import chromium_path
from bench.library import Library, make_library, servers_of
from bench.report import Result
from imgapp.ui.shell.tab_state_store import SAVED_AFTER
from tests.support.running import App, running_app

SMALL, LARGE, TURNS, JUMPS, CHANGES = 1_000, 100_000, 5, 12, 30
RATIO, LONGEST_TASK_MS, CHANGE_BYTES, SCROLL_SECONDS = 1.5, 150, 1_000, 10

# Resolves when all pictures on the screen are painted: at once if they are.
_PAINTED = """
() => new Promise((resolve) => {
  const look = () => {
    const seen = [...document.querySelectorAll('.days .grid > li')].filter((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return bottom > 60 && top < innerHeight;
    });
    const done = seen.length > 0 && seen.every((one) => {
      const image = one.querySelector('img');
      return image && image.complete && image.naturalWidth > 0;
    });
    if (done) requestAnimationFrame(() => resolve(performance.now()));
    else requestAnimationFrame(look);
  };
  look();
})
"""
_GO = "(part) => scrollTo(0, part * (document.documentElement.scrollHeight - innerHeight))"
_SCROLL = """
(seconds) => new Promise((resolve) => {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: 'longtask' });
  const begun = performance.now();
  const step = () => {
    scrollBy(0, 60);
    if (performance.now() - begun < seconds * 1000) requestAnimationFrame(step);
    else setTimeout(() => resolve(longest), 300);
  };
  step();
})
"""


def run() -> Iterator[Result]:
    with running_app(IMGAPP_VISION="basic") as app, _browser() as browser:
        people = {
            count: make_library(app, f"{count}@example.org", count, files=True)
            for count in (SMALL, LARGE)
        }
        cold = _in_turns(lambda count: _cold(app, browser, count), TURNS)
        yield _over("gallery, first pictures on a cold page", cold)
        pages = {count: _open(app, browser, count) for count in people}
        parts = iter([n * 0.6180339 % 1 for n in range(1, 4 * JUMPS)])
        jumps = _in_turns(lambda count: _jump(pages[count], next(parts)), JUMPS)
        yield _over("gallery, jump to any place", jumps)
        yield _state(app, browser)
        yield _bytes_of_a_change(app, pages[LARGE], people[LARGE])
        longest = {count: page.evaluate(_SCROLL, SCROLL_SECONDS) for count, page in pages.items()}
        yield Result(
            "gallery, longest task while scrolling",
            longest[LARGE] / LONGEST_TASK_MS,
            f"{longest[LARGE]:.0f} ms in {SCROLL_SECONDS} s with {LARGE:,} pictures, "
            f"{longest[SMALL]:.0f} ms with {SMALL:,} (limit {LONGEST_TASK_MS} ms)",
            high=1.0,
        )


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=arguments)
        yield browser
        browser.close()


def _page(app: App, browser: Browser, count: int) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    form = {"email": f"{count}@example.org", "password": "correct horse battery"}
    context.request.post(f"{app.url}/api/sign-in", form=form, headers={"Origin": app.url})
    return context.new_page()


def _cold(app: App, browser: Browser, count: int) -> float:
    page = _page(app, browser, count)
    page.goto(app.url, wait_until="commit")
    painted: float = page.evaluate(_PAINTED)
    page.context.close()
    return painted


def _open(app: App, browser: Browser, count: int) -> Page:
    page = _page(app, browser, count)
    page.goto(app.url)
    page.evaluate(_PAINTED)
    page.wait_for_timeout(1500)
    return page


def _jump(page: Page, part: float) -> float:
    begun = page.evaluate("performance.now()")
    page.evaluate(_GO, part)
    return float(page.evaluate(_PAINTED) - begun)


def _in_turns(measure, turns: int) -> dict[int, list[float]]:  # type: ignore[no-untyped-def]
    """The two in turns, so that whatever else the machine does falls on both."""
    times: dict[int, list[float]] = {SMALL: [], LARGE: []}
    for turn in range(turns + 1):
        for count, found in times.items():
            taken = measure(count)
            if turn:
                found.append(taken)
    return times


def _over(name: str, times: dict[int, list[float]]) -> Result:
    small, large = (statistics.median(times[count]) for count in (SMALL, LARGE))
    return Result(
        name,
        large / small,
        f"median {large:.0f} ms with {LARGE:,} pictures, {small:.0f} ms with {SMALL:,}",
        high=RATIO,
        measured=large,
    )


def _state(app: App, browser: Browser) -> Result:
    """The most that Redis keeps of each tab, wherever it was scrolled to.

    Of new pages: what a page has, it does not ask for again.
    """
    sizes = {}
    for count in (SMALL, LARGE):
        page, sizes[count] = _open(app, browser, count), 0
        for part in (0.0, 0.2, 0.4, 0.6, 0.8):
            _jump(page, part)
            page.wait_for_timeout(1000 * SAVED_AFTER + 500)
            sizes[count] = max(sizes[count], _stored(app, page))
        page.context.close()
    return Result(
        "gallery, state of a tab",
        sizes[LARGE] / sizes[SMALL],
        f"{sizes[LARGE] / 1000:.0f} kB with {LARGE:,} pictures, {sizes[SMALL] / 1000:.0f} kB "
        f"with {SMALL:,}",
        high=RATIO,
        measured=sizes[LARGE],
    )


def _stored(app: App, page: Page) -> int:
    token = str(page.evaluate("sessionStorage.getItem('token')")).encode()
    with redis.Redis.from_url(servers_of(app)["REDIS_URL"]) as client:
        keys = [key for key in client.scan_iter(count=1000) if token in key]
        return sum(client.strlen(key) for key in keys if client.type(key) == b"string")


def _bytes_of_a_change(app: App, page: Page, library: Library) -> Result:
    received: list[int] = []
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on(
        "Network.webSocketFrameReceived",
        lambda event: received.append(len(event["response"]["payloadData"].encode())),
    )
    page.wait_for_timeout(1500)
    received.clear()
    shown = page.locator('[data-testid="card"]').first.get_attribute("data-image-id")
    with app.client(token=library.token) as client:
        for number in range(CHANGES):
            text = {"description": f"Change {number}: boats lie at a pier in the evening sun."}
            client.patch(f"/api/images/{shown}", json=text)
            time.sleep(0.2)
    page.wait_for_timeout(1000)
    each = sum(received) / CHANGES
    return Result(
        "gallery, bytes of a change",
        each / CHANGE_BYTES,
        f"{each:.0f} bytes received per change (limit {CHANGE_BYTES})",
        high=1.0,
    )
