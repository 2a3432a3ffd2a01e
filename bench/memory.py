"""Memory: growth of the web processes while 500 MB are uploaded, and everything idle."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.ingest import upload_all
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.running import proportional_mb, running_app, wait_for_all_described

GROWTH_MB, IDLE_MB = 100, 500
UPLOAD_MB = 500


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", 12)
        size = sum(p.stat().st_size for p in originals) / len(originals)
        pictures = copies(originals, folder / "pictures", round(UPLOAD_MB * 1e6 / size) + 8)
        with running_app(IMGAPP_VISION="basic") as app:
            upload_all(app, pictures[:8], at_once=4)
            wait_for_all_described(app)
            while app.processes("imaging.child"):
                time.sleep(1)
            idle = proportional_mb(app.processes())
            web = app.processes("granian")
            before = proportional_mb(web)
            peak = before
            for start in range(8, len(pictures), 40):
                upload_all(app, pictures[start : start + 40], at_once=4)
                peak = max(peak, proportional_mb(web))
    yield Result(
        "memory, growth",
        (peak - before) / GROWTH_MB,
        f"web processes grew from {before:.0f} to {peak:.0f} MB while {UPLOAD_MB} MB were uploaded "
        f"(limit {GROWTH_MB} MB)",
        high=1.0,
    )
    yield Result(
        "memory, idle",
        idle / IDLE_MB,
        f"{idle:.0f} MB proportional for everything that `imgapp up` runs (limit {IDLE_MB} MB)",
        high=1.0,
    )
