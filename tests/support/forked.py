"""Processes of their own, forked from one that has imgapp imported already.

What is killed, or has to be a process for another reason, is not made to import everything again:
a fork takes milliseconds, a new interpreter two seconds.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.conftest",
        "imgapp.cli",
        "imgapp.cli.exports",
        "imgapp.cli.imports",
        "imgapp.services.accounts.administration",
        "imgapp.services.operations.store_migration",
        "imgapp.services.uploads.s3_completion",
    ]
)
_SECONDS_TO_START = 60


@pytest.fixture(scope="session")
def fork_server() -> Iterator[None]:
    """Ended with the tests; the first fork starts it."""
    # Its socket goes with the folder of the run, and not after it.
    multiprocessing.current_process()._config["tempdir"] = tempfile.mkdtemp(prefix="forks-")  # type: ignore[attr-defined]
    yield
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


@pytest.fixture
def kill_in(fork_server: None) -> Callable[..., None]:
    """`kill_in(target, *args)`: `target(stopped, *args)` is killed where it calls `stand_still`."""

    def kill(target: Callable[..., None], *args: object) -> None:
        # Not an event: its semaphores are removed whenever it is collected, the tracker of them may
        # be gone by then.
        told, stopped = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(
            target=_with_environment, args=(dict(os.environ), target, stopped, *args)
        )
        with told:
            with stopped:
                process.start()
            try:
                assert _stands_still(told), f"it ended: {process.exitcode}"
            finally:
                process.kill()
                _see_the_end_of(process)

    return kill


def _stands_still(told: Connection) -> bool:
    """Whether the moment has come, and not the end."""
    try:
        return told.poll(_SECONDS_TO_START) and bool(told.recv())
    except EOFError:
        return False


def _see_the_end_of(process: BaseProcess) -> None:
    process.join(10)
    # What it holds here goes now, and not when somebody collects it.
    process.close()


def stand_still(stopped: Connection) -> None:
    """Say that the moment has come, and wait for the end."""
    stopped.send(True)
    threading.Event().wait()


def run_command(*args: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """An `imgapp` command in a process of its own; needs the fixture `fork_server`."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = _CONTEXT.Process(
            target=_with_environment, args=(env, _command, list(map(str, args)), out, err)
        )
        process.start()
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join(10)
        code = process.exitcode or 0
        _see_the_end_of(process)
        return subprocess.CompletedProcess(
            args, code, out.read_bytes().decode(), err.read_bytes().decode()
        )


def _command(args: list[str], out: Path, err: Path) -> None:
    from imgapp.cli import main

    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv = ["imgapp", *args]
    main()


def _with_environment(env: dict[str, str], target: Callable[..., None], *args: object) -> None:
    os.environ.clear()
    os.environ.update(env)
    target(*args)
