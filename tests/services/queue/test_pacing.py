"""Pause, pace and how many at once: for everybody, and nobody waits longer than needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import dramatiq
import pytest
import sqlalchemy as sa
from sqlmodel import col, select, update

from imgapp.adapters import queue
from imgapp.adapters.db import transaction
from imgapp.adapters.redis_clients import redis_client
from imgapp.models import Image, Preferences, Priority, now
from imgapp.services.analysis import describe
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.queue import image_status, leases, pacing, permits, waiting_reasons
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer
from tests.support.waiting import add_picture, eventually, row_of


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


@pytest.fixture
def set_limits(admin: Person) -> Callable[..., None]:
    def change(**limits: object) -> None:
        change_installation(admin.user_id, InstallationEdit.model_validate(limits))

    return change


@pytest.fixture
def worker(model: OpenAIServer) -> Iterator[dramatiq.Worker]:
    from imgapp import worker as module

    running = dramatiq.Worker(module.broker, worker_threads=8)
    running.start()
    yield running
    running.stop(timeout=3000)
    leases.resume()


def prefer(person: Person, **wishes: bool) -> None:
    with transaction(person.user_id) as session:
        session.merge(Preferences(user_id=person.user_id, **wishes))


def permits_issued() -> int:
    redis_client(1.0).flushdb()
    permits.issue_missing()
    return queue.pending_permits()


def test_while_all_is_paused_nothing_is_claimed(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    image_id = add_picture(alice.user_id)
    set_limits(paused=True)
    assert describe.run_one() is None
    assert permits_issued() == 0
    describe.sweep()
    status = image_status.get_status(alice.user_id, image_id)
    assert (status.status, status.waiting_reason) == ("pending", "paused")
    assert status.waiting is not None
    assert "administrator" in status.waiting.message
    assert status.waiting.since is not None

    set_limits(paused=False)
    describe.sweep()
    assert row_of(alice.user_id, image_id).waiting_reason is None
    assert describe.run_one() == image_id


def test_one_worker_at_a_time_notes_what_waits_and_the_others_do_not_wait_for_it(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    image_id = add_picture(alice.user_id)
    set_limits(paused=True)
    with transaction() as session:
        assert session.execute(waiting_reasons._ONLY_ONE).scalar_one()
        assert waiting_reasons.note_waits() == 0
        assert row_of(alice.user_id, image_id).waiting_reason is None
    assert waiting_reasons.note_waits() == 1
    assert row_of(alice.user_id, image_id).waiting_reason == "paused"


def test_a_person_pauses_their_own_and_nobody_elses(
    alice: Person, mallory: Person, model: OpenAIServer
) -> None:
    hers, his = add_picture(alice.user_id), add_picture(mallory.user_id)
    prefer(alice, paused=True)
    assert describe.run_one() == his
    assert describe.run_one() is None
    assert permits_issued() == 0
    describe.sweep()
    status = image_status.get_status(alice.user_id, hers)
    assert status.waiting is not None
    assert (status.waiting.reason, status.waiting.message[:8]) == ("paused", "You have")
    prefer(alice, paused=False)
    assert describe.run_one() == hers


def test_resuming_needs_no_sweep(
    alice: Person,
    model: OpenAIServer,
    set_limits: Callable[..., None],
    worker: dramatiq.Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permits, "issue_missing", lambda: None)
    set_limits(paused=True)
    ids = [add_picture(alice.user_id) for _ in range(10)]
    set_limits(paused=False)
    eventually(lambda: done(alice) == len(ids))


def done(person: Person) -> int:
    query = select(sa.func.count()).where(col(Image.analysis_status) == "completed")
    with transaction(person.user_id) as session:
        return session.exec(query).one()


def test_never_more_are_under_way_than_allowed_however_many_workers_claim(
    alice: Person, mallory: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    for person in (alice, mallory):
        for _ in range(15):
            add_picture(person.user_id)
    set_limits(max_in_flight=7)
    assert permits_issued() == 7
    with ThreadPoolExecutor(12) as workers:
        taken = list(workers.map(lambda _: leases.claim(), range(40)))
    assert sum(claim is not None for claim in taken) == 7
    assert permits_issued() == 0
    set_limits(max_in_flight=9)
    assert sum(leases.claim() is not None for _ in range(5)) == 2


def test_how_many_at_once_changes_while_it_runs(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None], worker: dramatiq.Worker
) -> None:
    model.open.clear()
    set_limits(max_in_flight=2)
    ids = [add_picture(alice.user_id) for _ in range(24)]
    for image_id in ids:
        queue.enqueue_analysis(image_id)
    eventually(lambda: model.in_flight == 2 and queue.pending_permits() == 0)
    assert model.most_in_flight == 2
    set_limits(max_in_flight=6)
    eventually(lambda: model.in_flight == 6)
    model.open.set()
    eventually(lambda: done(alice) == len(ids))
    assert model.most_in_flight == 6


def test_no_place_is_taken_by_a_worker_that_is_gone(
    alice: Person,
    model: OpenAIServer,
    set_limits: Callable[..., None],
    administrator: sa.Engine,
) -> None:
    set_limits(max_in_flight=1)
    gone, waiting = add_picture(alice.user_id), add_picture(alice.user_id)
    claim = leases.claim()
    assert claim is not None
    assert claim.image_id == gone
    with transaction(alice.user_id) as session:
        past = update(Image).where(col(Image.id) == gone).values(lease_expires_at=now())
        session.execute(past)
    assert describe.run_one() == waiting


def test_requests_are_paced(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None], worker: dramatiq.Worker
) -> None:
    set_limits(requests_per_minute=240)
    ids = [add_picture(alice.user_id) for _ in range(30)]
    for image_id in ids:
        queue.enqueue_analysis(image_id)
    eventually(lambda: done(alice) == len(ids))
    started = sorted(row_of(alice.user_id, image_id).started_at.timestamp() for image_id in ids)
    # Twelve at once, then four a second.
    assert 3.5 < started[-1] - started[0] < 20


def test_no_lease_waits_for_a_turn_and_the_first_in_line_gets_it(
    alice: Person, mallory: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    set_limits(requests_per_minute=30)
    bulk = [add_picture(alice.user_id, priority=Priority.BULK) for _ in range(2)]
    began = time.monotonic()
    assert describe.run_one() == bulk[0]
    waiting = threading.Thread(target=describe.run_one)
    waiting.start()
    add_picture(mallory.user_id)
    waiting.join()
    assert time.monotonic() - began > 1
    assert done(mallory) == 1, "it came after the turn was taken, and goes first"
    assert row_of(alice.user_id, bulk[1]).started_at is None


def test_what_needs_no_model_waits_for_no_turn(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    set_limits(requests_per_minute=1)
    add_picture(alice.user_id)
    describe.run_one()
    private = add_picture(alice.user_id, never_cloud=True)
    began = time.monotonic()
    assert describe.run_one() == private
    assert time.monotonic() - began < 20, "a turn comes after a minute"
    assert len(model.calls) == 1


def test_an_empty_queue_uses_up_no_turns(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    set_limits(requests_per_minute=2, tokens_per_minute=1_000)
    for _ in range(5):
        assert describe.run_one() is None
    image_id = add_picture(alice.user_id)
    assert describe.run_one() == image_id


def test_no_more_permits_are_issued_than_there_are_turns(
    alice: Person, model: OpenAIServer, set_limits: Callable[..., None]
) -> None:
    for _ in range(50):
        add_picture(alice.user_id)
    assert permits_issued() == 50
    set_limits(requests_per_minute=120)
    assert permits_issued() == pacing.capacity(permits.SWEEP_SECONDS) == 5
    set_limits(requests_per_minute=None, tokens_per_minute=30_000)
    assert permits_issued() == 2
