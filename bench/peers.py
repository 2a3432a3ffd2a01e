"""Thirty camera pictures from files to a cold page that shows them all, against other galleries.

Not run unless named, as it installs them from the package index (into a temporary folder). Those
that make pages from folders and those that serve folders are here; docs/benchmarks.md says which
others could not be installed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.browser import chromium_path
from bench.pictures import make_camera_jpegs
from bench.report import Result
from tests.support.running import EMAIL, REPO, free_port, running_app, takes_connections
from tests.support.waiting import eventually

PICTURES, TURNS = 30, 3
TOTAL, COLD = 1.0, 1.5

# High enough for all thirty: what is below the screen may be left for later.
_SCREEN = {"width": 1440, "height": 6000}
_SHOWN = """
(count) => {
  const done = [...document.images].filter((one) => one.complete && one.naturalWidth > 0);
  return new Set(done.map((one) => one.currentSrc)).size >= count;
}
"""

Serving = Callable[[Path, Path], AbstractContextManager[str]]
"""From the folder of the commands and that of the pictures to the address of the page."""


@dataclass(frozen=True)
class Peer:
    package: str
    version: str
    serve: Serving


@contextmanager
def _sigal(commands: Path, pictures: Path) -> Iterator[str]:
    config, out = pictures.with_name("sigal.conf.py"), pictures.with_name("sigal-pages")
    config.write_text("")
    _run(commands / "sigal", "build", "-q", "-c", config, "-t", "colorbox", pictures, out)
    with _files(out) as url:
        yield url


@contextmanager
def _simple_photo_gallery(commands: Path, pictures: Path) -> Iterator[str]:
    _run(commands / "gallery-init", "--use-defaults", "-p", pictures)
    _run(commands / "gallery-build", "-p", pictures)
    with _files(pictures / "public") as url:
        yield url


@contextmanager
def _galleryserver(commands: Path, pictures: Path) -> Iterator[str]:
    port = free_port()
    with _server(port, commands / "galleryserver", "-d", pictures, str(port)) as url:
        yield url


@contextmanager
def _lenslet(commands: Path, pictures: Path) -> Iterator[str]:
    port = free_port()
    with _server(port, commands / "lenslet", "-p", str(port), pictures) as url:
        yield url


PEERS = (
    Peer("sigal", "2.6.1", _sigal),
    Peer("simple-photo-gallery", "1.5.7", _simple_photo_gallery),
    Peer("galleryserver", "1.0.0", _galleryserver),
    Peer("lenslet", "0.4", _lenslet),
)


def run() -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name,
        sync_playwright() as playwright,
    ):
        originals = make_camera_jpegs(Path(name) / "originals", PICTURES)
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=["--no-sandbox", "--disable-background-networking", "--no-first-run"],
        )
        for peer in PEERS:
            folder = Path(name) / peer.package
            commands = _installed(peer, folder)
            pictures = _linked(originals, folder / "pictures")
            ours, our_page = _ours(browser, _linked(originals, folder / "ours"))
            begun = time.perf_counter()
            with peer.serve(commands, pictures) as url:
                pages = [_cold(browser, url)]
                theirs = time.perf_counter() - begun
                pages += [_cold(browser, url) for _ in range(TURNS)]
            what = f"{peer.package} {peer.version}"
            yield Result(
                f"peers, {what}, from files",
                ours / theirs,
                f"{ours:.1f} s from {PICTURES} files to a cold page that shows all, {theirs:.1f} s "
                f"with {what}",
                high=TOTAL,
            )
            their_page = statistics.median(pages[1:])
            yield Result(
                f"peers, {what}, cold page",
                our_page / their_page,
                f"{our_page:.2f} s from cold to {PICTURES} pictures painted once they are made, "
                f"{their_page:.2f} s with {what}",
                high=COLD,
            )
        browser.close()


def _ours(browser: Browser, pictures: Path) -> tuple[float, float]:
    """Seconds from the files to a cold page that shows all, and of a cold page afterwards."""
    with running_app(IMGAPP_VISION="basic") as app:
        cookies = app.session_cookie()
        begun = time.perf_counter()
        command = (sys.executable, "-m", "imgapp", "import", pictures, "--user", EMAIL)
        _run(*command, env=app.env, cwd=REPO)
        _cold(browser, app.url, cookies)
        total = time.perf_counter() - begun
        return total, statistics.median(_cold(browser, app.url, cookies) for _ in range(TURNS))


def _cold(browser: Browser, url: str, cookies: dict[str, str] | None = None) -> float:
    """Seconds from opening a page that this browser has never seen to all pictures shown."""
    context = browser.new_context(viewport=_SCREEN)  # type: ignore[arg-type]
    try:
        for name, value in (cookies or {}).items():
            context.add_cookies([{"name": name, "value": value, "url": url}])
        page = context.new_page()
        page.goto(url, wait_until="commit")
        page.wait_for_function(_SHOWN, arg=PICTURES, timeout=120_000)
        return float(page.evaluate("performance.now()")) / 1000
    finally:
        context.close()


def _installed(peer: Peer, folder: Path) -> Path:
    """The folder of its commands."""
    place = folder / "venv"
    venv.create(place, with_pip=True)
    wanted = f"{peer.package}=={peer.version}"
    _run(place / "bin/python", "-m", "pip", "install", "-q", wanted)
    return place / "bin"


def _linked(originals: list[Path], folder: Path) -> Path:
    """A folder with the same pictures: some galleries move those that they are given."""
    folder.mkdir(parents=True)
    for original in originals:
        (folder / original.name).hardlink_to(original)
    return folder


def _run(*command: str | Path, **options: Any) -> None:
    parts = [str(part) for part in command]
    done = subprocess.run(parts, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stderr or done.stdout)[-1000:]}")


def _files(folder: Path) -> AbstractContextManager[str]:
    """The folder's files on loopback, as any web server gives them."""
    port = free_port()
    options = ("--bind", "127.0.0.1", "-d", folder, str(port))
    return _server(port, Path(sys.executable), "-m", "http.server", *options)


@contextmanager
def _server(port: int, *command: str | Path) -> Iterator[str]:
    with subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    ) as process:
        try:
            eventually(lambda: takes_connections(port) or process.poll() is not None)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.kill()
