"""The model runtime: one llama.cpp server per model and machine, for as long as it is used (lease).

Whoever wants it holds a shared lock. The first one starts the server from a thread of its own, and
holds the owner's lock for as long as it runs; the others read from a file where it listens. It ends
when nobody used it for a while, when its owner ends, or when its model is removed.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

import psutil

import imgapp
from imgapp.adapters.cores import cpu_count
from imgapp.adapters.embedded.locks import FileLock
from imgapp.adapters.model_runtime.child import JOB
from imgapp.adapters.model_runtime.model_folder import InstalledModel
from imgapp.adapters.model_runtime.refusals import why
from imgapp.adapters.processes import spawn, wait_until
from imgapp.errors import PermanentDescriberError, TransientDescriberError

log = logging.getLogger(__name__)

IDLE_SECONDS = 600.0
START_SECONDS = 300.0
_STEADY_SECONDS = 60.0
"""After running so long, a failure counts as the first."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
_TICK = 0.1
_ROOM_BYTES = 500_000_000
_NICENESS = 10
_OPENMP = "libgomp.so.1"

_CHILD = (sys.executable, "-P", "-m", "imgapp.adapters.model_runtime.child")


@dataclass(frozen=True)
class Endpoint:
    """Where an OpenAI client finds the model: `base_url` ends in /v1, `model` is its name there."""

    base_url: str
    api_key: str
    model: str


