"""Programs: build the commands that start a worker and the web processes."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

from imgapp.adapters.cores import cpu_count
from imgapp.adapters.frontend import ROOT, serving_environment
from imgapp.adapters.supervisor import Program, marked_environment
from imgapp.cli.environment import variables_of
from imgapp.errors import ConfigurationError, ServiceUnavailable
from imgapp.settings import Settings

_MOST_THREADS = 32
"""In one process: 64 wait for one another's bytecode longer than two processes cost in memory."""


def web_program(settings: Settings, say: Callable[[str], None]) -> Program:
    """Granian with `web_processes` workers, serving page, websocket and API on one port."""
    command = [sys.executable, "-m", "imgapp.web"]
    return Program(command, serving_environment(_environment(settings)), ROOT, say)


def worker_program(settings: Settings, say: Callable[[str], None]) -> Program:
    """Dramatiq with `worker_threads` threads, in several processes where they are many."""
    processes = min(cpu_count(), -(-settings.worker_threads // _MOST_THREADS))
    command = [sys.executable, "-m", "dramatiq", "imgapp.worker", "--processes", str(processes)]
    command += ["--threads", str(-(-settings.worker_threads // processes))]
    # Milliseconds. The first is how late Dramatiq notices a process that dies while it starts.
    command += ["--worker-fork-timeout", "5000", "--worker-shutdown-timeout", "3000"]
    command.append("--skip-logging")
    return Program(command, _environment(settings), ROOT, say)


def _environment(settings: Settings) -> dict[str, str]:
    """The caller's environment with the settings filled in, without the owner's database URL."""
    path = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    given = {**os.environ, **variables_of(settings), "PATH": path, "PYTHONPATH": str(ROOT)}
    given.pop("IMGAPP_MIGRATE_DATABASE_URL", None)
    given.setdefault("PYTHONUNBUFFERED", "1")
    # Each thread with an arena of its own costs tens of megabytes that nobody uses.
    given.setdefault("MALLOC_ARENA_MAX", "2")
    # Pictures are worked on side by side; threads within one picture would only add to the queue.
    given.setdefault("VIPS_CONCURRENCY", "1")
    return marked_environment(given, settings.data_dir)


def is_healthy(settings: Settings) -> bool:
    """Whether the web processes say that everything answers."""
    connection = http.client.HTTPConnection(reachable_host(settings), settings.port, timeout=3)
    with suppress(OSError, http.client.HTTPException), closing(connection):
        connection.request("GET", "/api/health")
        return connection.getresponse().status == http.client.OK
    return False


def reachable_host(settings: Settings) -> str:
    """Where this machine itself reaches what listens on IMGAPP_HOST."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104


def prepare(settings: Settings) -> bool:
    """Migrate, in a process that takes its memory with it. Whether anyone has an account.

    Raises ServiceUnavailable with what was wrong.
    """
    done = _run_apart(settings, "prepare")
    if done.returncode != 0:
        complaint = _complaint(done).removeprefix("imgapp: ")
        raise ServiceUnavailable(f"The database could not be prepared: {complaint}")
    return bool(_answer(done)["has_users"])


def check_store(settings: Settings, say: Callable[[str], None]) -> None:
    """Say what is wrong with the bucket. Raises ConfigurationError where waiting does not help.

    In a process that takes boto3's memory with it.
    """
    if settings.s3_bucket is None:
        return
    done = _run_apart(settings, "check-store")
    if done.returncode != 0:
        raise ConfigurationError(f"The store could not be checked: {_complaint(done)}")
    said = _answer(done)
    if said["lasting"]:
        raise ConfigurationError(said["fault"])
    for sentence in filter(None, (said["fault"], said["warning"])):
        say(f"Warning: {sentence}")


def _run_apart(settings: Settings, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imgapp", command],
        env=marked_environment({**os.environ, **variables_of(settings)}, settings.data_dir),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]


def _answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer
