from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import dramatiq
import psutil
import pytest
import redis

from imgapp.adapters import queue
from imgapp.models import now
from imgapp.services.analysis import describe
from imgapp.services.queue import leases, permits
from imgapp.services.uploads.ingest import ingest
from tests.conftest import Person, Servers
from tests.support.openai_server import ANSWER, OpenAIServer, Reply
from tests.support.spooling import spool_file
from tests.support.waiting import add_picture, analyses_of, change, eventually, row_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server


@pytest.fixture
def worker(model: OpenAIServer) -> Iterator[dramatiq.Worker]:
    """The worker in this process, with its sweeper."""
    from imgapp import worker as module

    running = dramatiq.Worker(module.broker, worker_threads=4)
    running.start()
    yield running
    running.stop(timeout=3000)
    leases.resume()


@contextmanager
def worker_process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`dramatiq imgapp.worker` as an operator runs it."""
    command = [sys.executable, "-m", "dramatiq", "imgapp.worker", "--processes", "1"]
    process = subprocess.Popen(
        [*command, "--threads", "4", *arguments],
        cwd=ROOT,
        # As other tests keep the processors busy, a worker that stands back may not run at all.
        env=os.environ | {"PYTHONPATH": str(ROOT), "IMGAPP_WORKER_NICENESS": "0"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """`kill -9` of the process and its children."""
    for member in family(process):
        member.kill()
    process.wait()


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        top = psutil.Process(process.pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def status(person: Person, image_id: Any) -> str:
    return row_of(person.user_id, image_id).analysis_status


def test_a_permit_is_enough(
    alice: Person, model: OpenAIServer, worker: dramatiq.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture waits for the sweep, which issues permits that are missing."""
    monkeypatch.setattr(permits, "issue_missing", lambda: None)
    for _ in range(3):
        image_id = add_picture(alice.user_id)
        queue.enqueue_analysis(image_id)
        eventually(lambda image_id=image_id: status(alice, image_id) == "completed")


def test_an_upload_is_described_without_its_metadata(
    alice: Person, model: OpenAIServer, worker: dramatiq.Worker, picture_file: Callable[..., Path]
) -> None:
    source = picture_file(size=(2000, 3000), orientation=6, gps=True)

    image_id = ingest(alice.user_id, spool_file(source), "page").image_id

    eventually(lambda: status(alice, image_id) == "completed")
    assert row_of(alice.user_id, image_id).alt_text == ANSWER["alt_text"]
    assert model.calls[0].size == (1024, 683)
    model.assert_requests_were_clean()


def test_the_sweeper_finds_a_picture_whose_permit_was_lost(
    alice: Person, model: OpenAIServer, worker: dramatiq.Worker
) -> None:
    image_id = add_picture(alice.user_id)
    eventually(lambda: status(alice, image_id) == "completed")


def test_a_transient_failure_is_retried_until_it_succeeds(
    alice: Person, model: OpenAIServer, worker: dramatiq.Worker
) -> None:
    model.script(Reply(503), Reply(content="nonsense"))
    image_id = add_picture(alice.user_id)
    queue.enqueue_analysis(image_id)

    eventually(lambda: status(alice, image_id) == "completed")
    assert row_of(alice.user_id, image_id).attempts == 3
    first, second, third = (call.started for call in model.calls)
    assert second - first < 15
    assert third - second < 20


@pytest.mark.long
def test_a_picture_survives_a_queue_that_loses_everything(
    alice: Person, model: OpenAIServer, worker: dramatiq.Worker, servers: Servers
) -> None:
    model.delay = 0.5
    ids = [add_picture(alice.user_id) for _ in range(8)]
    for image_id in ids:
        queue.enqueue_analysis(image_id)
    model.wait_for_calls(2)
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()

    eventually(lambda: {status(alice, image_id) for image_id in ids} == {"completed"})
    assert len(model.calls) == 8


def test_takes_no_more_permits_than_it_has_threads(
    alice: Person, model: OpenAIServer, worker: dramatiq.Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sweep may meet a row before its permit, and issues one more.
    monkeypatch.setattr(permits, "issue_missing", lambda: None)
    model.open.clear()
    for _ in range(7):
        queue.enqueue_analysis(add_picture(alice.user_id))
    model.wait_for_calls(4)
    assert queue.pending_permits() == 3, "another worker could take these"
    model.open.set()
    model.wait_for_calls(7)
    assert model.most_in_flight == 4


@pytest.mark.long
def test_kill_9_in_the_middle_of_a_call_costs_at_most_one_more_call(
    alice: Person, model: OpenAIServer
) -> None:
    model.delay = 60.0
    image_id = add_picture(alice.user_id)
    queue.enqueue_analysis(image_id)
    with worker_process() as first:
        model.wait_for_calls(1)
        kill(first)
    assert status(alice, image_id) == "in_progress"
    change(alice.user_id, image_id, lease_expires_at=now() - timedelta(seconds=1))

    model.delay = 0.0
    with worker_process():
        eventually(lambda: status(alice, image_id) == "completed")

    image = row_of(alice.user_id, image_id)
    assert (image.lost_attempts, image.attempts) == (1, 1)
    assert image.alt_text == ANSWER["alt_text"]
    assert len(model.calls) == 2
    assert len(analyses_of(alice.user_id, image_id)) == 1


@pytest.mark.long
@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_stops_within_seconds_and_hands_back_what_it_had(
    alice: Person, model: OpenAIServer, signal_: signal.Signals
) -> None:
    model.delay = 60.0
    ids = [add_picture(alice.user_id) for _ in range(4)]
    with worker_process() as process:
        model.wait_for_calls(4)
        started = time.monotonic()
        members = family(process)
        process.send_signal(signal_)
        process.wait(60)
        took = time.monotonic() - started

    assert took < 40
    assert not [member for member in members if member.is_running()]
    for image_id in ids:
        image = row_of(alice.user_id, image_id)
        assert (image.analysis_status, image.lease_id) == ("pending", None)
        assert (image.attempts, image.lost_attempts) == (0, 0)
    assert queue.broker().do_qsize(queue.QUEUE) == 4, "permits for the next worker"


def test_the_worker_never_imports_the_page() -> None:
    code = (
        "import sys, imgapp.worker; "
        "print([m for m in ('reflex', 'fastapi', 'alembic') if m in sys.modules])"
    )
    env = os.environ | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_chores_that_fail_are_done_again(
    monkeypatch: pytest.MonkeyPatch, database: None, worker: dramatiq.Worker
) -> None:
    from imgapp.worker import Chore, Sweeper

    done: list[int] = []

    def fail_first() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise RuntimeError("once")

    sweeper = Sweeper((Chore(fail_first, 0.05),))
    sweeper.after_worker_boot(worker.broker, worker)
    eventually(lambda: len(done) > 2)
    sweeper._stop.set()
    assert describe.run_one() is None
