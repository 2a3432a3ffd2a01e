"""Pictures per second through HTTP upload, both renditions stored, against libvips alone."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from bench.peer import seconds_for_renditions
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.support.running import App, running_app

PICTURES = 48
LIMIT = 0.7


def upload(client: httpx.Client, picture: Path) -> None:
    """Upload one picture; raises when it is not stored."""
    with picture.open("rb") as file:
        answer = client.post("/api/upload", files={"files": (picture.name, file)})
    if answer.status_code != 202 or answer.json()["rejected"]:
        raise RuntimeError(f"{picture.name}: {answer.status_code} {answer.text[:300]}")


def upload_all(app: App, pictures: list[Path], *, at_once: int) -> float:
    """Seconds to upload all pictures, `at_once` at a time."""
    with app.client() as client, ThreadPoolExecutor(at_once) as pool:
        started = time.perf_counter()
        list(pool.map(lambda picture: upload(client, picture), pictures))
        return time.perf_counter() - started


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", 12)
        # One worker thread on `basic`: the analysis shares the cores, as it would in life.
        with running_app(IMGAPP_VISION="basic", IMGAPP_WORKER_THREADS="1") as app:
            upload_all(app, copies(originals, folder / "warm-up", 4), at_once=4)
            ratios = []
            for round_ in range(3):
                pictures = copies(originals, folder / f"round-{round_}", PICTURES)
                pictures = [p.rename(p.with_name(f"{round_}-{p.name}")) for p in pictures]
                for picture in pictures:
                    with picture.open("ab") as file:
                        file.write(f"round {round_}".encode())
                ours = upload_all(app, pictures, at_once=2 * (os.cpu_count() or 1))
                theirs = seconds_for_renditions(pictures, folder / "peer")
                ratios.append((theirs / ours, PICTURES / ours, PICTURES / theirs))
    ratio, ours_rate, peer_rate = sorted(ratios)[1]
    yield Result(
        "ingest",
        ratio,
        f"{ours_rate:.1f} pictures/s through HTTP, {peer_rate:.1f} with libvips alone "
        f"(median of 3 rounds of {PICTURES} camera JPEGs of 2 MB)",
        low=LIMIT,
    )
