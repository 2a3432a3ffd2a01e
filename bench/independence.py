"""Upload time with a model that takes 10 s over one that takes 10 ms."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.ingest import upload
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.support.openai_server import OpenAIServer
from tests.support.running import running_app, wait_for_all_described

ROUNDS, PICTURES = 4, 8


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name, OpenAIServer() as model:
        pictures = iter(
            copies(
                make_camera_jpegs(Path(name) / "originals", 8),
                Path(name) / "pictures",
                2 * ROUNDS * PICTURES + 4,
            )
        )
        seconds: dict[float, list[float]] = {0.01: [], 10.0: []}
        with (
            running_app(OPENAI_BASE_URL=model.url, OPENAI_API_KEY="bench") as app,
            app.client() as client,
        ):
            for _ in range(4):
                upload(client, next(pictures))
            for round_ in range(2 * ROUNDS):
                # Slow, fast, fast, slow, …: drift of the machine falls on both alike.
                delay = 10.0 if round_ % 4 in (0, 3) else 0.01
                wait_for_all_described(app)
                model.delay = delay
                for _ in range(PICTURES):
                    started = time.perf_counter()
                    upload(client, next(pictures))
                    seconds[delay].append(time.perf_counter() - started)
            model.delay = 0.01
    slow, fast = (statistics.median(seconds[delay]) for delay in (10.0, 0.01))
    yield Result(
        "independence",
        slow / fast,
        f"median upload {slow * 1000:.0f} ms with a model that takes 10 s, "
        f"{fast * 1000:.0f} ms with one that takes 10 ms",
        low=0.9,
        high=1.1,
    )
