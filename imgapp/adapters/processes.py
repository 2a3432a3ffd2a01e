"""Child processes: starts them so that they never outlive imgapp, ends them without stragglers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    user: int | None = None,
    group: int | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` as the leader of its own session.

    The kernel sends it `death_signal` when the calling thread ends, so call this from the main one.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        cwd=cwd,
        env=None if env is None else dict(env),
        user=user,
        group=group,
        extra_groups=None if user is None else [],
        start_new_session=True,
        preexec_fn=_die_with_parent(death_signal),
    )


def _die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """What the child calls last before exec: a change of user resets the parent-death signal."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange


def processes_in(folder: Path, names: Iterable[str]) -> list[psutil.Process]:
    """Live processes called one of `names` whose working directory is `folder`."""
    wanted, target, found = set(names), str(folder.resolve()), []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] not in wanted:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == target and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_processes(
    processes: Sequence[psutil.Process], signals: Sequence[tuple[signal.Signals, float]]
) -> None:
    """Send each signal in turn, waiting so many seconds after it, until every process is gone."""
    alive = list(processes)
    for number, seconds in signals:
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        _, alive = psutil.wait_procs(alive, timeout=seconds)
        alive = [process for process in alive if not is_zombie(process)]
        if not alive:
            return


def end_in_steps(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send one signal after the other, each with its seconds, until the process ends."""
    for number, seconds in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)


def is_zombie(process: psutil.Process) -> bool:
    """Whether it has ended and only waits for its parent to notice."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Whether `condition` came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
