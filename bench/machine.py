"""The machine's own speed: three short fixed tasks (a calibration), on one core and on all."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

WIDTH, HEIGHT = 4032, 3024


def speed() -> dict[str, float]:
    """Seconds that each task takes, and takes with one on every core (`…_all`: the slowest), and
    how many `cores` there are. Takes a few seconds."""
    cores = os.cpu_count() or 1
    found: dict[str, float] = {"cores": cores}
    # Forked, they would wait for threads of libvips that only the parent has.
    with ProcessPoolExecutor(cores, get_context("spawn"), _prepare) as pool:
        list(pool.map(_seconds, ["resize"] * cores))
        for name in TASKS:
            for key, count in ((name, 1), (f"{name}_all", cores)):
                found[key] = max(pool.map(_seconds, [name] * count))
    return found


def _prepare() -> None:
    global _jpeg
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    clouds = pyvips.Image.perlin(WIDTH, HEIGHT, cell_size=64, seed=1) * 60 + 128
    _jpeg = clouds.cast("uchar").jpegsave_buffer(Q=86)


_jpeg = b""


def _seconds(name: str) -> float:
    started = time.perf_counter()
    TASKS[name]()
    return time.perf_counter() - started


def _loop() -> None:
    total = 0
    for number in range(2_000_000):
        total += number & 7


def _sha256() -> None:
    block, digest = bytes(1_000_000), hashlib.sha256()
    for _ in range(150):
        digest.update(block)


def _resize() -> None:
    import pyvips

    for _ in range(2):
        # Not the quickest way, which reads a JPEG at an eighth of its size.
        image = pyvips.Image.new_from_buffer(_jpeg, "").resize(0.2)
        image.write_to_memory()


TASKS: dict[str, Callable[[], None]] = {"loop": _loop, "sha256": _sha256, "resize": _resize}
