"""Thirty camera pictures: from the drop to the last thumbnail painted.

The first light is the server's; before it each picture is seen from the file itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.browser import signed_in_page
from bench.peer import seconds_for_renditions
from bench.pictures import make_camera_jpegs
from bench.report import Result
from tests.support.running import App, running_app

PICTURES = 30
LIGHT, FROM_FILE = 1.3, 0.25

# Notes the frames in which the last of the pictures is painted, from its file and as the server
# made it, without asking in every frame: that would draw frames of its own. What stands below the
# screen, and is decoded once somebody goes there, is as far as it can be.
_WATCH = """
(count) => {
  window.seenAt = null;
  window.paintedAt = null;
  const below = (i) => i.loading === 'lazy' && i.src.startsWith('blob:') &&
    i.getBoundingClientRect().top > innerHeight;
  const painted = (images) => images.length >= count &&
    images.every((i) => (i.complete && i.naturalWidth > 0) || below(i));
  const then = (name) =>
    requestAnimationFrame(() => setTimeout(() => (window[name] ??= performance.now())));
  document.addEventListener('load', () => {
    if (painted([...document.querySelectorAll('[data-at] .picture img')])) then('seenAt');
    if (painted([...document.querySelectorAll('[data-testid="card"] img')])) then('paintedAt');
  }, true);
}
"""
_FIRST_BYTE = """
() => Math.min(...performance.getEntriesByType('resource')
  .filter((entry) => entry.name.endsWith('/api/tus')).map((entry) => entry.requestStart))
"""


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        pictures = make_camera_jpegs(folder / "pictures", PICTURES)
        with running_app(IMGAPP_VISION="basic", IMGAPP_WORKER_THREADS="1") as app:
            ours, seen = _drop(app, pictures)
            theirs = seconds_for_renditions(pictures, folder / "peer")
            yield Result(
                "first light",
                ours / theirs,
                f"{ours:.2f} s from the first byte to the last of {PICTURES} thumbnails painted, "
                f"{theirs:.2f} s for libvips alone",
                high=LIGHT,
            )
            yield _from_the_file(", from the file", ours, seen, "with small ones embedded")
        # Of files without one the browser decodes the whole, of those that are on the screen.
        bare = make_camera_jpegs(folder / "bare", PICTURES, seed=500, thumbnails=False)
        with running_app(IMGAPP_VISION="basic", IMGAPP_WORKER_THREADS="1") as app:
            yield _from_the_file(", from a bare file", *_drop(app, bare), "without any")


def _from_the_file(name: str, light: float, seen: float, files: str) -> Result:
    return Result(
        f"first light{name}",
        seen / light,
        f"{seen:.2f} s from the drop until the last of {PICTURES} files {files} is shown in its "
        f"place, of {light:.2f} s",
        high=FROM_FILE,
    )


def _drop(app: App, pictures: list[Path]) -> tuple[float, float]:
    """Seconds from the first byte sent until all are painted as the server made them, and from the
    drop until all are seen in their places."""
    with signed_in_page(app) as page:
        page.goto(app.url)
        page.wait_for_selector("input[type=file]", state="attached")
        page.wait_for_timeout(1000)
        page.evaluate(_WATCH, PICTURES)
        page.evaluate(
            "() => addEventListener('change', () => (window.droppedAt = performance.now()), true)"
        )
        page.locator("input[type=file]").first.set_input_files([str(p) for p in pictures])
        page.wait_for_function("() => window.paintedAt", timeout=120_000, polling=250)
        painted, seen, dropped = page.evaluate("[paintedAt, seenAt, droppedAt]")
        return (painted - page.evaluate(_FIRST_BYTE)) / 1000, (seen - dropped) / 1000
