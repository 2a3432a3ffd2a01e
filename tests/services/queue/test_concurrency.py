"""A server of one's own gets as many calls at once as it is found to answer faster together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
import sqlalchemy as sa

from imgapp.adapters import queue
from imgapp.models import AnalysisStatus
from imgapp.services.analysis import describe
from imgapp.services.installation import connected_models, vision_models
from imgapp.services.installation.connected_models import ModelConnection
from imgapp.services.queue import concurrency, leases, permits
from tests.conftest import Person, Servers
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, eventually, row_of


@pytest.fixture
def learned(database: None, set_env: Callable[..., None]) -> Callable[[OpenAIServer], None]:
    """`learned(server)`: it is asked, and how many calls it takes is found out."""

    def ask(server: OpenAIServer) -> None:
        set_env(
            OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model, IMGAPP_VISION_AT_ONCE=None
        )

    return ask


@pytest.fixture
def model(learned: Callable[[OpenAIServer], None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        learned(server)
        yield server
    leases.resume()


def describe_all(workers: int, person: Person, ids: list[UUID]) -> None:
    """What so many worker threads do until all pictures are described."""
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            if describe.run_one() is None:
                done.wait(0.02)

    def all_done() -> bool:
        rows = [row_of(person.user_id, image_id) for image_id in ids]
        return all(row.analysis_status == AnalysisStatus.COMPLETED for row in rows)

    with ThreadPoolExecutor(workers) as pool:
        working = [pool.submit(work) for _ in range(workers)]
        try:
            eventually(all_done)
        finally:
            done.set()
        for one in working:
            one.result()


def slots_of(server: OpenAIServer) -> int:
    found = {model: pace.at_once for (_, model), pace in concurrency.paces().items()}
    return found.get(server.model, 1)


def test_a_server_with_one_slot_loses_no_picture(
    alice: Person, learned: Callable[[OpenAIServer], None]
) -> None:
    with OpenAIServer(model="one-slot", delay=0.2, slots=1) as server:
        learned(server)
        ids = [add_picture(alice.user_id) for _ in range(8)]
        describe_all(4, alice, ids)
    rows = [row_of(alice.user_id, image_id) for image_id in ids]
    assert [(row.analysis_status, row.attempts) for row in rows] == [
        (AnalysisStatus.COMPLETED, 1)
    ] * 8
    assert len(server.calls) == 8
    server.assert_requests_were_clean()


def test_a_server_that_answers_in_parallel_gets_more(alice: Person, model: OpenAIServer) -> None:
    model.delay = 0.3
    ids = [add_picture(alice.user_id) for _ in range(12)]
    describe_all(6, alice, ids)
    assert model.most_in_flight >= 2


@pytest.fixture
def set_slots(administrator: sa.Engine) -> Callable[[OpenAIServer, int], None]:
    """`set_slots(model, 8)`: as if so many had been learned."""

    def put(model: OpenAIServer, slots: int) -> None:
        known = vision_models.routes().known[model.model]
        with administrator.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO learned_concurrency (server, model, slots) VALUES (:s, :m, :n)"
                ),
                {"s": known.server_id, "m": model.model, "n": slots},
            )

    return put


def test_a_time_out_halves_it_and_nothing_else_does(
    alice: Person, model: OpenAIServer, set_slots: Callable[[OpenAIServer, int], None]
) -> None:
    set_slots(model, 8)
    add_picture(alice.user_id)
    model.script(Reply(500), Reply(408))
    describe.run_one()
    assert slots_of(model) == 8
    add_picture(alice.user_id)
    describe.run_one()
    assert slots_of(model) == 4


@pytest.mark.parametrize("said", ["2", None])
def test_workers_together_ask_no_more_than_there_are_slots(
    alice: Person,
    model: OpenAIServer,
    set_env: Callable[..., None],
    set_slots: Callable[[OpenAIServer, int], None],
    said: str | None,
) -> None:
    set_env(IMGAPP_VISION_AT_ONCE=said)
    set_slots(model, 2)
    for _ in range(6):
        add_picture(alice.user_id)
    assert permits.due_count() == 2, "no worker is told of more"
    model.open.clear()
    with ThreadPoolExecutor(6) as pool:
        claims = [pool.submit(describe.run_one) for _ in range(6)]
        model.wait_for_calls(2)
        assert permits.due_count() == 0
        idle = [claim for claim in claims if claim.done() and claim.result() is None]
        eventually(lambda: len([claim for claim in claims if claim.done()]) == 4)
        assert all(claim.result() is None for claim in idle)
        assert len(model.calls) == 2
        model.open.set()
    assert model.most_in_flight == 2


def test_after_each_answer_the_next_picture_has_its_permit(
    alice: Person, model: OpenAIServer, servers: Servers
) -> None:
    for _ in range(4):
        add_picture(alice.user_id)
    for _ in range(4):
        assert queue.pending_permits() <= 1
        assert describe.run_one() is not None
        assert queue.pending_permits() >= 1
        with redis.Redis.from_url(servers.redis_url) as client:
            client.flushall()


def test_a_refusal_leaves_a_permit_as_well(alice: Person, model: OpenAIServer) -> None:
    for _ in range(2):
        add_picture(alice.user_id)
    model.script(Reply(400, error={"message": "Invalid image data"}))
    describe.run_one()
    assert queue.pending_permits() >= 1


def test_a_call_whose_worker_was_killed_keeps_its_slot_as_long_as_its_lease(
    alice: Person, model: OpenAIServer, administrator: sa.Engine
) -> None:
    for _ in range(2):
        add_picture(alice.user_id)
    assert leases.claim() is not None
    assert leases.claim() is None
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE model_calls SET expires_at = now()"))
    assert leases.claim() is not None


def test_another_model_is_not_held_up(
    admin: Person, alice: Person, model: OpenAIServer, set_env: Callable[..., None]
) -> None:
    other = ModelConnection(base_url="http://127.0.0.1:1/v1", model="other")
    connected_models.connect(admin.user_id, other)
    add_picture(alice.user_id)
    add_picture(alice.user_id)
    add_picture(alice.user_id, ask={"model": "other"})
    claimed = [leases.claim() for _ in range(3)]
    assert sorted(one.model for one in claimed if one) == sorted([model.model, "other"])


_SLOTS = "SELECT slots FROM learned_concurrency WHERE server = 's'"
_ANSWER = sa.text("SELECT pg_temp.answer(:user_id, :count, :took, :limit)")
_ANSWERS = f"""
    CREATE FUNCTION pg_temp.answer(uuid, integer, double precision, double precision)
    RETURNS integer LANGUAGE sql AS $$
        DELETE FROM model_calls;
        INSERT INTO model_calls (id, user_id, model, reserved, expires_at)
        SELECT gen_random_uuid(), $1, 'm', 0, now() + interval '1 minute'
        FROM generate_series(1, $2);
        UPDATE learned_concurrency SET since = now() - interval '1 day';
        SELECT imgapp_learn_from_answer('s', 'm', $3, $4);
        {_SLOTS}
    $$
