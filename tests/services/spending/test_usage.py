"""What models cost: each call once, by person, month and model; failures too."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from imgapp.adapters.db import transaction
from imgapp.adapters.vision import servers
from imgapp.errors import NotFound
from imgapp.models import ModelCall, new_id
from imgapp.services.accounts.administration import delete_person, purge_deleted
from imgapp.services.analysis import describe
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.queue import leases
from imgapp.services.spending import usage
from imgapp.services.spending.usage import CallCost, settle
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, analyses_of, change, eventually, row_of

PRICE = {"input": 0.75, "output": 4.5}
ONE = (900 * 0.75 + 80 * 4.5) / 1e6
"""Dollars for one answer of the test's server: 900 tokens in, 80 out."""


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


@pytest.fixture
def priced(model: OpenAIServer, admin: Person) -> OpenAIServer:
    set_prices(admin, {model.model: PRICE})
    return model


def set_prices(admin: Person, prices: dict[str, Any]) -> None:
    change_installation(admin.user_id, InstallationEdit.model_validate({"prices": prices}))


def calls_of(person: Person) -> list[ModelCall]:
    with transaction(person.user_id) as session:
        return list(session.execute(sa.select(ModelCall)).scalars())


def test_an_analysis_costs_what_the_server_reported(alice: Person, priced: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id)
    describe.run_one()

    [kept] = analyses_of(alice.user_id, image_id)
    assert kept.cost == pytest.approx(ONE)
    [month] = usage.list_months(alice.user_id)
    assert month.month == f"{usage.this_month():%Y-%m}"
    assert (month.answers, month.failures, month.unpriced) == (1, 0, 0)
    assert (month.input_tokens, month.output_tokens) == (900, 80)
    assert month.cost == pytest.approx(ONE)
    assert [one.model for one in month.models] == [priced.model]
    assert calls_of(alice) == []


