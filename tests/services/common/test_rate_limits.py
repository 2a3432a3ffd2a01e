from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from imgapp.errors import RateLimited
from imgapp.services.common import rate_limits
from tests.conftest import Servers


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "_down_until", 0.0)
    monkeypatch.setattr(rate_limits, "_local", {})


@pytest.fixture
def without_redis(set_env: Callable[..., None]) -> None:
    set_env(REDIS_URL="unix:///nowhere/redis.sock")


def refused(limit: int = 3, per_seconds: float = 60, **options: bool) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        rate_limits.hit("test", "alice", limit=limit, per_seconds=per_seconds, **options)
    return caught.value


def test_as_many_as_the_limit_are_allowed_and_then_no_more(database: None) -> None:
    left = [rate_limits.hit("test", "alice", limit=3, per_seconds=60).remaining for _ in range(3)]
    assert left == [2, 1, 0]
    error = refused()
    assert 19 < error.retry_after <= 20
    assert error.limit == ("test", 3, 60)
    assert error.detail == "Too many requests. Try again in 20 seconds."


def test_what_was_refused_is_not_counted(database: None) -> None:
    for _ in range(3):
        rate_limits.hit("test", "alice", limit=3, per_seconds=60)
    waits = [refused().retry_after for _ in range(10)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] <= 20


def test_what_is_used_comes_back_with_time(database: None) -> None:
    rate_limits.hit("test", "alice", limit=1, per_seconds=0.1)
    time.sleep(0.11)
    rate_limits.hit("test", "alice", limit=1, per_seconds=0.1)


def test_people_and_limits_do_not_count_for_each_other(database: None) -> None:
    rate_limits.hit("test", "alice", limit=1, per_seconds=60)
    assert rate_limits.hit("test", "mallory", limit=1, per_seconds=60).remaining == 0
    assert rate_limits.hit("other", "alice", limit=1, per_seconds=60).remaining == 0
    refused(1)


def test_many_at_once_do_not_get_more_than_the_limit(database: None) -> None:
    def attempt(_: int) -> bool:
        try:
            rate_limits.hit("test", "alice", limit=20, per_seconds=600)
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(60))) == 20


def test_looking_counts_nothing(database: None) -> None:
    for _ in range(5):
        assert rate_limits.check("test", "alice", limit=1, per_seconds=60).remaining == 1
    rate_limits.hit("test", "alice", limit=1, per_seconds=60)
    with pytest.raises(RateLimited):
        rate_limits.check("test", "alice", limit=1, per_seconds=60)


def test_forgetting_gives_everything_back(database: None) -> None:
    rate_limits.hit("test", "alice", limit=1, per_seconds=60)
    rate_limits.forget("test", "alice")
    rate_limits.hit("test", "alice", limit=1, per_seconds=60)


def test_counters_go_by_themselves_and_name_nobody(database: None, servers: Servers) -> None:
    rate_limits.hit("test", "alice@example.org", limit=3, per_seconds=60)
    with redis.Redis.from_url(servers.redis_url) as client:
        (key,) = client.keys("imgapp:limits:*")
        assert b"alice" not in key
        assert 0 < client.pttl(key) <= 20_000


def test_without_redis_work_goes_on(without_redis: None, caplog: pytest.LogCaptureFixture) -> None:
    started = time.monotonic()
    for _ in range(50):
        rate_limits.hit("test", "alice", limit=1, per_seconds=60)
    assert time.monotonic() - started < 10
    assert [record.message for record in caplog.records] == ["limits_unavailable"]


def test_without_redis_guessing_is_still_limited(without_redis: None) -> None:
    left = [
        rate_limits.hit("test", "alice", limit=3, per_seconds=60, fail_open=False).remaining
        for _ in range(3)
    ]
    assert left == [2, 1, 0]
    assert 19 < refused(fail_open=False).retry_after <= 20
    rate_limits.forget("test", "alice")
    rate_limits.check("test", "alice", limit=3, per_seconds=60, fail_open=False)
