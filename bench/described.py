"""From the answer to an upload to its description shown in Chromium, with an instant model."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.browser import signed_in_page
from bench.model import model_server
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result, percentile
from tests.support.running import running_app

PICTURES, WARM_UP = 40, 3
LIMIT_MS = 500

_WATCH = """
() => {
  window.described = {};
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    for (const card of document.querySelectorAll('[data-testid="card"][data-status="completed"]')) {
      window.described[card.dataset.imageId] ??= now;
    }
  };
  const all = { subtree: true, childList: true, attributes: true };
  new MutationObserver(look).observe(document.body, all);
}
"""


def run() -> Iterator[Result]:
    accepted: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name, model_server(0) as url:
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", 4)
        pictures = copies(originals, folder / "pictures", PICTURES + WARM_UP)
        with (
            running_app(OPENAI_BASE_URL=url, OPENAI_API_KEY="bench") as app,
            app.client() as client,
            signed_in_page(app) as page,
        ):
            page.goto(app.url)
            page.wait_for_selector("input[type=file]", state="attached")
            page.evaluate(_WATCH)
            for number, picture in enumerate(pictures):
                with picture.open("rb") as file:
                    answer = client.post("/api/upload", files={"files": (picture.name, file)})
                if number >= WARM_UP:
                    accepted[answer.json()["images"][0]["id"]] = time.time() * 1000
                page.wait_for_timeout(300)
            page.wait_for_timeout(3000)
            described = page.evaluate("() => window.described")
    waits = [described[image] - at for image, at in accepted.items() if image in described]
    missing = len(accepted) - len(waits)
    p95 = percentile(waits, 0.95)
    yield Result(
        "described",
        float("inf") if missing else p95 / LIMIT_MS,
        f"upload accepted to description shown: median {percentile(waits, 0.5):.0f} ms, p95 "
        f"{p95:.0f} ms over {len(accepted)} photos of 2 MB, {missing} not seen "
        f"(limit {LIMIT_MS} ms)",
        high=1.0,
    )
