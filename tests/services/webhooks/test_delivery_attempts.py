"""From the end of an analysis to a receiver that says 2xx, with everything that may go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from imgapp.adapters import db, queue
from imgapp.models import Image, now
from imgapp.services.analysis import describe
from imgapp.services.queue import leases
from imgapp.services.webhooks import deliveries, delivery_attempts, webhooks
from imgapp.services.webhooks.delivery_attempts import MAX_ATTEMPTS, RETRY_SECONDS, retry_delay
from tests.conftest import Person
from tests.support.openai_server import ANSWER, OpenAIServer, Reply
from tests.support.receivers import Received, Receiver, receiving
from tests.support.rows import add_image
from tests.support.waiting import add_picture, change
from tests.support.webhook_rows import (
    add_delivery,
    add_webhook,
    deliveries_of,
    delivery_of,
    set_rows,
    webhook_of,
)


@pytest.fixture
def receiver(database: None, set_env: Callable[..., None]) -> Iterator[Receiver]:
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.1")
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def model(receiver: Receiver, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


def end_analysis(person: Person, image_id: UUID, status: str = "completed") -> None:
    change(person.user_id, image_id, analysis_status=status)


def send_all() -> int:
    """How many attempts there were until nothing was due."""
    attempts = 0
    while delivery_attempts.run_one():
        attempts += 1
    return attempts


def states(person: Person) -> list[str]:
    return [row.state for row in deliveries_of(person.user_id)]


def told(request: Received) -> dict[str, Any]:
    return dict(json.loads(request.body))


def test_a_completed_analysis_is_told_with_the_picture(
    alice: Person, model: OpenAIServer, receiver: Receiver
) -> None:
    made = webhooks.create_webhook(
        alice.user_id, f"{receiver.url}/hook?key=1", ["analysis.completed"]
    )
    image_id = add_picture(alice.user_id)
    describe.run_one()
    assert send_all() == 1

    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/hook?key=1")
    assert request.headers["content-type"] == "application/json"
    message = Verifier(made.secret).verify(request.body, request.headers)
    assert message["type"] == "analysis.completed"
    image = message["data"]["image"]
    assert (image["id"], image["status"]) == (str(image_id), "completed")
    assert (image["alt_text"], image["tags"]) == (ANSWER["alt_text"], ["bicycle", "wall", "shadow"])
    assert image["urls"] == {
        name: f"http://localhost:8000/api/images/{image_id}/file?variant={name}"
        for name in ("thumbnail", "preview", "original")
    }
    (row,) = deliveries_of(alice.user_id)
    assert message["timestamp"] == row.occurred_at.isoformat()
    assert request.headers["webhook-id"] == str(row.id)
    assert (row.state, row.attempts, row.response_status) == ("delivered", 1, 200)
    assert (row.lease_id, row.error_code) == (None, None)
    assert row.seconds is not None
    assert row.finished_at is not None


def test_a_failed_analysis_is_told_with_its_reason(
    alice: Person, model: OpenAIServer, receiver: Receiver
) -> None:
    add_webhook(alice.user_id, receiver.url)
    model.script(Reply(413))
    add_picture(alice.user_id)
    describe.run_one()
    assert send_all() == 1
    message = told(receiver.requests[0])
    assert message["type"] == "analysis.failed"
    assert message["data"]["image"]["status"] == "failed"
    assert message["data"]["image"]["error"]["code"]


def test_the_worker_hears_of_it_once_it_is_committed(
    alice: Person, model: OpenAIServer, receiver: Receiver
) -> None:
    add_picture(alice.user_id)
    describe.run_one()
    assert queue.pending_permits(queue.DELIVERIES) == 0
    add_webhook(alice.user_id, receiver.url)
    add_picture(alice.user_id)
    describe.run_one()
    assert queue.pending_permits(queue.DELIVERIES) == 1


def test_a_picture_whose_workers_were_killed_is_told_as_failed(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    add_webhook(alice.user_id, receiver.url)
    image_id = add_picture(alice.user_id)
    for _ in range(leases.MAX_LOST):
        assert states(alice) == []
        assert leases.claim() is not None
        set_rows(administrator, "images", "lease_expires_at = now() - interval '1 second'")
        leases.return_expired()
    assert send_all() == 1
    message = told(receiver.requests[0])
    assert (message["type"], message["data"]["image"]["id"]) == ("analysis.failed", str(image_id))
    assert message["data"]["image"]["error"]["code"] == "lost"


def test_each_webhook_is_told_what_it_asked_for(
    alice: Person, mallory: Person, receiver: Receiver
) -> None:
    add_webhook(alice.user_id, f"{receiver.url}/all")
    add_webhook(alice.user_id, f"{receiver.url}/failed", events=["analysis.failed"])
    add_webhook(alice.user_id, disabled_at=now(), disabled_reason="person")
    add_webhook(mallory.user_id, f"{receiver.url}/mallory")
    end_analysis(alice, add_image(alice.user_id).id)
    end_analysis(alice, add_image(alice.user_id).id, "failed")
    end_analysis(alice, add_image(alice.user_id, deleted_at=now()).id)
    send_all()
    seen = sorted((request.path, told(request)["type"]) for request in receiver.requests)
    assert seen == [
        ("/all", "analysis.completed"),
        ("/all", "analysis.failed"),
        ("/failed", "analysis.failed"),
    ]
    assert deliveries_of(mallory.user_id) == []


def test_another_analysis_is_told_again_but_an_edit_is_not(
    alice: Person, receiver: Receiver
) -> None:
    add_webhook(alice.user_id, receiver.url)
    image_id = add_image(alice.user_id).id
    for status in ("completed", "pending", "in_progress", "completed"):
        lease = {"lease_id": image_id, "lease_expires_at": now()} if status[0] == "i" else {}
        change(alice.user_id, image_id, analysis_status=status, **lease)
    change(alice.user_id, image_id, alt_text="A word of mine")
    assert len(deliveries_of(alice.user_id)) == 2


def test_what_is_not_committed_is_not_told(alice: Person, receiver: Receiver) -> None:
    add_webhook(alice.user_id, receiver.url)
    image_id = add_image(alice.user_id).id

    def interrupted() -> None:
        with db.transaction(alice.user_id) as session:
            session.get_one(Image, image_id).analysis_status = "completed"
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert deliveries_of(alice.user_id) == []


def test_an_analysis_does_not_fail_because_its_webhook_is_being_deleted(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    webhook_id = add_webhook(alice.user_id, receiver.url)
    image_id = add_image(alice.user_id).id
    with db.transaction(alice.user_id) as session, ThreadPoolExecutor(1) as pool:
        session.execute(sa.text("DELETE FROM webhooks WHERE id = :id"), {"id": webhook_id})
        ended = pool.submit(end_analysis, alice, image_id)
        wait_for_a_lock(administrator)
        session.commit()
        ended.result(10)
    with db.transaction(alice.user_id) as session:
        assert session.get_one(Image, image_id).analysis_status == "completed"
    assert deliveries_of(alice.user_id) == []


def wait_for_a_lock(administrator: sa.Engine) -> None:
    """Until somebody waits for somebody else's transaction."""
    from tests.support.waiting import eventually

    waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with administrator.connect() as connection:
        autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
        eventually(lambda: autocommit.execute(waiting).scalar_one() > 0)


