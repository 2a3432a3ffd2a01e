from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dramatiq
import pytest

from imgapp.adapters import queue
from imgapp.adapters.embedded import Redis, claim_data_dir, start_redis
from imgapp.errors import QueueUnavailable
from imgapp.models import Priority, new_id
from tests.conftest import Servers
from tests.support.redis_states import STATES


@pytest.fixture(autouse=True)
def _own_connections() -> Iterator[None]:
    yield
    queue.reset()


@pytest.fixture
def own_redis(set_env: Callable[..., None]) -> Iterator[Redis]:
    """A server that a test may stop."""
    # Not below pytest's folder, which the server's own user may not enter when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="imgapp-test-"))
    claim_data_dir(folder)
    redis = start_redis(folder / "redis")
    queue.reset()
    set_env(REDIS_URL=redis.url)
    yield redis
    redis.stop()
    shutil.rmtree(folder, ignore_errors=True)


def taken() -> list[dramatiq.Message[None]]:
    consumer = queue.broker().consume(queue.QUEUE, prefetch=10, timeout=1)
    return [message._message for message in iter(consumer.__next__, None) if message]


def test_a_permit_names_the_picture_and_its_priority(database: None) -> None:
    image_id = new_id()
    queue.enqueue_analysis(image_id, priority=Priority.BULK)

    assert queue.pending_permits() == 1
    [message] = taken()
    assert message.actor_name == "describe_image"
    assert message.args == (str(image_id), 10)
    assert queue.pending_permits() == 0


def test_a_delayed_permit_does_not_count_yet(database: None) -> None:
    queue.enqueue_analysis(new_id(), delay=60)

    assert queue.pending_permits() == 0
    consumer = queue.broker().consume(f"{queue.QUEUE}.DQ", prefetch=1, timeout=1)
    [message] = [m for m in iter(consumer.__next__, None) if m]
    assert 55_000 < message.options["eta"] - time.time() * 1000 <= 60_000


def test_a_delay_beyond_what_the_queue_keeps_is_cut(database: None) -> None:
    queue.enqueue_analysis(new_id(), delay=30 * 24 * 3600)


def test_says_so_when_no_redis_is_named(set_env: Callable[..., None]) -> None:
    queue.reset()
    with pytest.raises(QueueUnavailable, match="REDIS_URL"):
        queue.check()


def test_says_so_at_once_when_redis_is_not_there(
    set_env: Callable[..., None], tmp_path: Path
) -> None:
    queue.reset()
    set_env(REDIS_URL=f"unix://{tmp_path}/none.sock")
    started = time.monotonic()
    for call in (queue.check, queue.pending_permits, lambda: queue.enqueue_analysis(new_id())):
        with pytest.raises(QueueUnavailable):
            call()
    assert time.monotonic() - started < 5


def test_does_not_hang_when_redis_hangs_and_works_again_after(own_redis: Redis) -> None:
    queue.check()
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(QueueUnavailable):
            queue.enqueue_analysis(new_id())
        assert time.monotonic() - started < 5
    finally:
        os.kill(own_redis.process.pid, signal.SIGCONT)
    queue.enqueue_analysis(new_id())
    assert queue.pending_permits() >= 1


def test_outlives_a_restart_of_redis(own_redis: Redis) -> None:
    queue.enqueue_analysis(new_id())
    own_redis.stop()
    with pytest.raises(QueueUnavailable):
        queue.enqueue_analysis(new_id())
    own_redis.start()

    queue.enqueue_analysis(new_id())
    assert queue.pending_permits() == 2


@pytest.mark.parametrize(("state", "said"), STATES.items())
def test_a_server_that_takes_nothing_is_unavailable_and_says_why(
    database: None, servers: Servers, state: Callable[..., AbstractContextManager[None]], said: str
) -> None:
    queue.check()
    with state(servers.redis_url):
        for call in (queue.check, lambda: queue.enqueue_analysis(new_id())):
            with pytest.raises(QueueUnavailable):
                call()
        with pytest.raises(QueueUnavailable, match=said):
            queue.check()
    queue.check()
