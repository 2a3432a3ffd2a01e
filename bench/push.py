"""From the commit of a result to the changed card in Chromium, and bytes per changed card."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.browser import signed_in_page
from bench.ingest import upload_all
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result, percentile
from tests.support.running import EMAIL, REPO, running_app, wait_for_all_described

CHANGES, CARDS = 100, 60
LIMIT_MS, LIMIT_BYTES = 30, 1000

# Runs beside the application with its settings: writes results as the worker does, notes the time
# of each commit, and leaves the publishing to the application's own code.
_COMMITTER = """
import json, sys, time
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.embedded import ensure_servers
from imgapp.adapters.events import publish
from imgapp.models import Image
from imgapp.services.accounts.registration import find_user
from imgapp.settings import get_settings
from sqlmodel import select
import os
with ensure_servers(get_settings()) as settings:
    os.environ["DATABASE_URL"] = settings.database_url.get_secret_value()
    os.environ["REDIS_URL"] = settings.redis_url.get_secret_value()
    get_settings.cache_clear()
    user = find_user(sys.argv[1])
    with transaction(user) as session:
        ids = [row.id for row in session.exec(select(Image)).all()]
    commits = {}
    for number in range(int(sys.argv[2])):
        image_id = ids[number % len(ids)]
        text = f"Result number {number}: boats in a harbour at dusk, seen from the pier"
        with transaction(user) as session:
            image = session.get(Image, image_id)
            image.alt_text, image.alt_text_by = text, "model"
            image.description = "Several fishing boats lie at a pier. " * 3
            image.tags = ["boat", "harbour", "dusk", "pier", "sea"]
            after_commit(session, lambda: commits.__setitem__(text, time.time() * 1000))
            after_commit(session, lambda: publish(user, "image_described", image_id))
        time.sleep(0.1)
    print(json.dumps(commits))
"""

_WATCH = """
() => {
  window.seen = {};
  const look = () => {
    const now = performance.timeOrigin + performance.now();
    for (const { alt } of document.querySelectorAll('[data-testid="card"] img')) {
      if (alt.startsWith('Result number') && !(alt in window.seen)) window.seen[alt] = now;
    }
  };
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(look).observe(document.body, all);
}
"""


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        pictures = copies(make_camera_jpegs(folder / "originals", 4), folder / "pictures", CARDS)
        with running_app(IMGAPP_VISION="basic") as app:
            upload_all(app, pictures, at_once=4)
            wait_for_all_described(app)
            with signed_in_page(app) as page:
                frames: list[int] = []
                page.on(
                    "websocket",
                    lambda socket: socket.on(
                        "framereceived",
                        lambda frame: frames.append(
                            len(frame.encode() if isinstance(frame, str) else frame)
                        ),
                    ),
                )
                page.goto(app.url)
                page.wait_for_function(
                    f"() => document.querySelectorAll('[data-testid=card]').length >= {CARDS}"
                )
                page.wait_for_timeout(1000)
                page.evaluate(_WATCH)
                frames.clear()
                committer = subprocess.Popen(
                    [sys.executable, "-c", _COMMITTER, EMAIL, str(CHANGES)],
                    env=app.env,
                    cwd=REPO,
                    stdout=subprocess.PIPE,
                )
                while committer.poll() is None:
                    page.wait_for_timeout(200)
                page.wait_for_timeout(500)
                assert committer.stdout is not None
                commits = json.loads(committer.stdout.read())
                seen = page.evaluate("window.seen")
    waits = [seen[text] - commits[text] for text in commits if text in seen]
    missing = len(commits) - len(waits)
    p95 = percentile(waits, 0.95)
    yield Result(
        "push, time",
        p95 / LIMIT_MS if not missing else float("inf"),
        f"commit to changed card: median {percentile(waits, 0.5):.1f} ms, p95 {p95:.1f} ms over "
        f"{len(commits)} changes, {missing} not seen (limit {LIMIT_MS} ms)",
        high=1.0,
    )
    per_card = sum(frames) / len(commits)
    yield Result(
        "push, bytes",
        per_card / LIMIT_BYTES,
        f"{per_card:.0f} bytes received per changed card with {CARDS} cards shown "
        f"(limit {LIMIT_BYTES})",
        high=1.0,
    )
