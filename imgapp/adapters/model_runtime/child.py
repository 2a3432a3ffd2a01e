"""The model's process: runs llama.cpp's server on loopback until it is ended (inference server).

Started by `runtime.py` with an environment that holds its job and nothing else. It says where it
listens in a file, once the model is loaded. Exit code `REFUSED`: llama.cpp does not take the files;
why is in what it printed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

JOB = "IMGAPP_MODEL_JOB"
REFUSED = 3
CONTEXT_TOKENS = 8192
_ROOM_BYTES = 4 * 1024**3
_KILLED_FIRST = "800"
_WARNINGS = 2
_TICK, _QUIET_TICKS = 0.05, 10


def main() -> None:
    """Serve until a signal comes, or whoever started this is gone."""
    job: dict[str, Any] = json.loads(os.environ.pop(JOB))
    parent = os.getppid()
    _limit_resources(job)
    import xllamacpp

    try:
        server = xllamacpp.Server(_parameters(job))
    except RuntimeError as error:
        print(error, file=sys.stderr, flush=True)
        _wait_for_log()
        os._exit(REFUSED)  # its threads are of no use any more, and may hang
    # llama.cpp would only stop its loop, and this process go on without it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _say(Path(job["state"]), {"base_url": server.listening_address, "api_key": job["api_key"]})
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def _wait_for_log() -> None:
    """Let llama.cpp write why: its log has a thread of its own, which nothing tells us of."""
    size, quiet = -1, 0
    for _ in range(100):
        before, size = size, os.fstat(sys.stdout.fileno()).st_size
        quiet = quiet + 1 if before == size else 0
        if quiet == _QUIET_TICKS:
            return
        time.sleep(_TICK)


def _limit_resources(job: dict[str, Any]) -> None:
    """Memory of its own only: the model's file is mapped, and counts as the kernel's cache."""
    most = 2 * int(job["bytes"]) + _ROOM_BYTES
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)
    with suppress(OSError):  # a worker may have gone further down already
        os.setpriority(os.PRIO_PROCESS, 0, job["niceness"])
    with suppress(OSError):
        # Linux weighs sessions against one another before processes ("autogroup", sched(7)).
        Path("/proc/self/autogroup").write_text(str(job["niceness"]))


def _parameters(job: dict[str, Any]) -> Any:
    import xllamacpp

    given = xllamacpp.CommonParams()
    given.model.path = job["model"]
    if job["projector"]:
        given.mmproj.path = job["projector"]
    given.model_alias = {job["name"]}
    given.hostnames = ["127.0.0.1"]
    given.port = 0
    given.api_keys = [job["api_key"]]
    given.offline = True
    given.ui = False
    given.endpoint_slots = False
    given.verbosity = _WARNINGS
    given.n_parallel = 1
    given.n_ctx = CONTEXT_TOKENS
    given.n_ctx_checkpoints = 0
    given.cache_ram_mib = 0  # else it keeps 8 GiB of what it was asked
    for processors in (given.cpuparams, given.cpuparams_batch):
        processors.n_threads = job["threads"]
        processors.poll = 0
    return given


def _say(path: Path, state: dict[str, Any]) -> None:
    """Appear at once, readable for nobody else."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(state, file)
    fresh.rename(path)


if __name__ == "__main__":
    main()
