"""Metrics storage: adds up counters and gauges of all processes in Redis (Prometheus client).

A process counts in its own memory with prometheus_client. A thread carries what was added to a
Redis hash every five seconds, so that nobody who counts waits, and counts outlive processes. Gauges
are the sum of what living processes say of themselves; one that says nothing for half a minute is
not counted.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import uuid
from collections import Counter as Tally
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import redis
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.utils import floatToGoString
from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client
from imgapp.errors import QueueUnavailable

log = logging.getLogger(__name__)

FLUSH_SECONDS, QUIET_SECONDS = 5.0, 12.0
"""Between two reports; the second while there is nothing to report but that the process lives."""
ALIVE_SECONDS = 30
_TIMEOUT_SECONDS = 1.0
_TOTALS = "imgapp:metrics:totals"
_PROCESSES = "imgapp:metrics:processes"
_PROCESS = "imgapp:metrics:process:"

COUNTED = CollectorRegistry()
"""What only grows, over all processes that there ever were."""
GAUGED = CollectorRegistry()
"""What is so at the moment, in the processes that live."""
BUCKETS: dict[str, tuple[str, ...]] = {}
"""Of every histogram, as its label `le` writes them."""

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample: its name, and its labels in the order of their names."""
Values = dict[Key, float]


def counter(name: str, explained: str, labels: Iterable[str] = ()) -> Counter:
    """A counter of all processes: `.labels(…).inc()`. Label values must be few, and nobody's."""
    return Counter(name, explained, labels, registry=COUNTED)


def histogram(
    name: str, explained: str, labels: Iterable[str] = (), *, buckets: Iterable[float]
) -> Histogram:
    """A histogram of all processes: `.labels(…).observe(…)`, in seconds or bytes."""
    bounds = (*buckets, float("inf"))
    BUCKETS[name] = tuple(map(floatToGoString, bounds))
    return Histogram(name, explained, labels, registry=COUNTED, buckets=bounds)


def gauge(name: str, explained: str, labels: Iterable[str] = ()) -> Gauge:
    """A gauge of this process, shown as the sum over all that live: `.inc()` and `.dec()`."""
    return Gauge(name, explained, labels, registry=GAUGED)


def values(registry: CollectorRegistry) -> Values:
    """Every sample of this process."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


@dataclass(frozen=True)
class MetricTotals:
    """What all processes counted, what the living ones gauge, and how many live, by role."""

    counted: Values
    gauged: Values
    processes: Tally[str]


def total() -> MetricTotals:
    """Add up all processes. Raises QueueUnavailable."""
    reporter.flush()
    stored = _stored()
    gauged: Tally[Key] = Tally()
    roles: Tally[str] = Tally()
    for said in _living():
        roles[said["role"]] += 1
        gauged.update({_parsed(field): value for field, value in said["gauges"].items()})
    return MetricTotals(stored, dict(gauged), roles)


def processes() -> Tally[str]:
    """How many processes live, by role. Raises QueueUnavailable."""
    return Tally(said["role"] for said in _living())


class Reporter:
    """Carries this process's counts to Redis: `flush` once, or all the time after `start`."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: what was counted so far is somebody else's to report."""
        self._lock = threading.Lock()
        self._sent = values(COUNTED)
        self._id = self._role = ""
        self._stop = threading.Event()

    def start(self, role: str) -> None:
        """Report from now on, as a process that lives: `web`, `worker` or `command`."""
        if self._id:
            return
        self._role, self._id = role, f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex}"
        self._stop = threading.Event()
        threading.Thread(target=self._work, args=(self._stop,), name="metrics", daemon=True).start()

    def stop(self) -> None:
        """Report for the last time, and as a process that is gone."""
        self._stop.set()
        self.flush(leaving=True)

    def flush(self, *, leaving: bool = False) -> bool:
        """Add what was counted since the last time; whether there was anything.

        Never raises: it is added the next time.
        """
        with self._lock:
            now = values(COUNTED)
            added = {key: value - self._sent.get(key, 0.0) for key, value in now.items()}
            try:
                self._write({key: more for key, more in added.items() if more > 0}, leaving)
                self._sent = now
            except (RedisError, QueueUnavailable):
                log.debug("metrics_not_written", exc_info=True)
            if leaving:
                self._id = ""
        return any(more > 0 for more in added.values())

    def _write(self, added: Values, leaving: bool) -> None:
        if not added and not self._id:
            return
        with _redis().pipeline(transaction=True) as pipe:
            for key, more in added.items():
                pipe.hincrbyfloat(_TOTALS, _field(key), more)
            if self._id and leaving:
                pipe.delete(_PROCESS + self._id)
                pipe.srem(_PROCESSES, self._id)
            elif self._id:
                gauges = {_field(key): value for key, value in values(GAUGED).items()}
                said = json.dumps({"role": self._role, "gauges": gauges})
                pipe.set(_PROCESS + self._id, said, ex=ALIVE_SECONDS)
                pipe.sadd(_PROCESSES, self._id)
            pipe.execute()

    def _work(self, stop: threading.Event) -> None:
        while not stop.is_set():
            stop.wait(FLUSH_SECONDS if self.flush() else QUIET_SECONDS)


def _stored() -> Values:
    try:
        stored = cast("dict[bytes, bytes]", _redis().hgetall(_TOTALS))
    except RedisError as error:
        raise QueueUnavailable from error
    return {_parsed(field.decode()): float(value) for field, value in stored.items()}


def _living() -> list[dict[str, Any]]:
    client = _redis()
    try:
        ids = sorted(cast("set[bytes]", client.smembers(_PROCESSES)))
        if not ids:
            return []
        said = cast("list[bytes | None]", client.mget([_PROCESS.encode() + one for one in ids]))
        gone = [one for one, text in zip(ids, said, strict=True) if text is None]
        if gone:
            client.srem(_PROCESSES, *gone)
    except RedisError as error:
        raise QueueUnavailable from error
    return [json.loads(text) for text in said if text is not None]


def _field(key: Key) -> str:
    name, labels = key
    return json.dumps([name, dict(labels)], separators=(",", ":"), sort_keys=True)


def _parsed(field: str) -> Key:
    name, labels = json.loads(field)
    return name, tuple(sorted(labels.items()))


def _redis() -> redis.Redis:
    # No second attempt: it might add twice what the first one added.
    return redis_client(_TIMEOUT_SECONDS, again=False)


reporter = Reporter()


def _forget_parent() -> None:
    # A forked child has its parent's counts.
    reporter.forget()


os.register_at_fork(after_in_child=_forget_parent)
