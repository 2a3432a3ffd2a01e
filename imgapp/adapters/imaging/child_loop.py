"""The child's loop: answers jobs from standard input within limits of memory and time (sandbox).

Started by `pool.py` as a plain new process with an empty environment, so that a file which takes
it over finds no secret, no connection and no memory of the server. One line of JSON in, a job with
`seconds` and perhaps `cpu_seconds`; one line of JSON out.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

Job = dict[str, Any]


def serve(answer: Callable[[Job], dict[str, Any]]) -> None:
    """Answer jobs until standard input ends."""
    answers = _private_stdout()
    for line in sys.stdin.buffer:
        job = json.loads(line)
        # The kernel ends this process if the job hangs and nobody is left to end it; and if it
        # takes too much of the processors, which on a busy machine is long before that.
        signal.setitimer(signal.ITIMER_REAL, job["seconds"] + 2)
        signal.setitimer(signal.ITIMER_PROF, job.get("cpu_seconds", 0))
        answered = answer(job)
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(json.dumps(answered).encode() + b"\n")
        answers.flush()


def limit_resources(*, memory: int, file_size: int) -> None:
    """Of this process, in bytes: its address space, and of each file that it writes."""
    with suppress(ValueError, OSError):  # macOS does not know this limit.
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))


def _private_stdout() -> BinaryIO:
    """Keep the pipe for answers: what libraries print goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers
