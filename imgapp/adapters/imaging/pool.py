"""The decoder pool: hands pictures to child processes and survives whatever becomes of them."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import imgapp
from imgapp import errors
from imgapp.adapters.cores import cpu_count
from imgapp.errors import DamagedImage, RejectedFile, ServiceUnavailable, TooComplex

log = logging.getLogger(__name__)

DECODE_SECONDS = 8.0
IDLE_SECONDS = 30.0
WAIT_SECONDS = 120.0
_JOBS_PER_CHILD = 200
_LOOK_SECONDS = 0.006
"""Those who wait for a slot look so often: a decoder has work for ten times as long."""
_LONGEST_ANSWER = 1_000_000
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC

DECODER = (sys.executable, "-P", "-m", "imgapp.adapters.imaging.child")
_ENVIRONMENT = {
    "PYTHONPATH": str(Path(imgapp.__file__).parents[1]),
    "PYTHONDONTWRITEBYTECODE": "1",
    "VIPS_CONCURRENCY": "1",
    "VIPS_DISC_THRESHOLD": "3g",
    "MALLOC_ARENA_MAX": "2",
    # Of those who reckon: each thread has its memory, and the machine its share of children.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class ChildLost(Exception):
    """The child ended without an answer."""


class DecoderProcess:
    """One decoder process."""

    def __init__(self, command: Sequence[str] = DECODER) -> None:
        # Nothing of the server's environment: a decoder that was taken over finds no secret in it.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
            bufsize=0,
        )
        self.jobs = 0
        self.idle_since = 0.0

    def run(self, job: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Answer one job. Raises TimeoutError and ChildLost; either leaves the child useless."""
        self.jobs += 1
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(job).encode() + b"\n")
        except OSError as error:
            raise ChildLost from error
        deadline = time.monotonic() + seconds
        answer = bytearray()
        while not answer.endswith(b"\n"):
            answer += self._read(stdout.fileno(), deadline)
            if len(answer) > _LONGEST_ANSWER:
                raise ChildLost
        return dict(json.loads(answer))

    def _read(self, pipe: int, deadline: float) -> bytes:
        readable = select.poll()
        readable.register(pipe, select.POLLIN)
        if not readable.poll(max(0, deadline - time.monotonic()) * 1000):
            raise TimeoutError
        data = os.read(pipe, 65536)
        if not data:
            raise ChildLost
        return data

    def end(self) -> None:
        """Kill the process and collect it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


class DecoderPool:
    """Children of this process; `slots` of them, machine-wide, are busy at a time.

    Pools of one `name` share the slots, and wait `patience` seconds for one.
    """

    def __init__(
        self,
        slots: int | None = None,
        command: Sequence[str] = DECODER,
        *,
        name: str = "decoder",
        patience: float | None = None,
    ) -> None:
        self._slots = slots or cpu_count()
        self._command = command
        self._name = name
        self._patience = patience
        self._turns = threading.BoundedSemaphore(self._slots)
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._reaper: threading.Timer | None = None

    def run(
        self,
        job: dict[str, Any],
        run_dir: Path,
        seconds: float = DECODE_SECONDS,
        *,
        bulk: bool = False,
    ) -> dict[str, Any]:
        """Have one picture decoded. Raises RejectedFile; ServiceUnavailable when all are busy.

        `run_dir` is where all processes of the machine lock their slots. Bulk work takes none
        while somebody else waits for one.
        """
        with self._slot(run_dir, bulk):
            child = self._take()
            used = child.jobs > 0
            try:
                answer = self._run(child, job, seconds)
            except ChildLost:
                if not used:
                    raise DamagedImage("The file is damaged: it made the decoder fail.") from None
                # An earlier picture may have left this child broken: not this picture's fault.
                answer = self._run_alone(job, seconds)
        if "rejected" in answer:
            raise _rejection(answer)
        return dict(answer["done"])

    def _run_alone(self, job: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            return self._run(DecoderProcess(self._command), job, seconds)
        except ChildLost:
            raise DamagedImage("The file is damaged: it made the decoder fail.") from None

    def _run(self, child: DecoderProcess, job: dict[str, Any], seconds: float) -> dict[str, Any]:
        try:
            answer = child.run(job | {"seconds": seconds}, seconds)
        except TimeoutError:
            child.end()
            raise TooComplex("The picture is too complex: it takes too long to open.") from None
        except BaseException:
            child.end()
            raise
        self._give_back(child)
        return answer

    def _take(self) -> DecoderProcess:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return DecoderProcess(self._command)

    def _give_back(self, child: DecoderProcess) -> None:
        if child.jobs >= _JOBS_PER_CHILD:
            child.end()
            return
        child.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(child)
            if self._reaper is None:
                self._start_reaper()

    def _start_reaper(self) -> None:
        self._reaper = threading.Timer(IDLE_SECONDS / 2, self._reap)
        self._reaper.daemon = True
        self._reaper.start()

    def _reap(self) -> None:
        """End the children that were idle for long."""
        oldest = time.monotonic() - IDLE_SECONDS
        with self._lock:
            ended = [child for child in self._idle if child.idle_since <= oldest]
            self._idle = [child for child in self._idle if child.idle_since > oldest]
            self._reaper = None
            if self._idle:
                self._start_reaper()
        for child in ended:
            child.end()

    def is_busy(self, run_dir: Path) -> bool:
        """Whether any process of the machine has a picture decoded now."""
        with ExitStack() as opened, suppress(FileNotFoundError):
            slots = (self._open_lock(run_dir, name, opened) for name in range(self._slots))
            # Shared, so that two who look do not find each other.
            return not all(_locked(slot, fcntl.LOCK_SH) for slot in slots)
        return False

    def shutdown(self) -> None:
        """End all idle children."""
        with self._lock:
            ended, self._idle = self._idle, []
            if self._reaper is not None:
                self._reaper.cancel()
                self._reaper = None
        for child in ended:
            child.end()

    @contextmanager
    def _slot(self, run_dir: Path, bulk: bool) -> Iterator[None]:
        """Hold one of the machine's slots, which web processes and the command line share."""
        patience = self._patience or WAIT_SECONDS
        deadline = time.monotonic() + patience
        if not self._turns.acquire(timeout=patience):
            raise ServiceUnavailable("Too many pictures are being opened at the moment.")
        try:
            handle = self._wait_for_a_slot(run_dir, deadline, bulk)
            try:
                yield
            finally:
                os.close(handle)
        finally:
            self._turns.release()

    def _wait_for_a_slot(self, run_dir: Path, deadline: float, bulk: bool) -> int:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as opened:
            # Opened once, however often they are asked for.
            waiting, *slots = (
                self._open_lock(run_dir, name, opened) for name in ("waiting", *range(self._slots))
            )
            while time.monotonic() < deadline:
                # Shared by those who wait; whoever can have it alone finds nobody waiting.
                may_go = _locked(waiting, fcntl.LOCK_EX) if bulk else True
                free = (one for one in slots if may_go and _locked(one, fcntl.LOCK_EX))
                if (mine := next(free, None)) is not None:
                    # What holds a lock is the open file, which the copy keeps open.
                    return os.dup(mine)
                fcntl.flock(waiting, fcntl.LOCK_UN if bulk else fcntl.LOCK_SH)
                time.sleep(_LOOK_SECONDS)
        raise ServiceUnavailable("Too many pictures are being opened at the moment.")

    def _open_lock(self, run_dir: Path, name: str | int, opened: ExitStack) -> int:
        handle = os.open(run_dir / f"{self._name}-{name}.lock", _LOCK_FLAGS, 0o600)
        opened.callback(os.close, handle)
        return handle


def _locked(handle: int, mode: int) -> bool:
    """Whether the lock could be had at once."""
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _rejection(answer: dict[str, Any]) -> RejectedFile:
    kind = getattr(errors, answer["rejected"])
    rejection: RejectedFile = kind(answer["detail"])
    return rejection