def test_the_message_is_the_same_at_every_attempt(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    webhook_id = add_webhook(alice.user_id, receiver.url)
    image_id = add_image(alice.user_id, description="as it was").id
    end_analysis(alice, image_id)
    receiver.answers(500)
    assert send_all() == 1
    (row,) = deliveries_of(alice.user_id)
    assert (row.state, row.attempts, row.response_status) == ("pending", 1, 500)
    assert row.error_code == "http_error"
    assert timedelta(seconds=4) < row.due_at - now() <= timedelta(seconds=6)
    assert webhook_of(alice.user_id, webhook_id).failing_since is not None
    assert send_all() == 0

    change(alice.user_id, image_id, description="as it is now")
    set_rows(administrator, "webhook_deliveries", "due_at = now()")
    receiver.answers(202)
    assert send_all() == 1
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    (row,) = deliveries_of(alice.user_id)
    assert (row.state, row.attempts, row.error_code) == ("delivered", 2, None)
    assert webhook_of(alice.user_id, webhook_id).failing_since is None


def test_after_a_change_of_the_secret_both_verify_and_no_other(
    alice: Person, receiver: Receiver
) -> None:
    first = webhooks.create_webhook(alice.user_id, receiver.url, ["analysis.failed"])
    second = webhooks.rotate_secret(alice.user_id, first.id)
    deliveries.send_ping(alice.user_id, first.id)
    send_all()
    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    for made in (first, second):
        assert Verifier(made.secret).verify(request.body, request.headers)["type"] == "ping"
    other = webhooks.create_webhook(alice.user_id, receiver.url, ["analysis.failed"])
    with pytest.raises(WebhookVerificationError):
        Verifier(other.secret).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(first.secret).verify(request.body + b" ", request.headers)


def test_attempts_come_later_and_later_and_then_no_more() -> None:
    assert [retry_delay(n, None, 0) for n in range(1, MAX_ATTEMPTS)] == list(RETRY_SECONDS)
    assert list(RETRY_SECONDS) == [5, 30, 120, 600, 1800, 7200, 18000, 36000]
    assert retry_delay(1, None, 1) == 6
    assert retry_delay(MAX_ATTEMPTS, None, 0) is None


@pytest.mark.parametrize(
    ("asked", "delay"), [(1.0, 5.0), (60.0, 60.0), (10.0**9, 24 * 3600.0), (None, 5.0)]
)
def test_a_receiver_may_ask_for_more_time(asked: float | None, delay: float) -> None:
    assert retry_delay(1, asked, 0) == delay


def test_what_the_receiver_asks_for_is_kept_to(alice: Person, receiver: Receiver) -> None:
    end_of_an_analysis_for(alice, receiver)
    receiver.answers(429, Retry_After="3600")
    send_all()
    (row,) = deliveries_of(alice.user_id)
    assert timedelta(minutes=59) < row.due_at - now() < timedelta(minutes=67)


def end_of_an_analysis_for(person: Person, receiver: Receiver) -> UUID:
    webhook_id = add_webhook(person.user_id, receiver.url)
    end_analysis(person, add_image(person.user_id).id)
    return webhook_id


def test_when_all_attempts_are_spent_it_has_failed(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    end_of_an_analysis_for(alice, receiver)
    receiver.answers(500)
    for _ in range(MAX_ATTEMPTS):
        set_rows(administrator, "webhook_deliveries", "due_at = now()")
        assert send_all() == 1
    (row,) = deliveries_of(alice.user_id)
    assert (row.state, row.attempts) == ("failed", MAX_ATTEMPTS)
    assert row.finished_at is not None


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9/", "unreachable"),
        ("http://127.0.0.2:8000/", "address_not_allowed"),
        ("http://[::1]:8000/", "address_not_allowed"),
    ],
)
def test_a_receiver_that_cannot_be_asked_is_a_failure_with_a_reason(
    alice: Person, receiver: Receiver, url: str, code: str
) -> None:
    add_webhook(alice.user_id, url)
    end_analysis(alice, add_image(alice.user_id).id)
    send_all()
    (row,) = deliveries_of(alice.user_id)
    assert (row.state, row.error_code, row.response_status) == ("pending", code, None)
    assert row.error_message


