"""Memory of the web processes while much is uploaded, in small files and large."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.ingest import upload_all
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.support.running import proportional_mb, running_app, wait_for_all_described

GROWTH_MB = 100
UPLOAD_MB = 500
LARGE_MB, LARGE_FILES, AT_ONCE = 49, 24, 4


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", 12)
        size = sum(p.stat().st_size for p in originals) / len(originals)
        pictures = copies(originals, folder / "pictures", round(UPLOAD_MB * 1e6 / size) + 8)
        with running_app(IMGAPP_VISION="basic") as app:
            upload_all(app, pictures[:8], at_once=4)
            wait_for_all_described(app)
            while app.processes(r"(imaging|reading)\.child"):
                time.sleep(1)
            web = app.processes(r"imgapp\.web")
            before = proportional_mb(web)
            peak = before
            for start in range(8, len(pictures), 40):
                upload_all(app, pictures[start : start + 40], at_once=4)
                peak = max(peak, proportional_mb(web))
            large = [_enlarged(picture) for picture in pictures[:LARGE_FILES]]
            small = proportional_mb(web)
            with _peak_of(web) as peaks:
                upload_all(app, large, at_once=AT_ONCE)
    yield Result(
        "memory, growth",
        (peak - before) / GROWTH_MB,
        f"web processes grew from {before:.0f} to {peak:.0f} MB while {UPLOAD_MB} MB were uploaded "
        f"(limit {GROWTH_MB} MB)",
        high=1.0,
    )
    yield Result(
        "memory, large files",
        (max(peaks) - small) / GROWTH_MB,
        f"web processes grew from {small:.0f} to {max(peaks):.0f} MB while {LARGE_FILES} files of "
        f"{LARGE_MB} MB were uploaded, {AT_ONCE} at a time (limit {GROWTH_MB} MB)",
        high=1.0,
    )


def _enlarged(picture: Path) -> Path:
    """A file of `LARGE_MB` that shows the same; what follows a picture's end is not looked at."""
    with picture.open("ab") as file:
        file.write(os.urandom(LARGE_MB * 1_000_000 - picture.stat().st_size))
    return picture


@contextmanager
def _peak_of(processes: list[psutil.Process]) -> Iterator[list[float]]:
    """Megabytes that the processes take together, twenty times a second."""
    sizes: list[float] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(0.05):
            sizes.append(proportional_mb(processes))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield sizes
    finally:
        done.set()
        sampler.join()
