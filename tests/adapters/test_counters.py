"""Counts of many processes, added up in Redis."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from imgapp.adapters import counters, exposition
from imgapp.adapters.counters import Reporter
from imgapp.errors import QueueUnavailable
from tests.support.running import REPO, clean_environment
from tests.support.waiting import eventually

VISITS = counters.counter("imgapp_test_visits", "For tests", ["door"])
SECONDS = counters.histogram("imgapp_test_seconds", "For tests", ["door"], buckets=(0.1, 1, 10))
GUESTS = counters.gauge("imgapp_test_guests", "For tests")

Key = counters.Key


@pytest.fixture(autouse=True)
def reporter(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reporter]:
    """This process begins to count."""
    fresh = Reporter()
    monkeypatch.setattr(counters, "reporter", fresh)
    yield fresh
    fresh.stop()


def visits(door: str) -> Key:
    return "imgapp_test_visits_total", (("door", door),)


def test_what_was_counted_is_added_once() -> None:
    VISITS.labels(door="front").inc(2)
    assert counters.total().counted[visits("front")] == 2
    assert counters.total().counted[visits("front")] == 2
    VISITS.labels(door="front").inc()
    assert counters.total().counted[visits("front")] == 3


_FAMILY = """
import os
from imgapp.adapters import counters
visits = counters.counter("imgapp_test_visits", "For tests", ["door"]).labels(door="side")
visits.inc(100)
for times in (5, 7):
    if os.fork() == 0:
        visits.inc(times)
        counters.reporter.flush()
        os._exit(0)  # as a killed process: nothing runs at its end
    os.wait()
counters.reporter.flush()
"""


def test_processes_add_up_and_a_child_does_not_count_for_its_parent(servers) -> None:
    env = clean_environment() | {"REDIS_URL": servers.redis_url}
    subprocess.run([sys.executable, "-c", _FAMILY], env=env, cwd=REPO, check=True, timeout=60)
    assert counters.total().counted[visits("side")] == 112


def test_what_could_not_be_written_is_added_later(set_env: Callable[..., None], servers) -> None:
    set_env(REDIS_URL="redis://127.0.0.1:1/0")
    VISITS.labels(door="back").inc()
    counters.reporter.flush()
    VISITS.labels(door="back").inc()
    with pytest.raises(QueueUnavailable):
        counters.total()
    set_env(REDIS_URL=servers.redis_url)
    assert counters.total().counted[visits("back")] == 2


def test_gauges_are_those_of_the_processes_that_live(servers) -> None:
    first, second = Reporter(), Reporter()
    GUESTS.set(3)
    for one in (first, second):
        one.start("web")
        one.flush()
    assert counters.total().gauged["imgapp_test_guests", ()] == 6
    assert counters.processes() == {"web": 2}
    second.stop()
    assert counters.total().gauged["imgapp_test_guests", ()] == 3
    with redis.Redis.from_url(servers.redis_url) as client:
        (process,) = client.scan_iter("imgapp:metrics:process:*")
        # A process that was killed says nothing more, and is forgotten by itself.
        assert 0 < client.ttl(process) <= counters.ALIVE_SECONDS
        first._stop.set()
        first._id = ""
        client.delete(process)
        assert counters.total().gauged == {}
        assert client.scard("imgapp:metrics:processes") == 0


def test_a_process_that_started_reports_by_itself(
    reporter: Reporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters, "FLUSH_SECONDS", 0.02)
    reporter.start("worker")
    VISITS.labels(door="roof").inc()
    eventually(lambda: counters._stored().get(visits("roof")) == 1)
    assert counters.processes()["worker"] == 1


def test_who_stopped_does_not_come_back(reporter: Reporter) -> None:
    reporter.start("worker")
    reporter.stop()
    reporter.flush()
    assert counters.processes() == {}


def test_a_histogram_shows_every_bucket_from_small_to_large() -> None:
    for seconds in (0.5, 0.7, 5, 50):
        SECONDS.labels(door="front").observe(seconds)
    text = exposition.text_of(exposition.totals(counters.total())).decode()
    lines = [line for line in text.splitlines() if line.startswith("imgapp_test_seconds")]
    assert lines == [
        'imgapp_test_seconds_bucket{door="front",le="0.1"} 0.0',
        'imgapp_test_seconds_bucket{door="front",le="1.0"} 2.0',
        'imgapp_test_seconds_bucket{door="front",le="10.0"} 3.0',
        'imgapp_test_seconds_bucket{door="front",le="+Inf"} 4.0',
        'imgapp_test_seconds_sum{door="front"} 56.2',
        'imgapp_test_seconds_count{door="front"} 4.0',
    ]


def test_buckets_of_another_version_are_left_out(servers) -> None:
    SECONDS.labels(door="front").observe(0.5)
    counters.reporter.flush()
    with redis.Redis.from_url(servers.redis_url) as client:
        old = '["imgapp_test_seconds_bucket",{"door":"front","le":"7.0"}]'
        client.hset("imgapp:metrics:totals", mapping={old: 1, '["imgapp_gone_total",{}]': 1})
    text = exposition.text_of(exposition.totals(counters.total())).decode()
    assert 'le="7.0"' not in text
    assert "imgapp_gone" not in text


def test_who_counts_waits_for_nobody(reporter: Reporter, set_env: Callable[..., None]) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        set_env(REDIS_URL=f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")
        VISITS.labels(door="cellar").inc()
        reporter.start("web")
        with deaf.accept()[0]:  # the reporting thread waits for an answer by now
            began = time.perf_counter()
            for _ in range(1000):
                VISITS.labels(door="cellar").inc()
            assert time.perf_counter() - began < 10 * counters._TIMEOUT_SECONDS
