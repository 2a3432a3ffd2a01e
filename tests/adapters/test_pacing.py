"""Turns a minute: never more than are allowed, whoever asks and whatever Redis forgot."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from imgapp.adapters import pacing
from imgapp.errors import QueueUnavailable
from tests.conftest import Servers

pytestmark = pytest.mark.usefixtures("database")
LONG = 3600.0


def moments_of(turns: int, limit: int) -> list[float]:
    """When they are, in seconds, of some that are taken now."""

    def take(_: int) -> float:
        asked = time.monotonic()
        return asked + pacing.take(limit, None, LONG).wait

    with ThreadPoolExecutor(4) as workers:
        return sorted(workers.map(take, range(turns)))


def waits(count: int, *, requests: int | None = None, tokens: int | None = None) -> list[float]:
    return [pacing.take(requests, tokens, LONG).wait for _ in range(count)]


def most_in_a_minute(moments: list[float]) -> int:
    # What it takes to ask is part of the moments here: a tenth of a second, for slow machines.
    return max(sum(start <= moment < start + 59.9 for moment in moments) for start in moments)


@pytest.mark.parametrize("limit", [1, 2, 7, 60, 120])
def test_no_minute_has_more_requests_than_are_allowed(limit: int) -> None:
    moments = moments_of(3 * limit, limit)
    assert most_in_a_minute(moments) <= limit
    # And little is left unused.
    assert moments[-1] - moments[0] <= 60 * (3 * limit - 1) / limit * 1.08


def test_tokens_are_estimated_first_and_corrected_afterwards() -> None:
    turns = [pacing.take(None, 60_000, LONG) for _ in range(40)]
    assert turns[0].tokens == pacing.FIRST_ESTIMATE
    # 57,000 tokens a minute, of 1,500 each: one every 1.6 seconds.
    assert turns[-1].wait == pytest.approx(40 * 1.58 - 3, abs=2)
    for turn in turns:
        pacing.settle(turn, 300)
    assert pacing.estimate() == pytest.approx(300, abs=25)
    assert pacing.take(None, 60_000, LONG).wait < 40 * 300 / 950


def test_answers_that_took_more_slow_down_the_next(servers: Servers) -> None:
    turn = pacing.take(None, 6_000, LONG)
    pacing.settle(turn, 6_000)
    assert pacing.take(None, 6_000, LONG).wait > 55


def test_a_turn_that_is_too_far_away_is_not_taken() -> None:
    assert waits(2, requests=1) == [0, pytest.approx(60, abs=0.5)]
    refused = pacing.take(1, None, 2.5)
    assert not refused.allowed
    assert refused.wait == pytest.approx(120, abs=1)
    assert pacing.take(1, None, LONG).wait == pytest.approx(120, abs=1), "it took nothing"


def test_a_turn_that_was_not_used_is_for_others() -> None:
    pacing.give_back(pacing.take(1, 10_000, LONG))
    assert pacing.take(1, 10_000, LONG).wait == 0


def test_a_wiped_redis_starts_anew(servers: Servers) -> None:
    assert waits(2, requests=1)[1] > 50
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()
        client.script_flush()
    assert waits(1, requests=1) == [0]


def test_without_redis_it_says_so(set_env: Callable[..., None]) -> None:
    set_env(REDIS_URL="redis://127.0.0.1:1/0")
    with pytest.raises(QueueUnavailable):
        pacing.take(1, None, LONG)
    with pytest.raises(QueueUnavailable):
        pacing.estimate()