def test_without_a_price_tokens_are_counted_and_the_cost_is_unknown(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    describe.run_one()
    assert analyses_of(alice.user_id, image_id)[0].cost is None
    [month] = usage.list_months(alice.user_id)
    assert (month.answers, month.unpriced, month.input_tokens, month.cost) == (1, 1, 900, 0)


def test_a_server_that_reports_no_tokens_has_no_known_cost(
    alice: Person, priced: OpenAIServer
) -> None:
    priced.script(Reply(tokens=None))
    image_id = add_picture(alice.user_id)
    describe.run_one()
    assert analyses_of(alice.user_id, image_id)[0].cost is None
    [month] = usage.list_months(alice.user_id)
    assert (month.answers, month.unpriced, month.input_tokens, month.cost) == (1, 1, 0, 0)


def test_the_version_that_answered_may_have_a_price_of_its_own(
    alice: Person, admin: Person, model: OpenAIServer
) -> None:
    # The test's server answers as MODEL-test.
    dear = {"input": 1000, "output": 0}
    set_prices(admin, {model.model: PRICE, f"{model.model}-test": dear})
    image_id = add_picture(alice.user_id)
    describe.run_one()
    assert analyses_of(alice.user_id, image_id)[0].cost == pytest.approx(0.9)


def test_an_answer_of_no_use_is_paid_for_too(alice: Person, priced: OpenAIServer) -> None:
    priced.script(Reply(content="", tokens=(700, 3000)), Reply(status=500), Reply())
    image_id = add_picture(alice.user_id)
    for _ in range(3):
        change(alice.user_id, image_id, due_at=row_of(alice.user_id, image_id).queued_at)
        describe.run_one()

    assert row_of(alice.user_id, image_id).analysis_status == "completed"
    [month] = usage.list_months(alice.user_id)
    assert (month.answers, month.failures) == (1, 1), "a 500 reports nothing and costs nothing"
    assert (month.input_tokens, month.output_tokens) == (1600, 3080)
    assert month.cost == pytest.approx(ONE + (700 * 0.75 + 3000 * 4.5) / 1e6)
    assert calls_of(alice) == []


def test_an_answer_for_a_picture_that_is_gone_is_paid_for_too(
    alice: Person, priced: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    taken = leases.claim()
    assert taken is not None
    with transaction(alice.user_id) as session:
        session.execute(sa.text("DELETE FROM images WHERE id = :id"), {"id": image_id})
    bill = CallCost(10, 1, Decimal("0.5"))
    with transaction(alice.user_id) as session:
        assert settle(session, taken.lease_id, bill)
    assert usage.list_months(alice.user_id)[0].cost == 0.5


def test_an_answer_that_comes_after_the_lease_is_lost_is_paid_for_too(
    alice: Person, priced: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    priced.delay = 0.6
    image_id = add_picture(alice.user_id)
    with ThreadPoolExecutor(1) as worker:
        working = worker.submit(describe.run_one)
        priced.wait_for_calls(1)
        with transaction(alice.user_id) as session:
            session.execute(sa.text("DELETE FROM images WHERE id = :id"), {"id": image_id})
        working.result()
        assert priced.in_flight == 1, "the worker did not wait for it"
    eventually(lambda: usage.list_months(alice.user_id)[0].cost == pytest.approx(ONE))
    assert calls_of(alice) == []


def test_a_call_is_settled_once_and_by_its_person_alone(
    alice: Person, mallory: Person, priced: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    taken = leases.claim()
    assert taken is not None
    bill = CallCost(900, 80, Decimal("0.01"))
    settled = []
    for person in (mallory, alice, alice):
        with transaction(person.user_id) as session:
            settled.append(settle(session, taken.lease_id, bill))
    assert settled == [False, True, False]
    assert usage.list_months(alice.user_id)[0].cost == 0.01
    assert usage.list_months(mallory.user_id)[0].cost == 0


def test_what_is_handed_back_costs_nothing_unless_it_is_answered(
    alice: Person, priced: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    taken = leases.claim()
    assert taken is not None
    leases.hand_back(taken)
    assert [call.id for call in calls_of(alice)] == [taken.lease_id]
    assert usage.list_months(alice.user_id)[0].answers == 0


def test_an_answer_after_the_deadline_is_paid_for(
    alice: Person, priced: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GRACE_SECONDS", 0.2 - servers.OWN_SECONDS)
    image_id = add_picture(alice.user_id)
    priced.delay = 1.0
    describe.run_one()
    assert row_of(alice.user_id, image_id).error_code == "model_timeout"
    assert usage.list_months(alice.user_id)[0].answers == 0
    eventually(lambda: usage.list_months(alice.user_id)[0].cost == pytest.approx(ONE))
    assert calls_of(alice) == []


def test_an_answer_that_comes_while_its_worker_ends_is_paid_for(
    alice: Person, priced: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    priced.delay = 1.0
    working = threading.Thread(target=describe.run_one)
    working.start()
    priced.wait_for_calls(1)
    leases.stop()
    working.join()
    leases.resume()
    assert row_of(alice.user_id, image_id).analysis_status == "pending"
    eventually(lambda: usage.list_months(alice.user_id)[0].cost == pytest.approx(ONE))
    assert calls_of(alice) == []


def test_an_answer_that_cannot_be_written_is_paid_for(
    alice: Person, priced: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no such column")

    monkeypatch.setattr(describe, "_keep", fail)
    image_id = add_picture(alice.user_id)
    describe.run_one()
    spent = usage.list_months(alice.user_id)[0]
    assert (spent.failures, spent.cost) == (1, pytest.approx(ONE))
    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.error_code) == ("pending", "internal_error")


def test_what_needs_no_model_is_no_call(alice: Person) -> None:
    add_picture(alice.user_id)
    describe.run_one()
    assert usage.list_months(alice.user_id)[0].models == []


def test_months_are_listed_newest_first(alice: Person, administrator: sa.Engine) -> None:
    add_usage(administrator, alice, "2020-01-01", cost=1)
    add_usage(administrator, alice, "now", cost=2)
    add_usage(administrator, alice, "now - interval '1 month'", cost=3)
    add_usage(administrator, alice, "now - interval '1 month'", cost=4, model="b")
    months = usage.list_months(alice.user_id, 2)
    assert [month.cost for month in months] == [2, 7]
    assert [one.cost for one in months[1].models] == [3, 4]
    assert months[0].month > months[1].month


def test_everybodys_months_are_for_administrators(
    alice: Person, mallory: Person, admin: Person, administrator: sa.Engine
) -> None:
    add_usage(administrator, alice, "now", cost=2)
    add_usage(administrator, mallory, "now", cost=0.25)
    [month] = usage.list_everybodys_months(admin.user_id)
    assert (month.cost, month.models[0].answers) == (2.25, 2)
    assert usage.list_months(mallory.user_id)[0].cost == 0.25
    with pytest.raises(NotFound):
        usage.list_everybodys_months(mallory.user_id)
    with pytest.raises(NotFound):
        usage.export_people(mallory.user_id)


def read_csv(table: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))


def test_what_somebody_spent_stays_when_they_are_removed(
    alice: Person, admin: Person, administrator: sa.Engine
) -> None:
    add_usage(administrator, alice, "now", cost=2)
    delete_person(admin.user_id, alice.user_id)
    while purge_deleted():
        pass
    assert usage.list_everybodys_months(admin.user_id)[0].cost == 2
    [names, line] = read_csv(usage.export_people(admin.user_id))
    assert dict(zip(names, line, strict=True))["email"] == ""


def test_the_tables_to_take_along(alice: Person, admin: Person, administrator: sa.Engine) -> None:
    add_usage(administrator, alice, "now", cost=2, model="=cmd|' /C calc'!A1")
    names, line = read_csv(usage.export_months(alice.user_id))
    told = dict(zip(names, line, strict=True))
    assert told["cost"] == "2.000000000"
    assert told["model"] == "'=cmd|' /C calc'!A1", "no spreadsheet takes it for a formula"
    assert told["month"] == f"{usage.this_month():%Y-%m}"
    names, line = read_csv(usage.export_people(admin.user_id))
    assert dict(zip(names, line, strict=True))["email"] == alice.email
    assert usage.export_months(admin.user_id).count(b"\r\n") == 1


def test_months_are_those_of_utc() -> None:
    assert usage.since(1) == usage.this_month()
    assert usage.since(13).replace(year=usage.this_month().year) == usage.this_month()
    assert usage.next_month().day == 1
    assert usage.next_month().date() > usage.this_month()


def add_usage(
    administrator: sa.Engine, person: Person, month: str, *, cost: float, model: str = "a"
) -> None:
    first = f"date '{month}'" if month[0].isdigit() else month.replace("now", "imgapp_month()")
    with administrator.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO usage_months VALUES"
                f" (:user_id, ({first})::date, :model, 1, 0, 0, 100, 10, :cost)"
            ),
            {"user_id": person.user_id, "model": model, "cost": cost},
        )


def test_a_call_that_never_ended_is_forgotten(
    alice: Person, priced: OpenAIServer, administrator: sa.Engine
) -> None:
    with transaction(alice.user_id) as session:
        session.execute(sa.select(sa.func.imgapp_reserve(new_id(), "m", 30)))
    describe.sweep()
    assert len(calls_of(alice)) == 1
    with administrator.begin() as connection:
        connection.execute(
            sa.text("UPDATE model_calls SET expires_at = now() - interval '2 hours'")
        )
    describe.sweep()
    assert calls_of(alice) == []
