"""Webhooks with the worker that runs them: killed at any moment, and held up by nobody."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import dramatiq
import pytest
import sqlalchemy as sa

from imgapp.adapters import queue
from imgapp.services.webhooks import deliveries, delivery_attempts, delivery_threads
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer
from tests.support.receivers import Receiver, receiving
from tests.support.waiting import add_picture, eventually
from tests.support.webhook_rows import (
    add_delivery,
    add_webhook,
    deliveries_of,
    delivery_of,
    set_rows,
)
from tests.worker.test_worker import kill, status, worker_process

BOOT = 60
"""Seconds in which a worker process is up, also on a busy machine."""


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(
            OPENAI_BASE_URL=server.url,
            IMGAPP_VISION_MODEL=server.model,
            IMGAPP_OUTBOUND_NETWORKS="127.0.0.1",
        )
        yield server


@pytest.fixture
def receiver(model: OpenAIServer) -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def worker(model: OpenAIServer) -> Iterator[dramatiq.Worker]:
    """The worker in this process, with its sweeper and two threads."""
    from imgapp import worker as module
    from imgapp.services.queue import leases

    running = dramatiq.Worker(module.broker, worker_threads=2)
    running.start()
    yield running
    running.stop(timeout=3000)
    eventually(lambda: not delivery_threads._running)
    leases.resume()
    delivery_threads.resume()


@pytest.fixture
def hanging() -> Iterator[Receiver]:
    """A receiver that never answers, until the test is over."""
    over = threading.Event()
    with receiving() as receiver:
        receiver.answer = lambda _: (200 if over.wait(60) else 500, {}, b"")
        yield receiver
        over.set()


def told_of(receiver: Receiver) -> set[str]:
    """The pictures that the receiver heard of."""
    return {json.loads(request.body)["data"]["image"]["id"] for request in receiver.requests}


def expire_leases(administrator: sa.Engine) -> None:
    for table in ("images", "webhook_deliveries"):
        past = "lease_expires_at = now() - interval '1 second' WHERE lease_id IS NOT NULL"
        set_rows(administrator, table, past)


def test_a_webhook_is_told_within_a_moment(
    alice: Person, receiver: Receiver, worker: dramatiq.Worker
) -> None:
    add_webhook(alice.user_id, receiver.url)
    image_id = add_picture(alice.user_id)
    queue.enqueue_analysis(image_id)
    eventually(lambda: told_of(receiver) == {str(image_id)})
    eventually(lambda: [row.state for row in deliveries_of(alice.user_id)] == ["delivered"])


@pytest.mark.long
def test_kill_9_while_the_receiver_thinks_loses_nothing(
    alice: Person, receiver: Receiver, hanging: Receiver, administrator: sa.Engine
) -> None:
    webhook_id = add_webhook(alice.user_id, hanging.url)
    delivery_id = add_delivery(alice.user_id, webhook_id, payload='{"a":1}')
    queue.enqueue_delivery()
    with worker_process() as first:
        eventually(lambda: hanging.requests, BOOT)
        kill(first)
    assert delivery_of(alice.user_id, delivery_id).lease_id is not None
    expire_leases(administrator)
    set_rows(administrator, "webhooks", f"url = '{receiver.url}'")
    with worker_process():
        eventually(lambda: delivery_of(alice.user_id, delivery_id).state == "delivered", BOOT)
    assert receiver.requests[0].body == hanging.requests[0].body == b'{"a":1}'
    first_id, second_id = (one.requests[0].headers["webhook-id"] for one in (hanging, receiver))
    assert first_id == second_id
    assert delivery_of(alice.user_id, delivery_id).attempts == 2


@pytest.mark.long
def test_kill_9_at_any_moment_loses_none(
    alice: Person, model: OpenAIServer, receiver: Receiver, administrator: sa.Engine
) -> None:
    chance = random.Random(7)
    add_webhook(alice.user_id, receiver.url)
    model.delay = 0.05
    ids = [add_picture(alice.user_id) for _ in range(30)]
    for seen in (1, 8, 16):
        with worker_process() as process:
            eventually(lambda seen=seen: len(receiver.requests) >= seen, BOOT)
            time.sleep(chance.uniform(0, 0.1))
            kill(process)
        expire_leases(administrator)
    with worker_process():
        eventually(lambda: told_of(receiver) == set(map(str, ids)), BOOT)
        eventually(
            lambda: {row.state for row in deliveries_of(alice.user_id)} == {"delivered"}, BOOT
        )
    assert {row.image_id for row in deliveries_of(alice.user_id)} == set(ids)
    assert len(deliveries_of(alice.user_id)) == len(ids)


def test_a_receiver_that_hangs_holds_up_neither_pictures_nor_other_people(
    alice: Person,
    mallory: Person,
    receiver: Receiver,
    worker: dramatiq.Worker,
    hanging: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery_attempts, "TIMEOUT_SECONDS", 90.0)
    for _ in range(5):
        webhook_id = add_webhook(mallory.user_id, hanging.url)
        for _ in range(10):
            add_delivery(mallory.user_id, webhook_id)
            queue.enqueue_delivery()
    eventually(lambda: len(hanging.requests) == 4)
    add_webhook(alice.user_id, receiver.url)
    image_id: UUID = add_picture(alice.user_id)
    started = time.monotonic()
    queue.enqueue_analysis(image_id)
    eventually(lambda: status(alice, image_id) == "completed")
    eventually(lambda: told_of(receiver) == {str(image_id)})
    assert time.monotonic() - started < 60, "before any of the others was given up"
    assert len(hanging.requests) == 4


@pytest.mark.long
def test_a_worker_that_ends_lets_go_of_a_receiver_that_hangs(
    alice: Person, model: OpenAIServer, hanging: Receiver
) -> None:
    delivery_id = add_delivery(alice.user_id, add_webhook(alice.user_id, hanging.url))
    queue.enqueue_delivery()
    with worker_process() as process:
        eventually(lambda: hanging.requests, BOOT)
        started = time.monotonic()
        process.terminate()
        process.wait(60)
        assert time.monotonic() - started < 40
    assert delivery_of(alice.user_id, delivery_id).state == "pending"


def test_what_is_long_over_is_forgotten(
    alice: Person, monkeypatch: pytest.MonkeyPatch, administrator: sa.Engine
) -> None:
    monkeypatch.setattr(deliveries, "MOST_KEPT", 3)
    webhook_id, other = (add_webhook(alice.user_id) for _ in range(2))
    kept = [add_delivery(alice.user_id, webhook_id, state="delivered") for _ in range(5)][2:]
    kept += [add_delivery(alice.user_id, webhook_id), add_delivery(alice.user_id, other)]
    old = add_delivery(alice.user_id, other, state="failed")
    set_rows(
        administrator,
        "webhook_deliveries",
        f"finished_at = now() - interval '31 days' WHERE id = '{old}'",
    )
    assert deliveries.trim_deliveries() == 3
    assert {row.id for row in deliveries_of(alice.user_id)} == set(kept)
