"""Analyses per second with many in flight, and what each costs besides the model's call."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyvips

from bench.ingest import upload_all
from bench.model import answers, model_server
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.support.running import App, running_app, wait_for_all_described

IN_FLIGHT, SECONDS = 64, 1.0
PICTURES = 12 * IN_FLIGHT
RATE_LIMIT, COST_LIMIT = 0.85, 2.0


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name, model_server(SECONDS) as url:
        previews = _previews(Path(name), 8)
        pictures = copies(previews, Path(name) / "pictures", PICTURES)
        with running_app(
            OPENAI_BASE_URL=url,
            OPENAI_API_KEY="bench",
            IMGAPP_WORKER_THREADS=str(IN_FLIGHT),
        ) as app:
            upload_all(app, copies(previews, Path(name) / "warm-up", 1), at_once=1)
            wait_for_all_described(app)
            with _worker_stopped(app):
                upload_all(app, pictures, at_once=4)
            before = _cpu_seconds(app)
            wait_for_all_described(app, timeout=600)
            spent = _cpu_seconds(app) - before
            times, most = answers(url)
        alone = _seconds_to_copy(previews)
    rate = _steady_rate(times)
    yield Result(
        "analysis, rate",
        rate / (IN_FLIGHT / SECONDS),
        f"{rate:.1f} analyses/s with a model that takes {SECONDS:g} s, {most} in flight at most",
        low=RATE_LIMIT,
    )
    each = spent / PICTURES
    yield Result(
        "analysis, cost",
        each / alone,
        f"{each * 1000:.1f} ms of the worker's CPU for each, besides the model; downscaling and "
        f"encoding the copy alone take {alone * 1000:.1f} ms",
        high=COST_LIMIT,
    )


def _previews(folder: Path, count: int) -> list[Path]:
    """JPEGs of the size of a preview: what is measured begins after they were taken in."""
    made = []
    for path in make_camera_jpegs(folder / "originals", count):
        small = folder / f"small-{path.name}"
        pyvips.Image.thumbnail(str(path), 1440).jpegsave(str(small), Q=85)
        made.append(small)
    return made


@contextmanager
def _worker_stopped(app: App) -> Iterator[None]:
    workers = app.processes("dramatiq")
    for worker in workers:
        worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)


def _cpu_seconds(app: App) -> float:
    total = 0.0
    for worker in app.processes("dramatiq"):
        try:
            spent = worker.cpu_times()
        except psutil.Error:
            continue
        total += spent.user + spent.system
    return total


def _steady_rate(times: list[float]) -> float:
    """Answers per second while the queue was neither filling up nor running dry."""
    ordered = sorted(times)[-PICTURES:]
    steady = ordered[2 * IN_FLIGHT : -2 * IN_FLIGHT]
    return (len(steady) - 1) / (steady[-1] - steady[0])


def _seconds_to_copy(pictures: list[Path]) -> float:
    """CPU seconds to make the model's copy of one picture from its preview, with libvips alone."""
    previews = []
    for path in pictures:
        image = pyvips.Image.new_from_file(str(path))
        previews.append(image.webpsave_buffer(Q=78, effort=1, keep="none"))
    for measured in (False, True):
        started = time.process_time()
        for preview in previews:
            small = pyvips.Image.thumbnail_buffer(preview, 1024, height=1024, size="down")
            small.jpegsave_buffer(Q=85, keep="none")
        if measured:
            return (time.process_time() - started) / len(previews)
    raise AssertionError
