"""Memory of every process of ours while 2 GB are imported: as flat at the end as at the start."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.pictures import copies, make_camera_jpegs
from bench.report import Result
from tests.support.running import EMAIL, REPO, App, running_app

BYTES = 2_000_000_000
LIMIT = 1.15
"""How much more the last quarter may take than the first."""
ORIGINALS = 12
WARM_UP = 0.05
"""The share of the import that is not looked at: programs load what they need."""
_EVERY = 0.5

_ROLES = {
    "web": r"imgapp\.web",
    "worker": r"dramatiq",
    "decoder": r"imaging\.child",
    "importer": r"imgapp import",
}


def run() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="imgapp-bench-") as name:
        folder = Path(name)
        originals = make_camera_jpegs(folder / "originals", ORIGINALS)
        size = sum(path.stat().st_size for path in originals) / len(originals)
        pictures = copies(originals, folder / "pictures", round(BYTES / size))
        with running_app(IMGAPP_VISION="basic") as app:
            began = time.monotonic()
            samples = _import(app, folder / "pictures")
            took = time.monotonic() - began
    for role in _ROLES:
        first, last = _quarters([sample[role] for sample in samples])
        yield Result(
            f"memory, import, {role}",
            last / first,
            f"{first / 1e6:.0f} MB resident in the first quarter and {last / 1e6:.0f} in the last "
            f"while {len(pictures)} pictures of {size / 1e6:.1f} MB came in within {took:.0f} s",
            high=LIMIT,
        )


def _import(app: App, folder: Path) -> list[dict[str, int]]:
    """Import the folder; bytes resident, by role, all the time meanwhile."""
    samples: list[dict[str, int]] = []
    command = [sys.executable, "-m", "imgapp", "import", str(folder), "--user", EMAIL]
    with (folder.parent / "import.log").open("wb") as log:
        importer = subprocess.Popen(command, env=app.env, cwd=REPO, stdout=log, stderr=log)
        done = threading.Event()
        sampler = threading.Thread(target=_sample, args=(app, importer.pid, samples, done))
        sampler.start()
        try:
            status = importer.wait()
        finally:
            done.set()
            sampler.join()
    if status != 0:
        raise RuntimeError((folder.parent / "import.log").read_text()[-2000:])
    return samples


def _sample(app: App, importer: int, samples: list[dict[str, int]], done: threading.Event) -> None:
    while not done.wait(_EVERY):
        sample: dict[str, int] = defaultdict(int)
        for process in _family(app, importer):
            try:
                command, resident = " ".join(process.cmdline()), process.memory_info().rss
            except psutil.Error:
                continue
            role = next((r for r, pattern in _ROLES.items() if re.search(pattern, command)), "")
            sample[role] += resident
        samples.append(sample)


def _family(app: App, importer: int) -> list[psutil.Process]:
    try:
        own = psutil.Process(importer)
        return [*app.processes(), own, *own.children(recursive=True)]
    except psutil.Error:
        return app.processes()


def _quarters(values: list[int]) -> tuple[float, float]:
    """Medians of the first and the last quarter, without the beginning."""
    values = values[round(len(values) * WARM_UP) :]
    quarter = max(len(values) // 4, 1)
    return statistics.median(values[:quarter]), statistics.median(values[-quarter:])
