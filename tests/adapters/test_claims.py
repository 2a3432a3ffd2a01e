"""The functions behind the queue: claims, leases, the sweep, the trash."""

from __future__ import annotations

import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.models import AnalysisStatus, Image, Priority, now

CLAIM = sa.text("SELECT * FROM imgapp_claim_image(:lease, :seconds)")
OTHER_INDEXES = (
    "SELECT indexname FROM pg_indexes WHERE tablename = 'images' AND indexname <> 'images_due'"
)


def row(person: Any, image_id: UUID) -> Image:
    with db.transaction(person.user_id) as session:
        return session.get_one(Image, image_id)


def claim(lease: UUID | None = None, seconds: int = 30) -> UUID | None:
    with db.transaction() as session:
        found = session.execute(
            CLAIM, {"lease": lease or uuid4(), "seconds": seconds}
        ).one_or_none()
    return found.image_id if found else None


def blocks_of_a_claim() -> int:
    """How many blocks of the database a claim looks at, in memory or on disk."""
    explain = sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {CLAIM.text}")
    with db.transaction() as session:
        plan = session.execute(explain, {"lease": uuid4(), "seconds": 30}).scalar_one()[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def call(function: str, *args: Any) -> list[Any]:
    with db.transaction() as session:
        names = ", ".join(f":p{n}" for n in range(len(args)))
        values = {f"p{n}": value for n, value in enumerate(args)}
        return list(session.execute(sa.text(f"SELECT * FROM {function}({names})"), values))


def expire_leases(administrator: sa.Engine) -> None:
    past = "UPDATE images SET lease_expires_at = now() - interval '1 second'"
    with administrator.begin() as connection:
        connection.execute(sa.text(past))


def test_an_empty_queue_gives_nothing(database: None) -> None:
    assert claim() is None


def test_a_claim_takes_the_row_under_the_lease(alice, add_image) -> None:
    image_id, lease = add_image(alice, waiting_reason="provider_down"), uuid4()
    assert call("imgapp_claim_image", lease, 30) == [(image_id, alice.user_id, "", "")]
    taken = row(alice, image_id)
    assert (taken.analysis_status, taken.lease_id) == (AnalysisStatus.IN_PROGRESS, lease)
    assert taken.waiting_reason is None
    assert taken.started_at is not None
    assert taken.lease_expires_at == taken.started_at + timedelta(seconds=30)
    assert claim() is None


def test_the_oldest_is_taken_first(alice, add_image) -> None:
    moment = now()
    ages = [5, 60, 20]
    added = {s: add_image(alice, due_at=moment - timedelta(seconds=s)) for s in ages}
    assert [claim() for _ in ages] == [added[60], added[20], added[5]]


def test_what_is_not_due_in_the_trash_or_done_is_left_alone(alice, add_image) -> None:
    add_image(alice, due_at=now() + timedelta(minutes=1))
    add_image(alice, deleted_at=now())
    add_image(alice, analysis_status="completed")
    add_image(alice, analysis_status="failed")
    assert claim() is None
    assert call("imgapp_due_count", json.dumps({"default": ""})) == [(0,)]


def test_a_picture_that_waits_does_not_hold_up_the_one_behind_it(alice, mallory, add_image) -> None:
    add_image(alice, due_at=now() + timedelta(minutes=1))
    behind = add_image(mallory)
    assert claim() == behind


def test_people_take_turns(alice, mallory, admin, add_image) -> None:
    people = [alice, mallory, admin]
    old = now() - timedelta(hours=1)
    for _ in range(4):
        add_image(alice, due_at=old)
    for person in (mallory, mallory, admin):
        add_image(person)
    order = [call("imgapp_claim_image", uuid4(), 30)[0].user_id for _ in range(7)]
    names = {person.user_id: person.email[0:2] for person in people}
    assert [names[user_id] for user_id in order[:3]].count("al") == 1
    assert set(order[:3]) == set(names)
    assert set(order[3:5]) == {alice.user_id, mallory.user_id}
    assert order[5:] == [alice.user_id, alice.user_id]


def test_interactive_pictures_go_before_bulk_ones_whoever_they_belong_to(
    alice, mallory, add_image
) -> None:
    bulk = add_image(alice, priority=Priority.BULK, due_at=now() - timedelta(days=1))
    theirs, hers = add_image(mallory), add_image(alice)
    assert {claim(), claim()} == {theirs, hers}
    assert claim() == bulk


def test_two_claimers_at_once_get_different_rows_without_waiting(alice, add_image) -> None:
    mine = {add_image(alice) for _ in range(2)}
    with db.transaction() as first, db.transaction() as second:
        one = first.execute(CLAIM, {"lease": uuid4(), "seconds": 30}).one()
        second.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
        other = second.execute(CLAIM, {"lease": uuid4(), "seconds": 30}).one()
    assert {one.image_id, other.image_id} == mine


def test_a_row_that_somebody_edits_is_passed_over(alice, mallory, add_image) -> None:
    edited, other = add_image(alice, due_at=now() - timedelta(hours=1)), add_image(mallory)
    with db.transaction(alice.user_id) as session:
        session.execute(sa.text("UPDATE images SET alt_text = 'hers'"))
        assert claim() == other
        assert claim() is None
    assert claim() == edited


def test_many_claimers_never_share_a_row(alice, mallory, add_image) -> None:
    added = {add_image(person) for person in (alice, mallory) for _ in range(20)}
    with ThreadPoolExecutor(8) as claimers:
        claimed = [image_id for image_id in claimers.map(lambda _: claim(), range(50)) if image_id]
    assert len(claimed) == len(set(claimed))
    assert set(claimed) == added


@pytest.mark.long
def test_a_claim_is_fast_behind_100_000_pictures_of_one_person(
    alice, mallory, add_image, administrator: sa.Engine
) -> None:
    fill = sa.text(
        "INSERT INTO images (id, user_id, filename, s3_key, s3_bucket, mime_type, file_size,"
        " sha256, width, height, facts, uploaded_at, updated_at, analysis_status, priority,"
        " queued_at, due_at, attempts, lost_attempts)"
        " SELECT id, :user, 'a', 'users/' || CAST(:user AS uuid) || '/images/' || id || '/a',"
        " 'local', 'image/png', 1, lpad(to_hex(n), 64, '0'), 1, 1, '{}', now(), now(), 'pending',"
        " 0, now(), now() - interval '1 day', 0, 0"
        " FROM (SELECT gen_random_uuid() AS id, n"
        " FROM generate_series(1, CAST(:images AS integer)) n) made"
    )
    # The plan is made while the queue is empty, its index has grown and the others are small again.
    with administrator.begin() as connection:
        connection.execute(fill, {"user": alice.user_id, "images": 10_000})
    with administrator.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("DELETE FROM images"))
        for (index,) in connection.execute(sa.text(OTHER_INDEXES)).all():
            connection.execute(sa.text(f"REINDEX INDEX {index}"))
    for _ in range(8):  # from the sixth on, a plan is kept
        claim()
    with administrator.begin() as connection:
        connection.execute(fill, {"user": alice.user_id, "images": 100_000})
    hers = add_image(mallory)
    assert hers in [claim(), claim()]
    # A scan of the rows would read them all, more than 4,000 blocks; the index leads to the row.
    blocks = [blocks_of_a_claim() for _ in range(9)]
    assert statistics.median(blocks) < 1_500, blocks
    assert call("imgapp_due_count", json.dumps({"default": ""})) == [(10_000,)]
    with administrator.begin() as connection:
        connection.execute(sa.text("TRUNCATE users CASCADE"))


