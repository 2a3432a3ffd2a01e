"""Processor time and memory of all that `imgapp up` runs, while nobody asks anything of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.ingest import upload_all
from bench.pictures import copies, scene
from bench.report import Result
from tests.support.running import App, proportional_mb, running_app, wait_for_all_described

PERCENT, MEGABYTES = 0.5, 350
SECONDS, SETTLING, QUIET = 60, 30, 120
PICTURES, SCENES = 1_000, 40


def run() -> Iterator[Result]:
    with (
        tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name,
        running_app(IMGAPP_VISION="basic") as app,
    ):
        time.sleep(SETTLING)
        yield from _idle(app, "fresh")
        upload_all(app, _pictures(Path(name)), at_once=4)
        wait_for_all_described(app, timeout=3600)
        time.sleep(QUIET)
        yield from _idle(app, f"after {PICTURES:,} pictures")


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Processor time spent by the processes until now, and by the children that they outlived."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _idle(app: App, when: str) -> Iterator[Result]:
    begun, before = time.perf_counter(), cpu_seconds(app.processes())
    time.sleep(SECONDS)
    spent = cpu_seconds(app.processes()) - before
    percent = 100 * spent / (time.perf_counter() - begun)
    megabytes = proportional_mb(app.processes())
    yield Result(
        f"idle, processor, {when}",
        percent / PERCENT,
        f"{percent:.2f} % of one core over {SECONDS} s (limit {PERCENT} %)",
        high=1.0,
    )
    yield Result(
        f"idle, memory, {when}",
        megabytes / MEGABYTES,
        f"{megabytes:.0f} MB proportional in {len(app.processes())} processes "
        f"(limit {MEGABYTES} MB)",
        high=1.0,
    )


def _pictures(folder: Path) -> list[Path]:
    scenes = [folder / f"scene-{number}.jpg" for number in range(SCENES)]
    for number, path in enumerate(scenes):
        scene(path, number)
    return copies(scenes, folder / "pictures", PICTURES)
