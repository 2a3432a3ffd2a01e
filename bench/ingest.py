"""Pictures per second taken in, renditions stored, by REST and by CLI, against libvips alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from bench.peer import seconds_for_renditions
from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.support.running import EMAIL, REPO, App, running_app

PICTURES = 500
LIMIT = 1.0
_ASIDE = 50
"""Pictures that the peer does once more, decoding them at a half as imgapp does."""


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


def import_all(app: App, folder: Path) -> float:
    """Seconds to import a folder of pictures, the start of the command included."""
    command = [sys.executable, "-m", "imgapp", "import", str(folder), "--user", EMAIL]
    started = time.perf_counter()
    subprocess.run(command, env=app.env, cwd=REPO, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", 12)
        # One worker thread on `basic`: the analysis shares the cores, as it would in life.
        with running_app(IMGAPP_VISION="basic", IMGAPP_WORKER_THREADS="1") as app:
            warm_up = copies(originals, folder / "warm-up", 4, note="warm-up")
            upload_all(app, warm_up, at_once=4)
            sent = copies(originals, folder / "sent", PICTURES, note="sent")
            half = PICTURES // 2
            # The machine's own speed varies: a half of the peer's work is before, a half after.
            theirs = seconds_for_renditions(sent[:half], folder / "peer")
            by_rest = upload_all(app, sent, at_once=2 * (os.cpu_count() or 1))
            ours = _rendition_bytes(Path(app.env["IMGAPP_DATA_DIR"]).rglob("*.webp"))
            copies(originals, folder / "imported", PICTURES, note="imported")
            by_command = import_all(app, folder / "imported")
            theirs += seconds_for_renditions(sent[half:], folder / "peer")
            aside = seconds_for_renditions(sent[:_ASIDE], folder / "halved", shrink=2)
            peers = _rendition_bytes((folder / "peer").iterdir())
    for way, seconds in (("REST", by_rest), ("command", by_command)):
        yield Result(
            f"ingest, {way}",
            theirs / seconds,
            f"{PICTURES / seconds:.1f} pictures/s ({PICTURES} camera JPEGs of 2 MB), "
            f"{PICTURES / theirs:.1f} with libvips alone, "
            f"{_ASIDE / aside:.1f} if it is told to decode them at a half",
            low=LIMIT,
        )
    ours_each, peers_each = ours / (PICTURES + len(warm_up)), peers / PICTURES
    yield Result(
        "ingest, bytes of renditions",
        ours_each / peers_each,
        f"{ours_each / 1e3:.1f} kB a picture, {peers_each / 1e3:.1f} of libvips alone",
        high=1.0,
    )


def _rendition_bytes(files: Iterable[Path]) -> int:
    """Of previews and thumbnails."""
    return sum(file.stat().st_size for file in files)