def test_a_lease_is_renewed_while_its_row_is_in_progress(alice, add_image) -> None:
    image_id, lease = add_image(alice), uuid4()
    assert call("imgapp_renew_lease", lease, 30) == [(False,)]
    claim(lease, 5)
    before = row(alice, image_id).lease_expires_at
    assert call("imgapp_renew_lease", lease, 30) == [(True,)]
    after = row(alice, image_id).lease_expires_at
    assert before is not None
    assert after is not None
    assert after - before > timedelta(seconds=20)


def test_the_sweep_leaves_live_leases_alone(alice, add_image) -> None:
    add_image(alice)
    claim()
    assert call("imgapp_sweep", 3) == []


def test_a_lost_lease_puts_the_picture_back_in_the_queue(alice, add_image, administrator) -> None:
    image_id, lease = add_image(alice, attempts=2), uuid4()
    claim(lease)
    expire_leases(administrator)
    assert call("imgapp_sweep", 3) == [(image_id, alice.user_id, False)]
    back = row(alice, image_id)
    assert (back.analysis_status, back.lease_id) == (AnalysisStatus.PENDING, None)
    assert (back.attempts, back.lost_attempts) == (2, 1)
    assert call("imgapp_renew_lease", lease, 30) == [(False,)]
    assert claim() == image_id


def test_a_picture_that_is_lost_again_and_again_fails(alice, add_image, administrator) -> None:
    image_id = add_image(alice)
    outcomes = []
    for _ in range(3):
        claim()
        expire_leases(administrator)
        outcomes += [swept.failed for swept in call("imgapp_sweep", 3)]
    assert outcomes == [False, False, True]
    failed = row(alice, image_id)
    assert (failed.analysis_status, failed.error_code) == (AnalysisStatus.FAILED, "lost")
    assert failed.error_message
    assert failed.completed_at is not None


def test_the_sweep_finds_pictures_in_the_trash(alice, add_image, administrator) -> None:
    image_id = add_image(alice)
    claim()
    with db.transaction(alice.user_id) as session:
        session.execute(sa.text("UPDATE images SET deleted_at = now()"))
    expire_leases(administrator)
    assert call("imgapp_sweep", 3) == [(image_id, alice.user_id, False)]


def test_the_trash_is_emptied_oldest_first_and_never_more_than_asked(alice, add_image) -> None:
    days = timedelta(days=1)
    kept, recent = add_image(alice), add_image(alice, deleted_at=now() - 5 * days)
    old, oldest = (add_image(alice, deleted_at=now() - n * days) for n in (31, 40))
    first = call("imgapp_purge_trash", timedelta(days=30), 1)
    key = f"users/{alice.user_id}/images/{oldest}/beach-house.jpg"
    assert first == [(oldest, alice.user_id, key, "local")]
    assert [gone.image_id for gone in call("imgapp_purge_trash", timedelta(days=30), 10)] == [old]
    assert row(alice, kept).id == kept
    assert row(alice, recent).id == recent