def test_a_redirect_is_not_followed(alice: Person, receiver: Receiver) -> None:
    end_of_an_analysis_for(alice, receiver)
    receiver.answers(307, Location=f"{receiver.url}/elsewhere")
    send_all()
    assert [request.path for request in receiver.requests] == ["/"]
    assert deliveries_of(alice.user_id)[0].error_code == "redirect"


def test_a_receiver_that_is_gone_is_told_nothing_more(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    webhook_id = end_of_an_analysis_for(alice, receiver)
    end_analysis(alice, add_image(alice.user_id).id)
    receiver.answers(410)
    assert send_all() == 1
    webhook = webhook_of(alice.user_id, webhook_id)
    assert webhook.disabled_reason == "gone"
    assert sorted(states(alice)) == ["cancelled", "failed"]
    end_analysis(alice, add_image(alice.user_id).id)
    assert len(deliveries_of(alice.user_id)) == 2
    with administrator.connect() as connection:
        kinds = connection.execute(sa.text("SELECT kind FROM audit_events")).scalars().all()
    assert kinds == ["webhook_disabled"]


@pytest.mark.parametrize(
    ("failing", "waited", "off"),
    [
        ("71 hours", "70 hours", False),
        ("73 hours", "2 hours", True),
        ("73 hours", "1 minute", False),
    ],
)
def test_a_webhook_that_fails_for_days_is_switched_off(
    alice: Person,
    receiver: Receiver,
    administrator: sa.Engine,
    failing: str,
    waited: str,
    off: bool,
) -> None:
    webhook_id = end_of_an_analysis_for(alice, receiver)
    set_rows(administrator, "webhooks", f"failing_since = now() - interval '{failing}'")
    set_rows(administrator, "webhook_deliveries", f"occurred_at = now() - interval '{waited}'")
    receiver.answers(500)
    send_all()
    webhook = webhook_of(alice.user_id, webhook_id)
    assert webhook.disabled_reason == ("failing" if off else None)
    assert states(alice) == (["cancelled"] if off else ["pending"])


def test_a_picture_that_was_deleted_is_not_told_of(alice: Person, receiver: Receiver) -> None:
    add_webhook(alice.user_id, receiver.url)
    image_id = add_image(alice.user_id).id
    end_analysis(alice, image_id)
    change(alice.user_id, image_id, deleted_at=now())
    send_all()
    (row,) = deliveries_of(alice.user_id)
    assert (row.state, row.error_code) == ("cancelled", "image_deleted")
    assert receiver.requests == []


def test_a_webhook_that_is_switched_off_forgets_what_waits(
    alice: Person, receiver: Receiver
) -> None:
    webhook_id = end_of_an_analysis_for(alice, receiver)
    webhooks.update_webhook(alice.user_id, webhook_id, webhooks.WebhookEdit(enabled=False))
    assert send_all() == 0
    assert states(alice) == ["cancelled"]


def test_a_webhook_that_is_switched_off_under_way_is_told_nothing(
    alice: Person, receiver: Receiver
) -> None:
    webhook_id = end_of_an_analysis_for(alice, receiver)
    claim = delivery_attempts._claim()
    assert claim is not None
    webhooks.update_webhook(alice.user_id, webhook_id, webhooks.WebhookEdit(enabled=False))
    assert delivery_attempts._compose(claim) is None
    assert states(alice) == ["cancelled"]


def test_people_who_may_not_sign_in_are_told_nothing(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    end_of_an_analysis_for(alice, receiver)
    for column in ("disabled_at", "deleting_at"):
        set_rows(administrator, "users", f"{column} = now()")
        assert send_all() == 0
        set_rows(administrator, "users", f"{column} = NULL")
    assert send_all() == 1


def test_one_worker_at_a_time_has_a_delivery(alice: Person, receiver: Receiver) -> None:
    for _ in range(3):
        webhook_id = add_webhook(alice.user_id, receiver.url)
        add_delivery(alice.user_id, webhook_id)
    with ThreadPoolExecutor(8) as pool:
        claims = [
            claim for claim in pool.map(lambda _: delivery_attempts._claim(), range(8)) if claim
        ]
    assert len({claim.delivery_id for claim in claims}) == len(claims) == 3


def claimed() -> list[UUID]:
    """The people whose deliveries could be taken now, in their order."""
    return [claim.user_id for claim in iter(delivery_attempts._claim, None) if claim]


def test_nobody_has_more_than_a_few_under_way(
    alice: Person, mallory: Person, receiver: Receiver
) -> None:
    for _ in range(3):
        webhook_id = add_webhook(mallory.user_id, receiver.url)
        for _ in range(4):
            add_delivery(mallory.user_id, webhook_id)
    one = add_webhook(alice.user_id, receiver.url)
    for _ in range(4):
        add_delivery(alice.user_id, one)
    taken = claimed()
    assert taken.count(mallory.user_id) == delivery_attempts.PER_PERSON
    assert taken.count(alice.user_id) == delivery_attempts.PER_WEBHOOK


def test_a_webhook_that_fails_has_one_under_way(alice: Person, receiver: Receiver) -> None:
    webhook_id = add_webhook(alice.user_id, receiver.url, failing_since=now())
    for _ in range(3):
        add_delivery(alice.user_id, webhook_id)
    assert len(claimed()) == 1


def test_webhooks_take_turns(alice: Person, receiver: Receiver) -> None:
    first, second = (add_webhook(alice.user_id, f"{receiver.url}/{n}") for n in (1, 2))
    for webhook_id in (first, first, second, second):
        add_delivery(alice.user_id, webhook_id)
    assert send_all() == 4
    assert [request.path for request in receiver.requests] == ["/1", "/2", "/1", "/2"]


def test_what_a_killed_worker_held_is_sent_again(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    delivery_id = add_delivery(alice.user_id, add_webhook(alice.user_id, receiver.url))
    lost = delivery_attempts._claim()
    assert lost is not None
    delivery_attempts.sweep()
    assert delivery_attempts._claim() is None
    set_rows(administrator, "webhook_deliveries", "lease_expires_at = now() - interval '1 s'")
    delivery_attempts.sweep()
    assert queue.pending_permits(queue.DELIVERIES) == 1
    assert send_all() == 1
    row = delivery_of(alice.user_id, delivery_id)
    assert (row.state, row.attempts, row.error_code) == ("delivered", 2, None)
    # What the first worker still says is of no account.
    delivery_attempts._finish(lost, row.webhook_id, delivery_attempts.DeliveryResult(500, 0.1))
    assert delivery_of(alice.user_id, delivery_id).state == "delivered"


def test_a_delivery_that_is_interrupted_again_and_again_has_failed(
    alice: Person, receiver: Receiver, administrator: sa.Engine
) -> None:
    delivery_id = add_delivery(alice.user_id, add_webhook(alice.user_id, receiver.url))
    for _ in range(MAX_ATTEMPTS):
        assert delivery_attempts._claim() is not None
        set_rows(administrator, "webhook_deliveries", "lease_expires_at = now() - interval '1 s'")
        delivery_attempts.sweep()
    row = delivery_of(alice.user_id, delivery_id)
    assert (row.state, row.error_code) == ("failed", "interrupted")


def test_a_delivery_whose_word_was_lost_is_found(alice: Person, receiver: Receiver) -> None:
    end_of_an_analysis_for(alice, receiver)
    delivery_attempts.sweep()
    assert queue.pending_permits(queue.DELIVERIES) == 1
    delivery_attempts.sweep()
    assert queue.pending_permits(queue.DELIVERIES) == 1


def test_a_receiver_that_hangs_is_left_in_time(
    alice: Person, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_attempts, "TIMEOUT_SECONDS", 0.2)
    over = threading.Event()
    receiver.answer = lambda _: ((over.wait(20) and 200) or 200, {}, b"")
    end_of_an_analysis_for(alice, receiver)
    send_all()
    over.set()
    assert deliveries_of(alice.user_id)[0].error_code == "timeout"


def test_the_lease_outlives_an_attempt() -> None:
    assert delivery_attempts.LEASE_SECONDS >= 3 * delivery_attempts.TIMEOUT_SECONDS