class ModelRuntime:
    """The server of one model."""

    def __init__(
        self,
        folder: Path,
        model: InstalledModel,
        *,
        idle_seconds: float = IDLE_SECONDS,
        start_seconds: float = START_SECONDS,
        threads: int | None = None,
    ) -> None:
        """`folder` is where locks, state and log are: the same for all who share the server."""
        self.folder, self.model = folder, model
        self.idle_seconds, self.start_seconds = idle_seconds, start_seconds
        self.threads = threads or cpu_count()
        self.users, self.state = folder / "users.lock", folder / "state.json"
        self.failure, self.log = folder / "failure.json", folder / "log"

    @contextmanager
    def lease(self) -> Iterator[Endpoint]:
        """Use the server, which is started if it has to be; a minute or more where disks are slow.

        Raises PermanentDescriberError (`model_unusable`, `model_runtime_missing`) and
        TransientDescriberError (`model_not_running`), whose `retry_after` is the pause.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(self.users) as using:
            using.acquire(shared=True, wait=True)
            try:
                yield self._endpoint()
            finally:
                os.utime(self.users)

    def is_running(self) -> bool:
        """Whether the server runs, here or in another process."""
        if not self.folder.is_dir():
            return False
        with FileLock(self.folder / "owner.lock") as owner:
            return not owner.acquire()

    def _endpoint(self) -> Endpoint:
        deadline = time.monotonic() + self.start_seconds + 5
        while time.monotonic() < deadline:
            owner = FileLock(self.folder / "owner.lock")
            if owner.acquire():
                try:
                    self._check_start()
                    self.state.unlink(missing_ok=True)
                    _Keeper(self, owner).start()
                except BaseException:
                    owner.release()
                    raise
            if (endpoint := self._read_state()) is not None:
                return endpoint
            time.sleep(_TICK / 2)
        raise TransientDescriberError(
            f"The model {self.model.name} did not start in time", code="model_not_running"
        )

    def _read_state(self) -> Endpoint | None:
        state = _read(self.state)
        if not state:
            return None
        return Endpoint(f"{state['base_url']}/v1", state["api_key"], self.model.name)

    def _check_start(self) -> None:
        """Raises if there is no use in starting it now."""
        if (missing := missing_runtime()) is not None:
            raise PermanentDescriberError(missing, code="model_runtime_missing")
        failed = _read(self.failure)
        if (refused := failed.get("signature")) is not None:
            if refused == self.signature():
                raise PermanentDescriberError(failed["sentence"], code="model_unusable")
            failed = {}  # other files: nothing is known of them
        pause = float(failed.get("not_before", 0)) - time.time()
        if 0 < pause <= _LONGEST_PAUSE:
            raise TransientDescriberError(
                failed["sentence"], code="model_not_running", retry_after=pause
            )
        wanted, free = self.model.size + _ROOM_BYTES, psutil.virtual_memory().available
        if wanted > free:
            raise TransientDescriberError(
                f"The model {self.model.name} needs about {wanted / 1e9:.1f} GB of memory, and"
                f" {free / 1e9:.1f} GB are free",
                code="model_not_running",
                retry_after=_LONGEST_PAUSE,
            )

    def signature(self) -> list[Any]:
        """Changes with the files and with llama.cpp: then a model that was refused may be taken."""
        files = [self.model.model, *([self.model.projector] if self.model.projector else [])]
        facts: list[Any] = [metadata.version("xllamacpp")]
        for path in files:
            with suppress(OSError):
                status = path.stat()
                facts += [status.st_size, status.st_mtime_ns]
        return facts

    def note_failure(self, code: int | None, *, healthy_seconds: float) -> None:
        """Keep why it failed, and when it may be tried again."""
        reason, lasts = why(code, self.log)
        count = (
            1 if healthy_seconds > _STEADY_SECONDS else int(_read(self.failure).get("count", 0)) + 1
        )
        pause = min(_FIRST_PAUSE * 2 ** (min(count, 20) - 1), _LONGEST_PAUSE)
        noted = {
            "sentence": f"The model {self.model.name} does not run: {reason}",
            "count": count,
            "not_before": time.time() + pause,
            "signature": self.signature() if lasts and healthy_seconds == 0 else None,
        }
        log.warning("model_runtime_failed", extra={"model": self.model.name, "reason": reason})
        fresh = self.failure.with_suffix(".new")
        fresh.write_text(json.dumps(noted))
        fresh.rename(self.failure)


class _Keeper(threading.Thread):
    """Starts the server and watches it. The kernel ends the server with the thread."""

    def __init__(self, runtime: ModelRuntime, owner: FileLock) -> None:
        super().__init__(name=f"model {runtime.model.name}", daemon=True)
        self._runtime, self._owner = runtime, owner

    def run(self) -> None:
        runtime, healthy_since = self._runtime, None
        try:
            process = self._spawn()
            try:
                if wait_until(lambda: self._settled(process), runtime.start_seconds, _TICK):
                    healthy_since = time.monotonic() if runtime.state.exists() else None
                if healthy_since is not None:
                    self._watch(process)
                ended = process.poll()
            finally:
                runtime.state.unlink(missing_ok=True)
                _kill(process)
            if healthy_since is None or ended is not None:
                seconds = 0.0 if healthy_since is None else time.monotonic() - healthy_since
                runtime.note_failure(ended, healthy_seconds=seconds)
            else:
                runtime.failure.unlink(missing_ok=True)
        except OSError:
            log.exception("model_runtime_failed")
        finally:
            self._owner.release()

    def _settled(self, process: subprocess.Popen[bytes]) -> bool:
        return self._runtime.state.exists() or process.poll() is not None

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Return when it has ended, or is not wanted any more. Newcomers wait until it is gone."""
        runtime = self._runtime
        while process.poll() is None and runtime.model.model.exists():
            if time.time() - runtime.users.stat().st_mtime > runtime.idle_seconds:
                users = FileLock(runtime.users)
                if users.acquire():
                    with users:
                        runtime.state.unlink(missing_ok=True)
                        return
            time.sleep(_TICK)

    def _spawn(self) -> subprocess.Popen[bytes]:
        runtime = self._runtime
        model = runtime.model
        job = {
            "name": model.name,
            "model": str(model.model),
            "projector": str(model.projector) if model.projector else "",
            "bytes": model.size,
            "threads": runtime.threads,
            "niceness": _NICENESS,
            "state": str(runtime.state),
            "api_key": secrets.token_urlsafe(32),
        }
        # Nothing else of the server's environment: there are secrets in it.
        env = {
            JOB: json.dumps(job),
            "PYTHONPATH": str(Path(imgapp.__file__).parents[1]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
            # Else its threads spin while they wait for each other, at every step: beside other
            # work on 2 processors 100 tokens of a tiny model took 27 s, and take 0.5 s so.
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        with runtime.log.open("wb") as output:
            return spawn(_CHILD, death_signal=signal.SIGKILL, cwd=Path("/"), env=env, stdout=output)


def missing_runtime() -> str | None:
    """What to install, if llama.cpp cannot run here: a sentence without its full stop."""
    if util.find_spec("xllamacpp") is None:
        return (
            "A model of one's own runs by llama.cpp, which has no wheel for this system: build it"
            " with `pip install xllamacpp`, or connect a server"
        )
    if sys.platform == "linux":
        try:
            ctypes.CDLL(_OPENMP)
        except OSError:
            return (
                f"A model of one's own runs by llama.cpp, which needs {_OPENMP}: install Debian's"
                " libgomp1, or what it is called elsewhere"
            )
    return None


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
