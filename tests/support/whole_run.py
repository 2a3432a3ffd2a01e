"""One run of the tests, in one process or several: its folder, its order, and nothing left of it.

All that the run puts into a temporary folder is in one folder, its servers and browsers too, so
that what is left of it can be told from what others run, and goes with it however the run ends.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from xdist.scheduler import LoadFileScheduling

FOLDER = pytest.StashKey[Path]()
BEFORE = pytest.StashKey[str | None]()

# What takes long comes first, so that no worker is left with it when the others are through.
LONGEST_FIRST = ("browser", "migrations", "worker", "cli", "", "services", "api", "adapters", "ui")
TESTS = Path(__file__).parents[1]
BROWSER = "tests/browser/"
WITH_AN_APP_OF_THEIR_OWN = tuple(
    f"{BROWSER}test_{name}.py" for name in ("direct_uploads", "single_sign_on", "uploads")
)


class Scheduling(LoadFileScheduling):
    """A file of tests stays in one process, and so do all that share one app and one browser: two
    of each would leave nothing of two processors to who describes pictures, and stands back."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        shared = file.startswith(BROWSER) and file not in WITH_AN_APP_OF_THEIR_OWN
        return BROWSER if shared else file


def is_worker(config: pytest.Config) -> bool:
    """Whether another process gives this one its tests."""
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if is_worker(config):
        return
    folder = Path(tempfile.mkdtemp(prefix="imgapp-tests-"))
    # The embedded servers run as another user when this one is root.
    folder.chmod(0o711)
    config.stash[FOLDER], config.stash[BEFORE] = folder, os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if is_worker(config):
        items.sort(key=lambda item: (_rank(_part(item)), _has_its_own_app(item)))


def pytest_collection_finish() -> None:
    """Thousands of tests are objects that live on: the garbage collector need not look at them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _rank(part: str) -> int:
    return LONGEST_FIRST.index(part) if part in LONGEST_FIRST else len(LONGEST_FIRST)


def _has_its_own_app(item: pytest.Item) -> bool:
    return item.nodeid.startswith(WITH_AN_APP_OF_THEIR_OWN)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that is long as a whole takes long to read too."""
    left_out = config.getoption("markexpr") == "not long"
    return True if left_out and collection_path.name.startswith("test_long_") else None


def _part(item: pytest.Item) -> str:
    parts = item.path.relative_to(TESTS).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(
    session: pytest.Session, exitstatus: int
) -> Generator[None, object, object]:
    """After the fixtures, and after the workers: whoever is still there was forgotten by a test."""
    try:
        return (yield)
    finally:
        folder = session.config.stash.get(FOLDER, None)
        left = end_processes_of(folder) if folder else []
        if left and exitstatus == pytest.ExitCode.OK:
            print("\nThese processes outlived their tests:", *left, sep="\n  ")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is None:
        return
    before = config.stash[BEFORE]
    tempfile.tempdir = None
    if before is None:
        os.environ.pop("TMPDIR", None)
    else:
        os.environ["TMPDIR"] = before
    shutil.rmtree(folder, ignore_errors=True)


def end_processes_of(folder: Path) -> list[str]:
    """Kill what the run began and left; what that was."""
    left = [one for one in psutil.process_iter() if one.pid != os.getpid() and _is_of(one, folder)]
    said = []
    for process in left:
        with suppress(psutil.Error):
            said.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
            process.kill()
    psutil.wait_procs(left, timeout=10)
    return said


def _is_of(process: psutil.Process, folder: Path) -> bool:
    """Whether its environment, working folder or command line has the run's folder in it."""
    for ask in (process.environ, process.cwd, process.cmdline):
        with suppress(psutil.Error, OSError):
            if str(folder) in str(ask()):
                return True
    return False
