"""The supervisor: keeps a set of programs and servers running, and ends them all together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from imgapp.adapters.processes import end_processes, spawn
from imgapp.errors import ImgappError

_MARK = "IMGAPP_SUPERVISOR"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STEADY_SECONDS = 60.0  # after running so long, a failure counts as the first
_TICK, _STEADY_TICK = 0.2, 1.0
"""Seconds between looks at the children: while something is waited for, and else."""


class Supervised(Protocol):
    """What can be supervised: a program of ours, or an embedded server."""

    process: subprocess.Popen[bytes] | None

    def start(self) -> object: ...

    def stop(self) -> None: ...


@dataclass
class Program:
    """A command that runs in a session of its own; what it prints goes to `say`, line by line."""

    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    say: Callable[[str], None]
    process: subprocess.Popen[bytes] | None = None
    _asked: bool = False

    def start(self) -> None:
        """Start it, ending first what an earlier run of it left behind."""
        self._end_group(0)
        self._asked = False
        self.process = spawn(self.command, env=self.env, cwd=self.cwd, stdout=subprocess.PIPE)
        threading.Thread(target=self._relay, args=(self.process,), daemon=True).start()

    def stop(self, seconds: float = 4.0) -> None:
        """Ask it to end, wait so many seconds, and kill what is left of its session."""
        self.ask_to_end()
        self._end_group(seconds)

    def ask_to_end(self) -> None:
        """Send SIGTERM, once: Dramatiq drops its work when a second one comes."""
        if self.process is not None and not self._asked and self.process.poll() is None:
            self._asked = True
            self.process.terminate()

    def _end_group(self, seconds: float) -> None:
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _relay(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as output:
            for line in output:
                self.say(line.decode(errors="replace").rstrip())


@dataclass
class _Watched:
    name: str
    child: Supervised
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float | None = None


@dataclass
class Supervisor:
    """Starts children in order, restarts those that die, and stops them in the opposite order."""

    say: Callable[[str], None]
    _watched: list[_Watched] = field(default_factory=list)

    def start(self, name: str, child: Supervised) -> None:
        """Start a child and look after it from now on."""
        watched = _Watched(name, child)
        self._watched.append(watched)
        child.start()
        watched.started = time.monotonic()

    def watch(self, until: Callable[[], bool], seconds: float | None = None) -> bool:
        """Restart what dies until `until` holds; False if that took more than `seconds`."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not until():
            if deadline is not None and time.monotonic() > deadline:
                return False
            for watched in self._watched:
                self._look_after(watched)
            restarting = any(watched.due is not None for watched in self._watched)
            time.sleep(_TICK if restarting or seconds is not None else _STEADY_TICK)
        return True

    def _look_after(self, watched: _Watched) -> None:
        process = watched.child.process
        now = time.monotonic()
        if watched.due is None:
            if process is not None and process.poll() is None:
                return
            if now - watched.started > _STEADY_SECONDS:
                watched.pause = _FIRST_PAUSE
            how = _how_it_ended(process)
            self.say(f"{watched.name} {how}; starting it again in {watched.pause:g} s")
            watched.due = now + watched.pause
            watched.pause = min(watched.pause * 2, _LONGEST_PAUSE)
        elif now >= watched.due:
            watched.due = None
            try:
                watched.child.start()
            except (ImgappError, OSError) as error:
                self.say(f"{watched.name} did not start: {error}")
            watched.started = time.monotonic()

    def stop(self) -> None:
        """Stop every child: all programs at once, then the servers that they use."""
        programs = [w.child for w in self._watched if isinstance(w.child, Program)]
        for program in programs:
            program.ask_to_end()
        for program in programs:
            program.stop()
        for watched in reversed(self._watched):
            if not isinstance(watched.child, Program):
                watched.child.stop()
        self._watched.clear()


def _how_it_ended(process: subprocess.Popen[bytes] | None) -> str:
    code = None if process is None else process.returncode
    if code is None:
        return "is not running"
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def marked_environment(base: Mapping[str, str], data_dir: Path) -> dict[str, str]:
    """An environment by which a later run recognises what this one left behind."""
    return {**base, _MARK: str(data_dir)}


def end_left_behind(data_dir: Path) -> int:
    """End marked processes of an earlier run on this data folder; how many there were."""
    left = [
        p for p in psutil.process_iter() if p.pid != os.getpid() and _mark_of(p) == str(data_dir)
    ]
    end_processes(left, ((signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)))
    return len(left)


def _mark_of(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(_MARK)
    return None
