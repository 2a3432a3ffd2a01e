"""Budgets: what they stop, when it goes on, and that calls under way are within them too."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, InvalidRequest, NotFound
from imgapp.models import ImageStatus, now
from imgapp.services.accounts import administration
from imgapp.services.accounts.administration import PersonEdit
from imgapp.services.analysis import describe
from imgapp.services.common import audit_trail
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.library import listing
from imgapp.services.queue import image_status, leases
from imgapp.services.spending import budgets, usage
from tests.conftest import Person
from tests.services.spending.test_usage import ONE, PRICE, add_usage, calls_of
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, row_of


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


@pytest.fixture
def priced(model: OpenAIServer, admin: Person) -> OpenAIServer:
    decide(admin, prices={model.model: PRICE})
    return model


def decide(admin: Person, **edit: Any) -> None:
    change_installation(admin.user_id, InstallationEdit.model_validate(edit))


def spent(person: Person) -> float:
    return usage.list_months(person.user_id)[0].cost


def status(person: Person, image_id: Any) -> ImageStatus:
    return image_status.get_status(person.user_id, image_id)


def run_all() -> int:
    """Describe pictures until nothing may be; returns how many were."""
    done = 0
    while describe.run_one() is not None:
        done += 1
    return done


def test_a_persons_budget_stops_their_calls_and_nobody_elses(
    alice: Person, mallory: Person, admin: Person, priced: OpenAIServer
) -> None:
    hers = [add_picture(alice.user_id) for _ in range(5)]
    budgets.set_budget(admin.user_id, alice.user_id, 3 * ONE)
    assert run_all() == 3
    describe.sweep()

    left = [one for one in hers if status(alice, one).status == "pending"]
    assert len(left) == 2
    for image_id in left:
        said = status(alice, image_id)
        assert said.waiting_reason == "budget"
        assert said.waiting is not None
        assert "is used up" in said.waiting.message
    assert spent(alice) == pytest.approx(3 * ONE)

    add_picture(mallory.user_id)
    assert run_all() == 1


def test_it_goes_on_when_the_budget_is_raised(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    decide(admin, person_budget=0)
    assert run_all() == 0
    describe.sweep()
    assert status(alice, image_id).waiting_reason == "budget"
    decide(admin, person_budget=1)
    assert run_all() == 1
    assert status(alice, image_id).waiting_reason is None


def test_it_goes_on_in_the_next_month(
    alice: Person, admin: Person, priced: OpenAIServer, administrator: sa.Engine
) -> None:
    for _ in range(2):
        add_picture(alice.user_id)
    decide(admin, person_budget=ONE)
    assert run_all() == 1
    describe.sweep()
    assert run_all() == 0
    with administrator.begin() as connection:
        connection.execute(
            sa.text("UPDATE usage_months SET month = (month - interval '1 month')::date")
        )
    describe.sweep()
    assert run_all() == 1


def test_everybodys_budget_stops_everybody(
    alice: Person, mallory: Person, admin: Person, priced: OpenAIServer
) -> None:
    theirs = [add_picture(person.user_id) for person in (alice, mallory, alice, mallory)]
    decide(admin, budget=2 * ONE)
    assert run_all() == 2
    describe.sweep()
    for person, image_id in zip((alice, mallory), theirs[2:], strict=True):
        said = status(person, image_id)
        assert said.waiting is not None
        assert said.waiting_reason == "budget"
        assert said.waiting.message.startswith("The installation's budget")
    decide(admin, budget=None)
    assert run_all() == 2


def test_what_removed_people_spent_counts_against_everybodys(
    alice: Person, mallory: Person, admin: Person, priced: OpenAIServer, administrator: sa.Engine
) -> None:
    add_usage(administrator, mallory, "now", cost=1)
    with administrator.begin() as connection:
        connection.execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": mallory.user_id})
    add_picture(alice.user_id)
    decide(admin, budget=1)
    assert run_all() == 0
    decide(admin, budget=1.01)
    assert run_all() == 1


def test_calls_under_way_are_within_the_budget(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    for _ in range(20):
        add_picture(alice.user_id)
    assert describe.run_one() is not None, "the first call tells what one costs"
    priced.delay = 0.5
    budgets.set_budget(admin.user_id, alice.user_id, 6 * ONE)
    with ThreadPoolExecutor(16) as workers:
        made = list(workers.map(lambda _: describe.run_one(), range(16)))
    assert sum(one is not None for one in made) == 5
    assert len(priced.calls) == 6
    assert spent(alice) == pytest.approx(6 * ONE)
    assert calls_of(alice) == []


def test_of_a_model_that_nobody_knows_one_call_tells_first(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    for _ in range(3):
        add_picture(alice.user_id)
    budgets.set_budget(admin.user_id, alice.user_id, 100)
    first = leases.claim()
    assert first is not None
    assert leases.claim() is None, "it may cost all that is left"
    describe.sweep()
    assert {row_of(alice.user_id, image.id).waiting_reason for image in listed(alice)} == {None}
    with transaction(alice.user_id) as session:
        usage.settle(session, first.lease_id, usage.CallCost(900, 80))
    assert leases.claim() is not None
    assert leases.claim() is not None


def listed(person: Person) -> Any:
    return listing.list_images(person.user_id).items


def test_what_a_killed_worker_set_aside_is_free_again_with_its_lease(
    alice: Person, admin: Person, priced: OpenAIServer, administrator: sa.Engine
) -> None:
    for _ in range(2):
        add_picture(alice.user_id)
    decide(admin, person_budget=5)
    assert leases.claim() is not None
    assert leases.claim() is None
    with administrator.begin() as connection:
        past = "SET expires_at = now() - interval '1 second'"
        connection.execute(sa.text(f"UPDATE model_calls {past}"))
    assert leases.claim() is not None


def test_a_lease_that_is_renewed_keeps_what_is_set_aside(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    taken = leases.claim()
    assert taken is not None
    [before] = calls_of(alice)
    assert leases.renew(taken)
    [after] = calls_of(alice)
    assert after.expires_at > before.expires_at


def test_a_model_that_costs_nothing_is_never_held_back(
    alice: Person, admin: Person, model: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    decide(admin, person_budget=0, prices={model.model: {"input": 0, "output": 0}})
    assert run_all() == 1
    assert spent(alice) == 0


def test_a_model_without_a_price_stops_at_a_budget_of_nothing(
    alice: Person, admin: Person, model: OpenAIServer
) -> None:
    for _ in range(2):
        add_picture(alice.user_id)
    decide(admin, person_budget=0)
    assert run_all() == 0
    decide(admin, person_budget=0.01)
    assert run_all() == 2


def test_what_needs_no_model_is_described_without_a_budget(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    decide(admin, person_budget=0)
    add_picture(alice.user_id)
    kept_here = add_picture(alice.user_id, never_cloud=True)
    assert run_all() == 1
    assert status(alice, kept_here).status == "completed"


def test_failures_that_cost_something_use_the_budget_up_too(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    priced.script(Reply(content="", tokens=(900, 80)), Reply())
    image_id = add_picture(alice.user_id)
    budgets.set_budget(admin.user_id, alice.user_id, ONE)
    assert run_all() == 1
    with transaction(alice.user_id) as session:
        session.execute(sa.text("UPDATE images SET due_at = queued_at"))
    assert run_all() == 0
    describe.sweep()
    assert status(alice, image_id).waiting_reason == "budget"


def test_a_budget_with_room_for_less_than_one_is_used_up(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    for _ in range(3):
        add_picture(alice.user_id)
    decide(admin, person_budget=1.5 * ONE)
    assert run_all() == 1
    describe.sweep()
    waiting = next(image for image in listed(alice) if image.status == "pending")
    said = status(alice, waiting.id).waiting
    assert said is not None
    assert said.message.startswith("Your budget of this month is used up.")
    stands = budgets.get_budget(alice.user_id)
    assert stands.left == pytest.approx(ONE / 2)
    assert stands.used_up


def test_a_trial_needs_room_in_the_budget(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    call = budgets.reserve(alice.user_id, priced.model)
    with transaction(alice.user_id) as session:
        assert usage.settle(session, call, usage.CallCost(900, 80), failed=False)
    decide(admin, person_budget=0)
    with pytest.raises(Conflict) as refused:
        budgets.reserve(alice.user_id, priced.model)
    assert refused.value.code == "budget_used_up"


def test_an_estimate_learns_from_ones_own_calls_then_from_others(
    alice: Person, mallory: Person, admin: Person, priced: OpenAIServer
) -> None:
    guess = budgets.estimate(alice.user_id, 10)
    assert (guess.basis, guess.model) == ("guess", priced.model)
    assert guess.cost is not None
    assert guess.cost > 0
    add_picture(mallory.user_id)
    run_all()
    others = budgets.estimate(alice.user_id, 1000)
    assert (others.basis, others.input_tokens, others.output_tokens) == (
        "everybody",
        900_000,
        80_000,
    )
    assert others.cost == pytest.approx(1000 * ONE)
    priced.script(Reply(tokens=(100, 10)))
    add_picture(alice.user_id)
    run_all()
    own = budgets.estimate(alice.user_id, 1000)
    assert (own.basis, own.input_tokens) == ("own", 100_000)


def test_an_estimate_says_how_far_the_budget_goes(
    alice: Person, admin: Person, priced: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    run_all()
    assert budgets.estimate(alice.user_id, 10).fits is None
    decide(admin, person_budget=4 * ONE)
    said = budgets.estimate(alice.user_id, 10)
    assert (said.fits, said.enough) == (3, False)
    assert said.left == pytest.approx(3 * ONE)
    assert budgets.estimate(alice.user_id, 2).enough
    decide(admin, models=["another"])
    unknown = budgets.estimate(alice.user_id, 10, "another")
    assert (unknown.cost, unknown.fits, unknown.enough) == (None, None, True)


def test_without_a_model_an_estimate_is_nothing(alice: Person) -> None:
    for named in (None, "another"):
        said = budgets.estimate(alice.user_id, 10, named)
        assert (said.model, said.basis, said.cost, said.enough) == ("basic-1", None, 0, True)


def test_people_are_listed_by_what_they_spent(
    alice: Person, mallory: Person, admin: Person, administrator: sa.Engine
) -> None:
    add_usage(administrator, alice, "now", cost=0.5)
    add_usage(administrator, mallory, "now", cost=2)
    decide(admin, person_budget=5)
    budgets.set_budget(admin.user_id, alice.user_id, 7)
    first = budgets.list_people(admin.user_id, limit=2)
    last = budgets.list_people(admin.user_id, limit=2, cursor=first.next_cursor)
    everybody = [*first.items, *last.items]
    assert [one.email for one in everybody] == [mallory.email, alice.email, admin.email]
    assert [one.cost for one in everybody] == [2, 0.5, 0]
    assert [one.budget for one in everybody] == [5, 7, 5]
    assert [one.own_budget for one in everybody] == [None, 7, None]
    assert last.next_cursor is None
    found = budgets.list_people(admin.user_id, q="ALICE")
    assert [one.email for one in found.items] == [alice.email]


def test_a_cursor_is_good_for_one_month_of_one_administrator(
    alice: Person, mallory: Person, admin: Person
) -> None:
    cursor = budgets.list_people(admin.user_id, limit=1).next_cursor
    assert budgets.list_people(admin.user_id, limit=1, cursor=cursor).items
    administration.update_person(admin.user_id, mallory.user_id, PersonEdit(is_admin=True))
    made_up = base64.urlsafe_b64encode(f"0.5 {alice.user_id}".encode()).decode().rstrip("=")
    for user, wanted in (
        (mallory, {"cursor": cursor}),
        (admin, {"cursor": cursor, "month": date(2026, 1, 1)}),
        (admin, {"cursor": cursor, "q": "alice"}),
        (admin, {"cursor": made_up}),
        (admin, {"cursor": administration.list_people(admin.user_id, limit=1).next_cursor}),
        (admin, {"cursor": "x"}),
    ):
        with pytest.raises(InvalidRequest) as refusal:
            budgets.list_people(user.user_id, **wanted)
        assert refusal.value.code == "invalid_cursor"
    with pytest.raises(NotFound):
        budgets.list_people(alice.user_id, cursor=cursor)


def test_only_administrators_set_budgets_and_it_is_in_the_audit_trail(
    alice: Person, mallory: Person, admin: Person
) -> None:
    for refused in (
        lambda: budgets.set_budget(mallory.user_id, mallory.user_id, None),
        lambda: budgets.list_people(mallory.user_id),
        lambda: budgets.set_budget(admin.user_id, uuid4(), 5),
    ):
        with pytest.raises(NotFound):
            refused()
    budgets.set_budget(admin.user_id, alice.user_id, 5)
    [event] = audit_trail.list_events(admin.user_id).items
    assert (event.kind, event.details["budget"]) == ("budget_changed", "5")
    assert budgets.get_budget(alice.user_id).limit == 5
    assert budgets.get_budget(mallory.user_id).limit is None
    budgets.set_budget(admin.user_id, alice.user_id, None)
    assert budgets.get_budget(alice.user_id).limit is None


def test_how_one_stands(alice: Person, admin: Person, priced: OpenAIServer) -> None:
    for _ in range(2):
        add_picture(alice.user_id)
    decide(admin, person_budget=1)
    run_all_but_one = describe.run_one()
    assert run_all_but_one is not None
    assert leases.claim() is not None
    stands = budgets.get_budget(alice.user_id)
    assert (stands.limit, stands.used_up, stands.everybody_used_up) == (1, False, False)
    assert stands.spent == pytest.approx(ONE)
    assert stands.reserved == pytest.approx(ONE)
    assert stands.left == pytest.approx(1 - ONE)
    assert stands.resets_at > now()
