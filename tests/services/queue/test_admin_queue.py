"""The queue as administrators see it: what it counts, what it never says, who may ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from imgapp.errors import NotFound
from imgapp.models import Priority, now
from imgapp.services.common import audit_trail
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.queue import admin_queue, leases
from imgapp.services.queue.admin_queue import QueuePublic, read_queue, retry_failures
from imgapp.services.queue.waiting_reasons import note_waits
from tests.conftest import Person
from tests.support.rows import add_image
from tests.support.waiting import change, row_of


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    admin_queue.forget()
    yield
    admin_queue.forget()


def look(admin: Person) -> QueuePublic:
    """The queue as it is now."""
    admin_queue.forget()
    return read_queue(admin.user_id)


def failed(person: Person, code: str = "key_refused", **fields: Any) -> UUID:
    values = {"analysis_status": "failed", "error_code": code, "completed_at": now()}
    return add_image(person.user_id, **(values | fields)).id


def test_an_empty_queue(admin: Person) -> None:
    found = look(admin)
    assert (found.waiting, found.in_flight, found.failed, found.paused) == (0, 0, 0, False)
    assert [(one.priority, one.waiting, one.oldest_at) for one in found.lanes] == [
        ("interactive", 0, None),
        ("bulk", 0, None),
    ]
    assert (found.waiting_for, found.troubles, found.failures, found.workers) == ([], [], [], 0)


def test_what_waits_is_counted_by_lane(admin: Person, alice: Person, mallory: Person) -> None:
    start = now()
    oldest = add_image(alice.user_id, queued_at=start - timedelta(hours=1))
    add_image(alice.user_id, due_at=start + timedelta(minutes=1))
    for person in (alice, mallory, mallory):
        add_image(person.user_id, priority=Priority.BULK)
    add_image(alice.user_id, deleted_at=start)
    found = look(admin)
    lanes = {one.priority: one for one in found.lanes}
    assert found.waiting == 5
    first = lanes["interactive"]
    assert (first.waiting, first.delayed, first.people) == (2, 1, 1)
    assert first.oldest_at == oldest.queued_at
    assert (lanes["bulk"].waiting, lanes["bulk"].people) == (3, 2)


def test_what_is_under_way_and_what_ended_lately(admin: Person, alice: Person) -> None:
    ids = [add_image(alice.user_id).id for _ in range(4)]
    claims = [leases.claim() for _ in range(4)]
    assert None not in claims
    for image_id, status, minutes in zip(
        ids[:3], ("completed", "failed", "completed"), (0, 0, 3), strict=True
    ):
        ended = now() - timedelta(minutes=minutes)
        change(alice.user_id, image_id, analysis_status=status, completed_at=ended)
    found = look(admin)
    assert found.in_flight == 1
    assert found.oldest_in_flight_at == row_of(alice.user_id, ids[3]).started_at
    assert found.throughput.model_dump() == {
        "completed_last_minute": 1,
        "failed_last_minute": 1,
        "completed_last_5_minutes": 2,
        "failed_last_5_minutes": 1,
    }
    change(alice.user_id, ids[3], lease_expires_at=now() - timedelta(seconds=1))
    assert look(admin).in_flight == 0


def test_it_says_what_holds_the_queue_up(admin: Person, alice: Person) -> None:
    for _ in range(3):
        add_image(alice.user_id)
    change_installation(admin.user_id, InstallationEdit(paused=True, max_in_flight=4))
    note_waits()
    found = look(admin)
    assert (found.paused, found.paused_at is None, found.max_in_flight) == (True, False, 4)
    assert [one.model_dump() for one in found.waiting_for] == [
        {"reason": "paused", "images": 3, "people": 1}
    ]


def test_a_server_that_is_left_alone_is_named(admin: Person, administrator: sa.Engine) -> None:
    with administrator.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO provider_state (server, model, opened_at, open_until, code, message)"
                " VALUES ('s', 'm', now(), now() + interval '1 minute', 'model_unavailable',"
                " 'HTTP 500')"
            )
        )
    [trouble] = look(admin).troubles
    assert (trouble.model, trouble.code, trouble.message) == ("m", "model_unavailable", "HTTP 500")


def test_failures_are_counted_by_reason(admin: Person, alice: Person, mallory: Person) -> None:
    for person in (alice, alice, mallory):
        failed(person)
    failed(alice, "content_refused")
    failed(alice, deleted_at=now())
    found = look(admin)
    assert found.failed == 4
    assert [(one.code, one.images, one.people) for one in found.failures] == [
        ("key_refused", 3, 2),
        ("content_refused", 1, 1),
    ]


def test_nothing_of_a_picture_is_said(admin: Person, alice: Person) -> None:
    texts = {"alt_text": "canary", "description": "canary", "tags": ["canary"]}
    add_image(alice.user_id, filename="canary.jpg", context="canary", **texts)
    failed(alice, filename="canary.jpg", error_message="canary")
    said = look(admin).model_dump_json()
    assert "canary" not in said
    assert str(alice.user_id) not in said
    assert alice.email not in said


def test_only_administrators_see_it_and_retry(
    admin: Person, alice: Person, mallory: Person
) -> None:
    image_id = failed(alice)
    read_queue(admin.user_id)
    for person in (alice, mallory):
        with pytest.raises(NotFound):
            read_queue(person.user_id)
        with pytest.raises(NotFound):
            retry_failures(person.user_id)
    with pytest.raises(NotFound):
        read_queue(uuid4())
    assert row_of(alice.user_id, image_id).analysis_status == "failed"


def test_however_many_look_the_database_counts_once(
    admin: Person, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_queue(admin.user_id)
    add_image(alice.user_id)
    assert read_queue(admin.user_id) is first
    monkeypatch.setattr(admin_queue, "FRESH_SECONDS", 0.0)
    assert read_queue(admin.user_id).waiting == 1


def test_one_reason_is_tried_again_for_everybody(
    admin: Person, alice: Person, mallory: Person
) -> None:
    hers, theirs = failed(alice, attempts=5, error_message="x"), failed(mallory)
    other = failed(alice, "content_refused")
    trashed = failed(alice, deleted_at=now())
    assert retry_failures(admin.user_id, "key_refused") == 2
    row = row_of(alice.user_id, hers)
    assert (row.analysis_status, row.attempts, row.error_code) == ("pending", 0, None)
    assert (row.error_message, row.completed_at, row.priority) == (None, None, Priority.BULK)
    assert row_of(mallory.user_id, theirs).analysis_status == "pending"
    for image_id in (other, trashed):
        assert row_of(alice.user_id, image_id).analysis_status == "failed"
    [event] = audit_trail.list_events(admin.user_id).items
    assert (event.kind, event.details) == (
        "failures_retried",
        {"reason": "key_refused", "images": 2},
    )
    assert retry_failures(admin.user_id) == 1
    assert retry_failures(admin.user_id) == 0


def test_the_routes(
    admin: Person, alice: Person, client_for: Callable[[Person | None], TestClient]
) -> None:
    failed(alice)
    found = client_for(admin).get("/api/queue")
    assert (found.status_code, found.json()["failed"]) == (200, 1)
    answer = client_for(admin).post("/api/queue/retry", json={"code": "key_refused"})
    assert (answer.status_code, answer.json()) == (202, {"queued": 1})
    assert client_for(admin).get("/api/queue").json()["waiting"] == 1
    for person, status in ((alice, 404), (None, 401)):
        assert client_for(person).get("/api/queue").status_code == status
        assert client_for(person).post("/api/queue/retry", json={}).status_code == status
