"""How far one's own pictures are: counted, explained, and tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from imgapp.adapters import db, queue
from imgapp.errors import InvalidRequest
from imgapp.models import Priority, now
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.queue import leases, progress
from imgapp.services.queue.progress import list_failures, read_progress, retry_failed
from imgapp.services.queue.waiting_reasons import note_waits
from tests.conftest import Person
from tests.support.rows import add_image
from tests.support.waiting import change, row_of


def pending(person: Person, count: int = 1, **fields: Any) -> list[UUID]:
    return [add_image(person.user_id, **fields).id for _ in range(count)]


def failed(person: Person, code: str = "model_timeout", **fields: Any) -> UUID:
    values = {
        "analysis_status": "failed",
        "error_code": code,
        "error_message": "It did not work. imgapp tried 5 times.",
        "attempts": 5,
        "completed_at": now(),
    }
    return add_image(person.user_id, **(values | fields)).id


def finish(person: Person, *ids: UUID, status: str = "completed") -> None:
    for image_id in ids:
        change(person.user_id, image_id, analysis_status=status, completed_at=now())


def take(person: Person, image_id: UUID) -> None:
    """A worker has it in hand."""
    lease = {"lease_id": uuid4(), "lease_expires_at": now() + timedelta(seconds=30)}
    change(person.user_id, image_id, analysis_status="in_progress", started_at=now(), **lease)


def counts(person: Person) -> tuple[int, int, int, int]:
    found = read_progress(person.user_id)
    return found.done, found.total, found.waiting, found.in_progress


def test_nothing_waits(alice: Person) -> None:
    add_image(alice.user_id, analysis_status="completed", completed_at=now())
    found = read_progress(alice.user_id)
    assert (found.since, found.total, found.done, found.waiting) == (None, 0, 0, 0)
    assert (found.ahead, found.waiting_for, found.failed, found.failures) == (0, [], 0, [])


def test_three_of_forty_are_done(alice: Person) -> None:
    add_image(alice.user_id, analysis_status="completed", completed_at=now())
    ids = pending(alice, 40)
    progress.note_rounds()
    finish(alice, *ids[:2])
    finish(alice, ids[2], status="failed")
    take(alice, ids[3])
    assert counts(alice) == (3, 40, 36, 1)
    assert read_progress(alice.user_id).since == row_of(alice.user_id, ids[0]).queued_at


def test_the_oldest_being_done_does_not_make_the_whole_smaller(alice: Person) -> None:
    ids = pending(alice, 5)
    progress.note_rounds()
    for done, image_id in enumerate(ids):
        assert counts(alice)[:2] == (done, 5)
        finish(alice, image_id)
    assert counts(alice) == (0, 0, 0, 0)


def test_what_was_done_before_the_queue_was_empty_counts_no_more(alice: Person) -> None:
    ids = pending(alice, 3)
    progress.note_rounds()
    finish(alice, *ids)
    progress.note_rounds()
    pending(alice, 2)
    progress.note_rounds()
    assert counts(alice) == (0, 2, 2, 0)


def test_what_comes_while_others_wait_belongs_to_them(alice: Person) -> None:
    ids = pending(alice, 2)
    progress.note_rounds()
    finish(alice, ids[0])
    pending(alice, 3)
    progress.note_rounds()
    assert counts(alice) == (1, 5, 4, 0)


def test_before_it_is_noted_what_waits_is_all_there_is(alice: Person) -> None:
    pending(alice, 4)
    assert counts(alice) == (0, 4, 4, 0)


def test_the_trash_does_not_count(alice: Person) -> None:
    ids = pending(alice, 3)
    progress.note_rounds()
    finish(alice, ids[0])
    for image_id in ids[:2]:
        change(alice.user_id, image_id, deleted_at=now())
    assert counts(alice) == (0, 1, 1, 0)
    failed(alice, deleted_at=now())
    assert read_progress(alice.user_id).failed == 0
    assert list_failures(alice.user_id).items == []


def test_nobody_is_told_of_others(alice: Person, mallory: Person) -> None:
    pending(alice, 3)
    failed(alice)
    progress.note_rounds()
    found = read_progress(mallory.user_id)
    assert (found.since, found.total, found.failed, found.ahead) == (None, 0, 0, 0)
    assert list_failures(mallory.user_id).items == []
    assert retry_failed(mallory.user_id) == 0
    assert read_progress(alice.user_id).failed == 1


def test_people_take_turns(
    alice: Person, mallory: Person, make_person: Callable[..., Person]
) -> None:
    carol = make_person("carol@example.org")
    pending(mallory, 50)
    pending(carol, 50)
    assert {leases.claim().user_id for _ in range(2)} == {mallory.user_id, carol.user_id}
    pending(alice)
    assert read_progress(alice.user_id).ahead == 0, "the others had their turn"
    assert read_progress(mallory.user_id).ahead + read_progress(carol.user_id).ahead == 3
    claim = leases.claim()
    assert claim is not None
    assert claim.user_id == alice.user_id
    pending(alice)
    assert read_progress(alice.user_id).ahead == 2, "one of each, however many they have"


def test_interactive_goes_before_bulk(alice: Person, mallory: Person) -> None:
    pending(alice, 2, priority=Priority.BULK)
    pending(mallory, 7)
    pending(mallory, 9, priority=Priority.BULK)
    assert read_progress(alice.user_id).ahead == 7
    leases.claim()
    assert read_progress(alice.user_id).ahead == 6
    assert read_progress(mallory.user_id).ahead == 0


def test_who_may_not_be_served_is_not_ahead(
    alice: Person, mallory: Person, administrator: sa.Engine
) -> None:
    pending(alice, 2, priority=Priority.BULK)
    pending(mallory, 7)
    with administrator.begin() as connection:
        connection.execute(
            sa.text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": mallory.user_id}
        )
    assert read_progress(alice.user_id).ahead == 0


def test_it_says_what_they_wait_for_and_since_when(alice: Person, admin: Person) -> None:
    ids = pending(alice, 3)
    take(alice, ids[0])
    paused = change_installation(admin.user_id, InstallationEdit(paused=True))
    note_waits()
    [reason] = read_progress(alice.user_id).waiting_for
    assert (reason.reason, reason.images) == ("paused", 2)
    assert reason.message == "An administrator has paused all analyses."
    assert reason.since == paused.paused_at


def test_failures_are_counted_by_reason_and_listed_the_latest_first(alice: Person) -> None:
    start = now()
    first = failed(alice, completed_at=start)
    second = failed(alice, "content_refused", completed_at=start + timedelta(seconds=1), attempts=1)
    third = failed(alice, completed_at=start + timedelta(seconds=2), lost_attempts=1)
    found = read_progress(alice.user_id)
    assert found.failed == 3
    assert [(one.code, one.images) for one in found.failures] == [
        ("model_timeout", 2),
        ("content_refused", 1),
    ]
    page = list_failures(alice.user_id, limit=2)
    assert [one.id for one in page.items] == [third, second]
    assert [(one.attempts, one.lost_attempts) for one in page.items] == [(5, 1), (1, 0)]
    assert page.items[1].error.message.startswith("It did not work")
    rest = list_failures(alice.user_id, limit=2, cursor=page.next_cursor)
    assert ([one.id for one in rest.items], rest.next_cursor) == ([first], None)
    only = list_failures(alice.user_id, code="content_refused")
    assert [one.id for one in only.items] == [second]


def test_a_cursor_is_good_for_one_list_of_one_person(alice: Person, mallory: Person) -> None:
    for _ in range(2):
        failed(alice)
    cursor = list_failures(alice.user_id, limit=1).next_cursor
    for user_id, code in ((mallory.user_id, None), (alice.user_id, "model_timeout")):
        with pytest.raises(InvalidRequest):
            list_failures(user_id, code=code, cursor=cursor)


def test_what_failed_is_tried_again_as_if_new(alice: Person) -> None:
    ids = [failed(alice, lost_attempts=2), failed(alice, "content_refused")]
    before: datetime = row_of(alice.user_id, ids[0]).updated_at
    assert retry_failed(alice.user_id, "model_timeout") == 1
    row = row_of(alice.user_id, ids[0])
    assert (row.analysis_status, row.attempts, row.lost_attempts) == ("pending", 0, 0)
    assert (row.error_code, row.error_message, row.completed_at) == (None, None, None)
    assert (row.priority, row.updated_at > before) == (Priority.INTERACTIVE, True)
    assert queue.pending_permits() == 1
    assert row_of(alice.user_id, ids[1]).analysis_status == "failed"
    assert retry_failed(alice.user_id) == 1
    assert retry_failed(alice.user_id) == 0


@pytest.mark.long
def test_thousands_are_tried_again_behind_what_is_uploaded_by_hand(
    alice: Person, mallory: Person, many_failed: Callable[[Person, int], None]
) -> None:
    many_failed(alice, 2_500)
    other = failed(mallory)
    assert read_progress(alice.user_id).failed == 2_500
    assert retry_failed(alice.user_id) == 2_500
    found = read_progress(alice.user_id)
    assert (found.failed, found.waiting) == (0, 2_500)
    with db.transaction(alice.user_id) as session:
        lanes = session.execute(sa.text("SELECT DISTINCT priority FROM images")).scalars().all()
    assert lanes == [Priority.BULK]
    assert row_of(mallory.user_id, other).analysis_status == "failed"


@pytest.fixture
def many_failed(administrator: sa.Engine) -> Callable[[Person, int], None]:
    """Failed pictures by the thousand."""

    def make(person: Person, count: int) -> None:
        add = sa.text(
            "INSERT INTO images (id, user_id, filename, s3_key, s3_bucket, mime_type, file_size,"
            " sha256, width, height, facts, uploaded_at, updated_at, priority, queued_at, due_at,"
            " attempts, lost_attempts, analysis_status, completed_at, error_code)"
            " SELECT id, CAST(:user AS uuid), 'a.jpg',"
            " concat('users/', CAST(:user AS text), '/images/', id, '/a.jpg'),"
            " 'local', 'image/jpeg', 1, replace(id::text, '-', '') || md5(id::text), 1, 1, '{}',"
            " now(), now(), 0, now(), now(), 5, 0, 'failed', now(), 'key_refused'"
            " FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, :count)) some_ids"
        )
        with administrator.begin() as connection:
            connection.execute(add, {"user": str(person.user_id), "count": count})

    return make


def test_the_routes(alice: Person, client_for: Callable[[Person | None], TestClient]) -> None:
    image_id = failed(alice)
    pending(alice, 2)
    hers = client_for(alice)
    found = hers.get("/api/progress").json()
    assert (found["total"], found["failed"]) == (2, 1)
    [item] = hers.get("/api/progress/failures", params={"code": "model_timeout"}).json()["items"]
    assert (item["id"], item["attempts"]) == (str(image_id), 5)
    assert "signature=" in item["thumbnail"]
    answer = hers.post("/api/progress/retry", json={})
    assert (answer.status_code, answer.json()) == (202, {"queued": 1})
    assert hers.get("/api/progress/failures").json()["items"] == []
    assert hers.post("/api/progress/retry", json={"image": 1}).status_code == 422