"""


class Simulated:
    """Answers that come as a server would give them, without the time that they take.

    `width` calls are answered at once, each in `seconds`; more of them wait in line.
    """

    def __init__(self, administrator: sa.Engine, person: Person, width: int, seconds: float):
        self.administrator, self.person = administrator, person
        self.width, self.seconds = width, seconds
        self.most = self.slots = 1

    def answers(self, count: int, **terms: Any) -> int:
        """As many answers, with as many calls under way as there may be."""
        return [self.answer(**terms) for _ in range(count)][-1]

    def answer(self, limit: float = 300.0, in_flight: int | None = None) -> int:
        """One answer; how many calls there may be then."""
        under_way = in_flight or self.slots
        values = {
            "user_id": self.person.user_id,
            "count": under_way,
            "took": self.seconds * max(1.0, under_way / self.width),
            "limit": limit,
        }
        with self.administrator.begin() as connection:
            self.slots = connection.execute(_ANSWER, values).scalar_one()
        self.most = max(self.most, self.slots)
        return self.slots

    def wait(self, interval: str) -> None:
        with self.administrator.begin() as connection:
            change = "UPDATE learned_concurrency SET held_until = held_until - :by ::interval"
            connection.execute(sa.text(change), {"by": interval})

    def time_out(self) -> None:
        with self.administrator.begin() as connection:
            connection.execute(sa.text("SELECT imgapp_learn_from_timeout('s', 'm')"))
            self.slots = connection.execute(sa.text(_SLOTS)).scalar_one()


@pytest.fixture
def simulated(servers: Servers, alice: Person) -> Iterator[Callable[..., Simulated]]:
    # Over one connection, and with all statements of an answer in one.
    engine = sa.create_engine(servers.administrator_url, poolclass=sa.StaticPool)
    with engine.begin() as connection:
        connection.execute(sa.text(_ANSWERS))
    yield lambda width, seconds=1.0: Simulated(engine, alice, width, seconds)
    engine.dispose()


@pytest.mark.parametrize(
    ("width", "slots", "most"), [(1, 1, 2), (2, 2, 4), (8, 8, 16), (12, 16, 32), (1000, 256, 256)]
)
def test_it_rises_as_long_as_answers_come_faster_together(
    simulated: Callable[..., Simulated], width: int, slots: int, most: int
) -> None:
    server = simulated(width)
    assert server.answers(600 if width > 100 else 150) == slots
    assert server.most == most


def test_two_answers_are_enough_to_try_two(simulated: Callable[..., Simulated]) -> None:
    server = simulated(8)
    assert [server.answer() for _ in range(4)] == [1, 2, 2, 4]


def test_it_does_not_rise_where_twice_the_time_would_be_too_long(
    simulated: Callable[..., Simulated],
) -> None:
    server = simulated(1, 180.0)
    server.answers(20)
    assert server.most == 1
    # The same server, with the time to do it.
    server.answers(2, limit=3600.0)
    assert server.most == 2


def test_it_does_not_rise_where_there_is_not_enough_to_do(
    simulated: Callable[..., Simulated],
) -> None:
    server = simulated(1000)
    server.answers(6)
    slots = server.slots
    assert slots >= 4
    assert server.answers(30, in_flight=1) == slots


def test_what_was_of_no_use_is_tried_again_later_each_time(
    simulated: Callable[..., Simulated],
) -> None:
    server = simulated(1)
    assert server.answers(30) == 1
    server.wait("11 minutes")
    assert server.answers(2) == 2
    assert server.answers(30) == 1
    server.wait("11 minutes")
    assert server.answers(10) == 1, "it waits twice as long now"
    server.wait("11 minutes")
    assert server.answers(2) == 2


def test_time_outs_halve_it_down_to_one_and_it_rises_again_after_a_while(
    simulated: Callable[..., Simulated],
) -> None:
    server = simulated(1000)
    server.answers(20)
    before = server.slots
    server.time_out()
    assert server.slots == before // 2
    for _ in range(10):
        server.time_out()
    assert server.slots == 1
    assert server.answers(30) == 1
    server.wait("2 days")
    assert server.answers(30) > 4


def test_the_first_thing_that_is_known_may_be_a_time_out(
    simulated: Callable[..., Simulated],
) -> None:
    server = simulated(8)
    server.time_out()
    assert server.slots == 1
    assert server.answers(10) == 1
