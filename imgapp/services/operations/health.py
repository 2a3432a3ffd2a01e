"""Health: checks that database, Redis and object store answer, and counts waiting work."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal

from imgapp.adapters import counters, db, queue, storage
from imgapp.errors import ImgappError, ServiceUnavailable

log = logging.getLogger(__name__)

SECONDS_TO_ANSWER = 1.8
"""A dependency that takes longer counts as not answering."""
SECONDS_FRESH = 1.0

Outcome = Literal["ok", "error"]
Outcomes = dict[str, Outcome]


@dataclass(frozen=True)
class HealthReport:
    """Every dependency by name, and how many workers live: None if nobody knows."""

    checks: Outcomes
    workers: int | None


def _check_store() -> None:
    storage.get_store().check()


CHECKS: Mapping[str, Callable[[], None]] = {
    "database": db.check,
    "redis": queue.check,
    "store": _check_store,
}


def check_all() -> HealthReport:
    """Ask every dependency at once. Takes two seconds at most, whatever they do."""
    return start_check().result()


def start_check() -> Future[HealthReport]:
    """Join the check that is running, or that ended less than a second ago, or start one.

    However many callers ask, the dependencies are asked once.
    """
    return _checker().start()


def pending_permits() -> int:
    """Messages that no worker has taken yet. Raises QueueUnavailable."""
    return queue.pending_permits()


@dataclass
class _Checker:
    """Threads of its own: a dependency that hangs must not hold up anything else."""

    checks: Mapping[str, Callable[[], None]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _latest: Future[HealthReport] | None = None
    _ended: float = 0.0
    _lead: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="health")
    )
    _running: dict[str, Future[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(self.checks), thread_name_prefix="health-check")

    def start(self) -> Future[HealthReport]:
        with self._lock:
            latest = self._latest
            if latest is not None and (
                not latest.done() or time.monotonic() - self._ended < SECONDS_FRESH
            ):
                return latest
            self._latest = self._lead.submit(self._run)
            return self._latest

    def _run(self) -> HealthReport:
        for name, check in self.checks.items():
            hanging = self._running.get(name)
            if hanging is None or hanging.done():
                self._running[name] = self._threads.submit(check)
        wait(self._running.values(), timeout=SECONDS_TO_ANSWER)
        outcomes = {name: _outcome(name, self._running[name]) for name in self.checks}
        workers = _workers() if outcomes["redis"] == "ok" else None
        self._ended = time.monotonic()
        return HealthReport(outcomes, workers)


def _workers() -> int | None:
    try:
        return counters.processes()["worker"]
    except ServiceUnavailable:
        return None


def _outcome(name: str, check: Future[None]) -> Outcome:
    if not check.done():
        log.warning("dependency_hangs", extra={"dependency": name})
        return "error"
    error = check.exception()
    if error is None:
        return "ok"
    # Names only: the message of a driver may hold an address or a user name.
    log.warning(
        "dependency_failed",
        extra={"dependency": name, "error": type(error).__name__},
        exc_info=None if isinstance(error, ImgappError) else error,
    )
    return "error"


_checkers: dict[int, _Checker] = {}


def _checker() -> _Checker:
    # Keyed by process: threads do not survive a fork.
    return _checkers.get(os.getpid()) or _checkers.setdefault(os.getpid(), _Checker(CHECKS))
