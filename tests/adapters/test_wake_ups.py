from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from imgapp.adapters import wake_ups
from imgapp.adapters.redis_clients import redis_url
from imgapp.adapters.wake_ups import WakeUps
from tests.support.waiting import eventually

LONG = 60.0


@pytest.fixture
def hearing(database: None) -> Iterator[WakeUps]:
    ups = WakeUps()
    ups.wait("nothing", 0)
    eventually(lambda: ups._heard)
    yield ups
    ups.close()


def waiting(ups: WakeUps, topic: str) -> threading.Thread:
    """Somebody who waits for a minute, unless called."""
    ups.look(topic)
    thread = threading.Thread(target=ups.wait, args=(topic, LONG))
    thread.start()
    return thread


def test_who_waits_is_woken_by_a_call_for_their_topic_alone(hearing: WakeUps) -> None:
    called, other = waiting(hearing, "called"), waiting(hearing, "other")

    wake_ups.call("called")

    called.join(LONG / 2)
    assert not called.is_alive()
    assert other.is_alive()
    hearing.close()
    other.join(LONG / 2)
    assert not other.is_alive()


def test_a_call_between_looking_and_waiting_counts(hearing: WakeUps) -> None:
    hearing.look("topic")
    wake_ups.call("topic")
    eventually(lambda: hearing._called["topic"].is_set())

    begun = time.monotonic()
    hearing.wait("topic", LONG)
    assert time.monotonic() - begun < LONG / 2


def test_whoever_waits_is_heard_again_after_the_connection_was_cut(hearing: WakeUps) -> None:
    thread = waiting(hearing, "topic")
    with redis.Redis.from_url(redis_url()) as client:
        for one in client.client_list(_type="pubsub"):
            client.client_kill_filter(_id=one["id"])
    # What was called meanwhile may have been for them.
    thread.join(LONG / 2)
    assert not thread.is_alive()

    eventually(lambda: hearing._heard)
    again = waiting(hearing, "topic")
    wake_ups.call("topic")
    again.join(LONG / 2)
    assert not again.is_alive()


def test_without_redis_it_is_looked_often_instead(set_env: Callable[..., None]) -> None:
    set_env(REDIS_URL="redis://127.0.0.1:1/0")
    wake_ups.call("topic")  # nobody hears it, and nothing is raised
    ups = WakeUps()

    begun = time.monotonic()
    ups.wait("topic", LONG)
    assert time.monotonic() - begun < LONG / 2
    ups.close()
