"""Whoever reads changes misses none: not by any way of writing, not by any order of commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.errors import DatabaseUnavailable, InvalidRequest
from imgapp.models import ImageEdit, now
from imgapp.services.analysis import describe
from imgapp.services.common.pagination import Place
from imgapp.services.events import change_feed
from imgapp.services.events.change_feed import ChangeReader, ImageChange, open_reader
from imgapp.services.library import images, trash
from imgapp.services.queue import leases
from tests.conftest import Person
from tests.support.open_transactions import hold_for_others
from tests.support.rows import add_image
from tests.support.waiting import change

Heard = list[tuple[str, UUID | None]]


def all_of(reader: ChangeReader) -> list[ImageChange]:
    found = reader.read()
    while reader.more:
        found += reader.read()
    return found


def heard(reader: ChangeReader) -> Heard:
    return [(one.kind, one.image_id) for one in all_of(reader)]


@pytest.fixture
def image(alice: Person) -> UUID:
    return add_image(alice.user_id).id


def claim() -> leases.ImageClaim:
    claimed = leases.claim()
    assert claimed is not None
    return claimed


def test_a_picture_that_comes_in_is_heard_of_with_all_that_is_shown_of_it(alice: Person) -> None:
    reader = open_reader(alice.user_id)
    image_id = add_image(alice.user_id, alt_text="A dog").id

    [found] = all_of(reader)

    assert (found.kind, found.image_id) == ("image_queued", image_id)
    assert found.image == images.get_image(alice.user_id, image_id)
    assert all_of(reader) == []


def edit(alice: Person, image: UUID) -> str:
    images.edit_image(alice.user_id, image, ImageEdit(alt_text="A cat"))
    return "image_queued"


def put_in_trash(alice: Person, image: UUID) -> str:
    images.delete_image(alice.user_id, image)
    return "image_deleted"


def restore(alice: Person, image: UUID) -> str:
    images.delete_image(alice.user_id, image)
    trash.restore_image(alice.user_id, image)
    return "image_queued"


def remove(alice: Person, image: UUID) -> str:
    images.delete_image(alice.user_id, image, permanent=True)
    return "image_deleted"


def remove_from_trash(alice: Person, image: UUID) -> str:
    change(alice.user_id, image, deleted_at=now() - timedelta(days=31))
    assert trash.purge_trash() == 1
    return "image_deleted"


def be_claimed(alice: Person, image: UUID) -> str:
    claim()
    return "image_claimed"


def be_handed_back(alice: Person, image: UUID) -> str:
    leases.hand_back(claim())
    return "image_queued"


def be_returned(alice: Person, image: UUID) -> str:
    claim()
    change(alice.user_id, image, lease_expires_at=now() - timedelta(seconds=1))
    leases.return_expired()
    return "image_queued"


def be_given_up(alice: Person, image: UUID) -> str:
    claim()
    change(alice.user_id, image, lease_expires_at=now() - timedelta(seconds=1), lost_attempts=9)
    leases.return_expired()
    return "image_failed"


def fail(alice: Person, image: UUID) -> str:
    assert describe.run_one() == image  # there is no preview to describe
    return "image_failed"


def be_queued_again(alice: Person, image: UUID) -> str:
    describe.request_analysis(alice.user_id, image)
    return "image_queued"


def be_paused(alice: Person, image: UUID) -> str:
    change(alice.user_id, image, waiting_reason="paused")
    return "image_queued"


@pytest.mark.parametrize(
    "happen",
    [
        edit, put_in_trash, restore, remove, remove_from_trash, be_claimed, be_handed_back,
        be_returned, be_given_up, fail, be_queued_again, be_paused,
    ],
)  # fmt: skip
def test_every_way_of_changing_a_picture_is_heard_of_also_by_who_was_away(
    alice: Person, mallory: Person, image: UUID, happen: Callable[[Person, UUID], str]
) -> None:
    reader, others = open_reader(alice.user_id), open_reader(mallory.user_id)
    all_of(reader)
    kind = happen(alice, image)

    assert heard(reader) == [(kind, image)]
    assert heard(open_reader(alice.user_id, reader.id)) == []
    assert all_of(others) == []


def test_somebody_who_was_away_while_a_picture_came_and_went_hears_that_it_went(
    alice: Person, image: UUID
) -> None:
    reader = open_reader(alice.user_id)
    last = reader.id
    for step in (edit, put_in_trash, remove):
        step(alice, image)
        reader = open_reader(alice.user_id, last)
        assert heard(reader)[-1][1] == image
    assert heard(open_reader(alice.user_id, last)) == [("image_deleted", image)]


def test_a_lease_that_is_renewed_is_nothing_to_hear_of(alice: Person, image: UUID) -> None:
    claimed = claim()
    reader = open_reader(alice.user_id)
    all_of(reader)
    assert leases.renew(claimed)
    assert all_of(reader) == []


def test_a_change_that_is_committed_late_is_heard_of_by_who_listens_and_who_was_away(
    alice: Person,
) -> None:
    slow, quick = add_image(alice.user_id).id, add_image(alice.user_id).id
    reader = open_reader(alice.user_id)
    all_of(reader)
    with db.transaction(alice.user_id) as session:
        session.execute(sa.text("UPDATE images SET alt_text = 'slow' WHERE id = :id"), {"id": slow})
        hold_for_others(session)
        images.edit_image(alice.user_id, quick, ImageEdit(alt_text="quick"))
        [first] = all_of(reader)
        assert first.image_id == quick
        assert all_of(reader) == []

    assert heard(reader) == [("image_queued", slow)]
    assert all_of(reader) == []
    away = heard(open_reader(alice.user_id, first.id))
    assert ("image_queued", slow) in away


def test_pages_of_changes_leave_nothing_out_and_repeat_nothing(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "_PAGE", 7)
    reader = open_reader(alice.user_id)
    ids = [add_image(alice.user_id).id for _ in range(20)]
    for image_id in ids[:5]:
        images.delete_image(alice.user_id, image_id, permanent=True)
    # All after the horizon, so that the reader looks at them again and again.
    with db.transaction(alice.user_id):
        ids += [add_image(alice.user_id).id for _ in range(20)]
        some = reader.read()
        assert reader.more
        there = [one.image_id for one in some + all_of(reader)]
        assert all_of(reader) == []

    assert there == [*ids[5:20], *ids[:5], *ids[20:]]
    assert all_of(reader) == []


def test_every_id_on_the_way_is_a_place_to_go_on_from(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "_PAGE", 3)
    reader = open_reader(alice.user_id)
    ids = [add_image(alice.user_id).id for _ in range(10)]
    found = all_of(reader)
    for place, one in enumerate(found):
        rest = [image_id for _, image_id in heard(open_reader(alice.user_id, one.id))]
        assert rest[-9 + place :] == ids[place + 1 :] or place == 9


def test_changes_that_could_not_be_read_are_read_the_next_time(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = open_reader(alice.user_id)
    image_id = add_image(alice.user_id).id

    def away(*_: object) -> None:
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(images, "public_images", away)
        with pytest.raises(DatabaseUnavailable):
            reader.read()
    assert heard(reader) == [("image_queued", image_id)]


def test_somebody_elses_id_and_a_changed_one_are_refused(alice: Person, mallory: Person) -> None:
    theirs = open_reader(alice.user_id).id
    for wrong in (theirs, "x", theirs[:-1] + ("A" if theirs[-1] != "A" else "B"), "\0"):
        with pytest.raises(InvalidRequest, match="Last-Event-ID") as refusal:
            open_reader(mallory.user_id, wrong)
        assert refusal.value.code == "invalid_event_id"


@pytest.mark.parametrize("away", [timedelta(days=31), timedelta(days=-1)])
def test_who_was_away_for_too_long_is_told_to_read_the_list_again(
    alice: Person, image: UUID, away: timedelta
) -> None:
    last = change_feed._write_id(alice.user_id, Place(now() - away, image))
    reader = open_reader(alice.user_id, last)
    assert reader.missed
    edit(alice, image)
    assert ("image_queued", image) in heard(reader)


def test_what_was_removed_is_forgotten_after_a_month(
    alice: Person, administrator: sa.Engine
) -> None:
    count = sa.text("SELECT count(*) FROM image_deletions")
    remove_one = partial(images.delete_image, alice.user_id, permanent=True)
    for days, left in ((0, 1), (29, 2), (32, 1)):
        with administrator.begin() as connection:
            past = sa.text(
                "UPDATE image_deletions SET deleted_at = now() - make_interval(0,0,0,:d)"
            )
            connection.execute(past, {"d": days})
        remove_one(add_image(alice.user_id).id)
        with administrator.connect() as connection:
            assert connection.execute(count).scalar_one() == left


def test_the_index_serves_who_looks_for_changes(alice: Person, administrator: sa.Engine) -> None:
    with administrator.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO images (id, user_id, filename, s3_key, s3_bucket, mime_type,"
                " file_size, sha256, width, height, facts, uploaded_at, updated_at,"
                " analysis_status, priority, queued_at, due_at, attempts, lost_attempts)"
                " SELECT made.id, u.id, 'a.jpg',"
                " 'users/' || u.id || '/images/' || made.id || '/a.jpg',"
                " 'local', 'image/jpeg', 5, encode(sha256(made.id::text::bytea), 'hex'),"
                " 1, 1, '{}',"
                " now(), now(), 'completed', 0, now(), now(), 0, 0"
                " FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, 5000)) made,"
                " users u"
            )
        )
        connection.execute(sa.text("ANALYZE images"))
    values = {"user_id": alice.user_id, "at": now(), "id": UUID(int=0), "limit": 500}
    with db.transaction(alice.user_id) as session:
        plan = session.execute(sa.text(f"EXPLAIN {change_feed._MARKS.text}"), values).scalars()
        shown = "\n".join(plan)
    assert "images_changes" in shown
    assert "Seq Scan on images" not in shown
