"""A server that fails as a whole is left alone by everybody, and no picture pays for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from imgapp.errors import QueueUnavailable
from imgapp.models import WaitingReason, now
from imgapp.services.analysis import describe
from imgapp.services.installation import runtime_settings
from imgapp.services.installation.runtime_settings import InstallationEdit
from imgapp.services.queue import (
    admin_queue,
    circuit_breaker,
    image_status,
    leases,
    permits,
    waiting_reasons,
)
from imgapp.services.queue.progress import read_progress
from imgapp.settings import get_settings
from tests.conftest import Person, Servers
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.redis_states import full
from tests.support.waiting import add_picture, change, row_of

REFUSALS = [(401, "key_refused"), (402, "no_credit"), (404, "model_not_found")]


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


@pytest.fixture
def in_state(administrator: sa.Engine) -> Callable[..., Any]:
    """`in_state("open_until")`; `in_state(open_until=…)` sets it."""

    def look(column: str = "", **values: Any) -> Any:
        with administrator.begin() as connection:
            for name, value in values.items():
                change = sa.text(f"UPDATE provider_state SET {name} = :value")
                connection.execute(change, {"value": value})
            if column:
                return connection.execute(sa.text(f"SELECT {column} FROM provider_state")).scalar()
        return None

    return look


@pytest.fixture
def outage(alice: Person, model: OpenAIServer) -> Callable[..., list[UUID]]:
    """Pictures of whom five met a server that fails; the rest still wait."""

    def begin(count: int = 7, status: int = 500) -> list[UUID]:
        ids = [add_picture(alice.user_id) for _ in range(count)]
        model.fail_with(status)
        for _ in range(count):
            describe.run_one()
        # A wrong key says the same of every picture.
        assert len(model.calls) == (5 if status >= 500 else 1)
        return ids

    return begin


def attempts(person: Person, ids: list[UUID]) -> list[int]:
    return [row_of(person.user_id, image_id).attempts for image_id in ids]


def wait_of(until: datetime) -> float:
    return (until - now()).total_seconds()


def test_nothing_could_be_taken_while_it_is_open(
    alice: Person, model: OpenAIServer, outage: Any, in_state: Any
) -> None:
    assert permits.due_count() == 0
    add_picture(alice.user_id)
    assert permits.due_count() == 1
    outage()
    assert permits.due_count() == 0
    in_state(open_until=now())
    assert permits.due_count() == 1, "the one that tries the server"


def test_it_opens_after_five_failures_in_a_row_over_all_pictures(
    alice: Person, model: OpenAIServer, outage: Any, in_state: Any
) -> None:
    ids = outage()
    assert sorted(attempts(alice, ids)) == [0, 0, 1, 1, 1, 1, 1]
    assert 3 < wait_of(in_state("open_until")) <= 5
    [trouble] = circuit_breaker.troubles()
    assert (trouble.model, trouble.code) == (model.model, "model_unavailable")
    assert "HTTP 500" in trouble.message


def test_an_answer_in_between_begins_the_count_anew(alice: Person, model: OpenAIServer) -> None:
    for _ in range(9):
        add_picture(alice.user_id)
    model.script(*[Reply(500)] * 4, Reply(content="nonsense"), *[Reply(500)] * 4)
    for _ in range(9):
        describe.run_one()
    assert len(model.calls) == 9
    assert circuit_breaker.troubles() == []


def test_pictures_that_wait_say_why_and_since_when(
    alice: Person, outage: Any, in_state: Any
) -> None:
    ids = outage()
    describe.sweep()
    status = image_status.get_status(alice.user_id, ids[-1])
    assert status.waiting_reason == WaitingReason.PROVIDER_DOWN
    assert status.waiting is not None
    assert "HTTP 500" in status.waiting.message
    assert status.waiting.since == in_state("opened_at")


def test_one_picture_tries_and_pays_nothing_when_that_fails(
    alice: Person, model: OpenAIServer, outage: Any, in_state: Any
) -> None:
    ids = outage()
    before = attempts(alice, ids)
    for seconds in (10, 20, 40, 60, 60):
        in_state(open_until=now())
        assert describe.run_one() is not None
        assert describe.run_one() is None, "one at a time"
        assert seconds * 0.75 < wait_of(in_state("open_until")) <= seconds
    assert len(model.calls) == 10
    assert attempts(alice, ids) == before
    assert {row_of(alice.user_id, image_id).analysis_status for image_id in ids} == {"pending"}


def test_only_one_tries_even_if_many_ask_at_once(
    alice: Person, model: OpenAIServer, outage: Any, in_state: Any
) -> None:
    outage()
    in_state(open_until=now())
    with ThreadPoolExecutor(8) as workers:
        claims = list(workers.map(lambda _: leases.claim(), range(16)))
    [first] = [claim for claim in claims if claim is not None]
    assert leases.renew(first)
    in_state(open_until=now())
    assert leases.claim() is not None, "the first one's worker is gone"


def test_an_answer_of_any_kind_closes_it_and_everybody_goes_on(
    alice: Person, model: OpenAIServer, outage: Any, in_state: Any
) -> None:
    ids = outage()
    describe.sweep()
    in_state(open_until=now())
    model.reset()
    model.script(Reply(content="nonsense"))
    describe.run_one()
    assert circuit_breaker.troubles() == []
    for image_id in ids:
        change(alice.user_id, image_id, due_at=now() - timedelta(seconds=1))
    while describe.run_one():
        pass
    describe.sweep()
    rows = [row_of(alice.user_id, image_id) for image_id in ids]
    assert {(row.analysis_status, row.waiting_reason) for row in rows} == {("completed", None)}


@pytest.mark.parametrize(("status", "code"), REFUSALS)
def test_where_key_or_model_are_wrong_all_pictures_wait_and_none_fails(
    alice: Person, model: OpenAIServer, outage: Any, in_state: Any, status: int, code: str
) -> None:
    ids = outage(7, status)
    waiting_reasons.note_waits()
    rows = [row_of(alice.user_id, image_id) for image_id in ids]
    assert {(row.analysis_status, row.waiting_reason) for row in rows} == {
        ("pending", "provider_down")
    }
    assert {row.error_code for row in rows} <= {code, None}
    assert len(model.calls) == 1
    [trouble] = circuit_breaker.model_troubles().values()
    assert trouble["code"] == code
    assert f"HTTP {status}" in trouble["said"]
    in_state(open_until=now())
    describe.run_one()
    assert {row_of(alice.user_id, image_id).analysis_status for image_id in ids} == {"pending"}
    assert len(model.calls) == 2


def test_a_picture_whose_own_attempts_are_spent_fails_all_the_same(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    model.fail_with(503)
    for _ in range(5):
        change(alice.user_id, image_id, due_at=now())
        describe.run_one()
    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.attempts) == ("failed", 5)
    assert image.error_message == "The vision model server failed (HTTP 503). imgapp tried 5 times."


def test_what_a_server_asks_for_holds_everybody(
    alice: Person, mallory: Person, model: OpenAIServer, in_state: Any
) -> None:
    add_picture(alice.user_id)
    other = add_picture(mallory.user_id)
    model.script(Reply(429, headers={"Retry-After": "30"}))
    describe.run_one()
    assert describe.run_one() is None
    assert 29 < wait_of(in_state("held_until")) <= 30
    describe.sweep()
    assert row_of(mallory.user_id, other).waiting_reason == "provider_down"
    in_state(held_until=now())
    assert describe.run_one() is not None


def test_it_is_not_held_for_longer_than_ten_minutes(
    alice: Person, model: OpenAIServer, in_state: Any
) -> None:
    add_picture(alice.user_id)
    model.script(Reply(429, headers={"Retry-After": "86400"}))
    describe.run_one()
    assert 590 < wait_of(in_state("held_until")) <= 600


def test_what_needs_no_model_goes_on(alice: Person, outage: Any) -> None:
    outage()
    private = add_picture(alice.user_id, never_cloud=True)
    assert describe.run_one() == private
    assert describe.run_one() is None


def test_another_model_goes_on(
    alice: Person, admin: Person, model: OpenAIServer, outage: Any
) -> None:
    runtime_settings.change_installation(admin.user_id, InstallationEdit(models=["another"]))
    outage()
    other = add_picture(alice.user_id, ask={"model": "another"})
    claim = leases.claim()
    assert claim is not None
    assert (claim.image_id, claim.model) == (other, "another")


def test_another_key_begins_anew(
    alice: Person, model: OpenAIServer, outage: Any, set_env: Callable[..., None]
) -> None:
    outage()
    assert describe.run_one() is None
    set_env(OPENAI_API_KEY="sk-another")
    assert leases.claim() is not None


def test_a_store_that_is_away_costs_nothing_and_is_left_alone(
    alice: Person, model: OpenAIServer, in_state: Any
) -> None:
    ids = [add_picture(alice.user_id) for _ in range(7)]
    pictures = get_settings().pictures_dir
    away = pictures.with_name("away")
    pictures.rename(away)
    for _ in range(7):
        describe.run_one()
    [trouble] = circuit_breaker.troubles()
    assert (trouble.model, trouble.code) == (None, "store_unavailable")
    assert attempts(alice, ids) == [0] * 7
    describe.sweep()
    assert {row_of(alice.user_id, one).waiting_reason for one in ids} == {"provider_down"}

    shutil.move(away, pictures)
    in_state(open_until=now())
    for image_id in ids:
        change(alice.user_id, image_id, due_at=now())
    while describe.run_one():
        pass
    assert {row_of(alice.user_id, one).analysis_status for one in ids} == {"completed"}
    assert len(model.calls) == 7
    assert circuit_breaker.troubles() == []


def test_nothing_secret_is_in_its_rows(
    alice: Person, outage: Any, in_state: Any, set_env: Callable[..., None]
) -> None:
    set_env(OPENAI_API_KEY="sk-very-secret")
    outage()
    kept = in_state("provider_state::text")
    assert "sk-very-secret" not in kept
    assert "127.0.0.1" not in kept


def test_while_the_queue_takes_nothing_each_picture_says_so(
    alice: Person, mallory: Person, admin: Person, servers: Servers
) -> None:
    ids = [add_picture(alice.user_id) for _ in range(3)]
    with full(servers.redis_url):
        for _ in range(2):
            with pytest.raises(QueueUnavailable):
                describe.sweep()
        for image_id in ids:
            waiting = image_status.get_status(alice.user_id, image_id).waiting
            assert waiting is not None
            assert (waiting.reason, waiting.message[:13]) == ("provider_down", "Redis is full")
            assert waiting.since is not None
        [reason] = read_progress(alice.user_id).waiting_for
        assert (reason.images, reason.message[:13]) == (3, "Redis is full")
        admin_queue.forget()
        seen = admin_queue.read_queue(admin.user_id)
        assert [(one.model, one.code) for one in seen.troubles] == [(None, "queue_unavailable")]
        assert seen.workers is None, "those that live cannot say so"
    describe.sweep()
    assert [image_status.get_status(alice.user_id, one).waiting for one in ids] == [None] * 3
    assert circuit_breaker.troubles() == []


def test_a_queue_that_was_away_for_a_moment_is_no_outage(alice: Person, servers: Servers) -> None:
    image_id = add_picture(alice.user_id)
    with full(servers.redis_url), pytest.raises(QueueUnavailable):
        describe.sweep()
    assert image_status.get_status(alice.user_id, image_id).waiting is None


def test_an_outage_that_nobody_speaks_of_any_more_is_over(
    alice: Person, servers: Servers, in_state: Callable[..., Any]
) -> None:
    with full(servers.redis_url):
        for _ in range(2):
            circuit_breaker.look_at_the_queue()
    assert [one.code for one in circuit_breaker.troubles()] == ["queue_unavailable"]
    in_state(updated_at=now() - timedelta(minutes=2))
    assert circuit_breaker.troubles() == []
