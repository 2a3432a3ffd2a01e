from __future__ import annotations

import re
import threading
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from typing import get_args

import pytest
import redis
import sqlalchemy as sa
from dramatiq.broker import MessageProxy

from imgapp.adapters import db, idle_memory, languages, queue, wake_ups
from imgapp.adapters.redis_clients import redis_url
from imgapp.models import Priority, new_id, now
from imgapp.services.analysis import runs
from imgapp.services.analysis.run_schemas import NewRun, RunFilter
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.operations.due_chores import DueChore, due_chores
from tests.conftest import Person
from tests.support.waiting import add_picture, change, eventually


def calls_of(command: str) -> int:
    with redis.Redis.from_url(redis_url()) as client:
        told = client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
    return int(told["calls"])


def test_a_consumer_that_finds_nothing_asks_again_when_it_is_called(database: None) -> None:
    consumer = queue.broker().consume(queue.QUEUE, prefetch=4, timeout=60_000)
    found: list[MessageProxy] = []

    def take() -> None:
        while not found:
            found.extend(filter(None, [next(consumer)]))

    thread = threading.Thread(target=take)
    before = calls_of("evalsha")
    thread.start()
    eventually(lambda: queue.broker().wake_ups._heard)

    image_id = new_id()
    queue.enqueue_analysis(image_id, priority=Priority.BULK)

    thread.join(60)
    assert [message.args for message in found] == [(str(image_id), 10)]
    # Not one look in a tenth of a second.
    assert calls_of("evalsha") - before < 10
    queue.reset()


def test_a_closed_queue_lets_all_threads_go_and_keeps_what_is_in_it(database: None) -> None:
    from imgapp.worker import WorkQueue

    work = WorkQueue()
    ended: list[type[Exception]] = []

    def wait() -> None:
        try:
            work.get(timeout=60)
        except Empty as error:
            ended.append(type(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    work.close()
    for thread in threads:
        thread.join(30)
    assert ended == [Empty] * 3

    work.put(1)
    with pytest.raises(Empty):
        work.get(timeout=60)
    assert work.get_nowait() == 1


def test_an_idle_installation_has_no_chore_to_do(database: None) -> None:
    assert due_chores() <= {"embeddings", "deleted people", "queue"}


def test_a_chore_is_due_while_there_is_something_to_do(alice: Person) -> None:
    image_id = add_picture(alice.user_id)
    assert {"queue", "progress"} <= due_chores()

    leased = {"analysis_status": "in_progress", "lease_id": image_id}
    change(alice.user_id, image_id, **leased, lease_expires_at=now() + timedelta(minutes=5))
    assert "queue" in due_chores()


def test_the_database_names_exactly_the_chores_that_wait_for_it(database: None) -> None:
    from imgapp.worker import CHORES

    sql = Path("alembic/sql/operations/chores.sql").read_text()
    named = set(re.findall(r"SELECT '([^']+)'|names \|\| '([^']+)'", sql))

    assert {first or second for first, second in named} == set(get_args(DueChore))
    assert {chore.due for chore in CHORES if chore.due} == set(get_args(DueChore))


def test_processes_that_are_forked_make_ids_of_their_own() -> None:
    new_id()
    forked = get_context("fork")
    queues = forked.SimpleQueue()
    children = [
        forked.Process(target=lambda: queues.put([str(new_id()) for _ in range(100)]))
        for _ in range(2)
    ]
    for child in children:
        child.start()
    made = queues.get() + queues.get()
    for child in children:
        child.join()

    # All but the time: that differs by itself.
    assert len({one[14:] for one in made}) == 200


def test_workers_are_called_when_somebody_asks_for_background_work(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(wake_ups, "call", called.append)
    add_picture(alice.user_id)

    batches.create_batch(alice.user_id, NewBatch(urls=["https://pictures.example.org/a.jpg"]))
    runs.create_run(alice.user_id, NewRun(filter=RunFilter()))

    assert called.count(wake_ups.CHORES_TOPIC) == 2
    assert {"fetches", "runs"} <= due_chores()


def test_what_kept_a_worker_quick_is_given_back(database: None) -> None:
    languages.load()
    with db.transaction() as session:
        session.execute(sa.text("SELECT 1"))

    idle_memory.give_back()

    assert not languages.is_loaded()
    assert (
        languages.language_of(
            "Ein Schiff liegt im Hafen, und die Sonne geht hinter ihm unter, "
            "während die Möwen kreischen."
        )
        == "de"
    )
    with db.transaction() as session:
        assert session.execute(sa.text("SELECT 1")).scalar_one() == 1
