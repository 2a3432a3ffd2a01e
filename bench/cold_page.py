"""A cold page: the time to thirty thumbnails, a plain HTML page of them, and scripts by route."""

from __future__ import annotations

import secrets
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext

from bench.browser import chromium
from bench.pictures import make_camera_jpegs
from bench.report import Result
from imgapp.adapters import frontend
from imgapp.ui.shell.page_gate import SIGNED_OUT_PAGES
from tests.support import page_scripts
from tests.support.running import App, running_app, wait_for_all_described

PICTURES = 30
ROUNDS = 9
TIMES, MEGABYTES = 1.5, 0.4
# All thirty are on the screen.
SCREEN = {"width": 1440, "height": 2000}


# Notes the frame in which the last of the thumbnails has been painted.
_WATCH = """
(() => {
  const look = () => {
    const images = [...document.querySelectorAll('main img')];
    if (images.length >= COUNT && images.every((i) => i.complete && i.naturalWidth > 0))
      requestAnimationFrame(() => setTimeout(() => (window.paintedAt ??= performance.now())));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
""".replace("COUNT", str(PICTURES))
_LIVE = "() => document.querySelector('input[type=file]') && performance.now()"
_SCRIPTS = """
() => performance.getEntriesByType('resource')
  .filter((one) => new URL(one.name).pathname.endsWith('.js'))
  .reduce(([all, sent], one) => [all + one.decodedBodySize, sent + one.encodedBodySize], [0, 0])
"""


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        pictures = make_camera_jpegs(Path(name), PICTURES)
        with running_app(IMGAPP_VISION="basic", IMGAPP_WORKER_THREADS="1") as app:
            with app.client() as client:
                for picture in pictures:
                    files = {"files": (picture.name, picture.read_bytes())}
                    client.post("/api/upload", files=files).raise_for_status()
            wait_for_all_described(app)
            with chromium() as browser, _plain_page(app) as plain:
                yield from _compared(app, browser, plain)
                yield from _scripts(app, browser)


def _compared(app: App, browser: Browser, plain: str) -> Iterator[Result]:
    """Both pages in turns, each with nothing in its cache."""
    for address in (app.url, plain):
        _cold(app, browser, address)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(_cold(app, browser, app.url))
        theirs.append(_cold(app, browser, plain))
    painted, live, sent = (statistics.median(column) for column in zip(*ours, strict=True))
    peer, _, peer_sent = (statistics.median(column) for column in zip(*theirs, strict=True))
    yield Result(
        "cold page, time",
        painted / peer,
        f"{painted:.3f} s to {PICTURES} thumbnails painted, {peer:.3f} s for a plain page of them; "
        f"live after {live:.3f} s",
        high=TIMES,
    )
    yield Result(
        "cold page, bytes",
        sent / MEGABYTES,
        f"{sent:.3f} MB received, {peer_sent:.3f} MB by the plain page (limit {MEGABYTES} MB)",
        high=1.0,
    )


def _scripts(app: App, browser: Browser) -> Iterator[Result]:
    """What each page loads of JavaScript until it rests."""
    for route, limit in page_scripts.LIMITS.items():
        with _context(app, browser, signed_in=route not in SIGNED_OUT_PAGES) as context:
            page = context.new_page()
            page.goto(f"{app.url}{route}", wait_until="networkidle")
            kept, sent = page.evaluate(_SCRIPTS)
        yield Result(
            f"JavaScript of {route}",
            kept / limit,
            f"{kept / 1000:.0f} kB, {sent / 1000:.0f} kB received (limit {limit / 1000:.0f} kB)",
            high=1.0,
        )


def _cold(app: App, browser: Browser, address: str) -> tuple[float, float, float]:
    """Seconds until the thumbnails are painted and until files can be dropped, megabytes."""
    received: list[float] = []
    with _context(app, browser) as context:
        page = context.new_page()
        page.add_init_script(_WATCH)
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
        page.goto(address, wait_until="commit")
        painted = page.wait_for_function("() => window.paintedAt", polling=100).json_value()
        live = 0.0
        if address == app.url:
            live = page.wait_for_function(_LIVE, polling="raf").json_value()
        page.wait_for_timeout(500)
    return painted / 1000, live / 1000, sum(received) / 1e6


@contextmanager
def _context(app: App, browser: Browser, *, signed_in: bool = True) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=SCREEN)
    if signed_in:
        cookies = app.session_cookie().items()
        context.add_cookies([{"name": n, "value": v, "url": app.url} for n, v in cookies])
    try:
        yield context
    finally:
        context.close()


@contextmanager
def _plain_page(app: App) -> Iterator[str]:
    """The address of a page of HTML alone with the thumbnails, among the files that are served."""
    with app.client() as client:
        images = client.get("/api/images", params={"limit": PICTURES}).json()["items"]
    pictures = "".join(
        f'<img src="{escape(image["urls"]["thumbnail"])}" alt="" height="208">' for image in images
    )
    name = f"plain-{secrets.token_hex(8)}.html"
    file = frontend.CLIENT / name
    file.write_text(f"<!doctype html><title>Pictures</title><main>{pictures}</main>")
    try:
        yield f"{app.url}/{name}"
    finally:
        file.unlink()
