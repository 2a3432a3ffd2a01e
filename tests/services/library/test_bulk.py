"""Many pictures at once: by ids, by what matches, in chunks, and nobody else's."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters import db, events
from imgapp.errors import DatabaseUnavailable
from imgapp.models import AnalysisStatus, WrittenBy, new_id, now
from imgapp.services.analysis import runs
from imgapp.services.library import bulk, images, trash
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.image_query import ImageQuery
from tests.conftest import Person
from tests.support.rows import add_image
from tests.support.waiting import row_of


def some(person: Person, count: int, **fields: Any) -> list[UUID]:
    return [add_image(person.user_id, **fields).id for _ in range(count)]


def deleted(person: Person) -> set[UUID]:
    with db.transaction(person.user_id) as session:
        query = sa.text("SELECT id FROM images WHERE deleted_at IS NOT NULL")
        return set(session.execute(query).scalars())


def test_pictures_go_to_the_trash_and_come_back(alice: Person) -> None:
    ids, kept = some(alice, 3), some(alice, 1)

    gone = bulk.move_to_trash(alice.user_id, ImageSelection(tuple(ids)))
    assert (gone.asked, sorted(gone.changed), gone.left) == (3, sorted(ids), 0)
    assert deleted(alice) == set(ids)
    again = bulk.move_to_trash(alice.user_id, ImageSelection(tuple(ids)))
    assert again.changed == []

    back = bulk.restore(alice.user_id, [*gone.changed, *kept])
    assert (back.asked, sorted(back.changed)) == (4, sorted(ids))
    assert deleted(alice) == set()


def test_all_that_match_but_some_are_chosen(alice: Person) -> None:
    docks, other = some(alice, 3, tags=["dock"]), some(alice, 1)

    chosen = ImageSelection((docks[0],), ImageQuery(tags=("dock",)))
    assert sorted(bulk.move_to_trash(alice.user_id, chosen).changed) == sorted(docks[1:])
    assert bulk.move_to_trash(alice.user_id, ImageSelection((), ImageQuery())).asked == 2
    assert deleted(alice) == {*docks, *other}


def test_tags_are_added_and_removed_as_a_person_does(alice: Person) -> None:
    by_model = {"tags": ["Sea", "boat"], "tags_by": "model", "choices": {"tags": {"kept": "x"}}}
    one, none = some(alice, 1, **by_model)[0], some(alice, 1)[0]

    added = bulk.add_tags(alice.user_id, ImageSelection((one, none)), [" sea ", "new\x00", "new"])
    assert sorted(added.changed) == sorted([one, none])
    row = row_of(alice.user_id, one)
    assert (row.tags, row.tags_by, row.choices) == (["Sea", "boat", "new"], WrittenBy.PERSON, {})
    assert row_of(alice.user_id, none).tags == ["sea", "new"]

    removed = bulk.remove_tags(alice.user_id, ImageSelection((one, none)), ["SEA", "boat"])
    assert len(removed.changed) == 2
    assert row_of(alice.user_id, one).tags == ["new"]
    # As a library from elsewhere may have it: with its accent apart.
    apart = some(alice, 1, tags=["cafe\u0301", "new"])[0]
    bulk.remove_tags(alice.user_id, ImageSelection((apart,)), ["caf\u00e9"])
    assert row_of(alice.user_id, apart).tags == ["new"]
    # What is so already keeps who wrote it.
    kept = some(alice, 1, tags=["new"], tags_by="model")[0]
    assert bulk.add_tags(alice.user_id, ImageSelection((kept,)), ["NEW"]).changed == []
    assert row_of(alice.user_id, kept).tags_by == WrittenBy.MODEL


def test_pictures_are_removed_for_good(alice: Person) -> None:
    here, there = some(alice, 2), some(alice, 2, deleted_at=now())

    only_trash = bulk.delete_for_good(alice.user_id, ImageSelection((*here, *there)), in_trash=True)
    assert sorted(only_trash.changed) == sorted(there)
    assert bulk.delete_for_good(alice.user_id, ImageSelection(tuple(here))).changed
    with db.transaction(alice.user_id) as session:
        assert session.execute(sa.text("SELECT count(*) FROM images")).scalar_one() == 0
        assert session.execute(sa.text("SELECT count(*) FROM store_removals")).scalar_one() == 4


def test_analysing_again_is_a_run(alice: Person) -> None:
    ids = some(alice, 2, analysis_status=AnalysisStatus.COMPLETED)
    outcome, run_id = runs.analyze(alice.user_id, ImageSelection(tuple(ids)))
    assert run_id is not None
    assert (len(outcome.changed), runs.get_run(alice.user_id, run_id).total) == (2, 2)
    assert runs.analyze(alice.user_id, ImageSelection((), ImageQuery(q="nothing"))) == (
        bulk.BulkResult(0),
        None,
    )


def test_nobody_elses_pictures_are_changed(alice: Person, mallory: Person) -> None:
    hers, in_trash = some(alice, 2, tags=["a"]), some(alice, 1, deleted_at=now())
    chosen = ImageSelection((*hers, *in_trash, new_id()))

    user = mallory.user_id
    assert bulk.move_to_trash(user, chosen).changed == []
    assert bulk.restore(user, chosen.ids).changed == []
    assert bulk.delete_for_good(user, chosen).changed == []
    assert bulk.add_tags(user, chosen, ["mine"]).changed == []
    assert bulk.remove_tags(user, chosen, ["a"]).changed == []
    assert runs.analyze(user, chosen)[0].changed == []
    assert bulk.move_to_trash(user, ImageSelection((), ImageQuery())).asked == 0
    assert trash.empty_trash(user).asked == 0

    assert deleted(alice) == set(in_trash)
    assert row_of(alice.user_id, hers[0]).tags == ["a"]


def test_what_was_not_reached_is_counted_and_done_by_asking_again(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = some(alice, 5)
    monkeypatch.setattr(bulk, "_CHUNK", 2)
    opened = []

    def breaking(user_id: UUID | None = None) -> AbstractContextManager[Any]:
        opened.append(user_id)
        if len(opened) == 2:
            raise DatabaseUnavailable
        return db.transaction(user_id)

    monkeypatch.setattr(bulk, "transaction", breaking)
    outcome = bulk.move_to_trash(alice.user_id, ImageSelection(tuple(ids)))
    assert (outcome.asked, len(outcome.changed), outcome.left) == (5, 2, 3)
    rest = bulk.move_to_trash(alice.user_id, ImageSelection(tuple(ids)))
    assert (len(rest.changed), rest.left) == (3, 0)
    assert deleted(alice) == set(ids)


def test_pages_hear_of_each_or_once_that_many_changed(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(events, "_publish", lambda _user, kind, _id: told.append(kind))
    monkeypatch.setattr(bulk, "TOLD_ONE_BY_ONE", 3)
    ids = some(alice, 4)
    bulk.move_to_trash(alice.user_id, ImageSelection(tuple(ids[:3])))
    assert told == ["image_deleted"] * 3
    bulk.restore(alice.user_id, ids)
    told.clear()
    bulk.move_to_trash(alice.user_id, ImageSelection(tuple(ids)))
    assert told == ["images_changed"]


def test_the_trash_is_listed_newest_first_and_emptied(alice: Person) -> None:
    ids = some(alice, 3)
    for image_id in ids:
        bulk.move_to_trash(alice.user_id, ImageSelection((image_id,)))
    page = trash.list_trash(alice.user_id, limit=2)
    assert [item.image.id for item in page.items] == ids[:0:-1]
    assert page.total == 3
    assert (page.items[0].purged_at - page.items[0].deleted_at).days == trash.DAYS_KEPT
    rest = trash.list_trash(alice.user_id, limit=2, cursor=page.next_cursor)
    assert [item.image.id for item in rest.items] == ids[:1]
    assert trash.empty_trash(alice.user_id).changed
    assert trash.list_trash(alice.user_id).total == 0


def test_undoing_puts_tags_back_and_who_wrote_them(alice, mallory, add_image) -> None:
    given = ((["sea"], "model"), (None, None), (["dog", "sea"], "person"))
    ids = [add_image(alice, tags=tags, tags_by=by) for tags, by in given]
    before = bulk.add_tags(alice.user_id, bulk.ImageSelection(tuple(ids)), ["cat"]).before
    bulk.remove_tags(alice.user_id, bulk.ImageSelection((ids[2],)), ["sea"])
    assert bulk.undo_tags(mallory.user_id, before).changed == []
    assert set(bulk.undo_tags(alice.user_id, before).changed) == set(ids[:2])
    found = [images.get_image(alice.user_id, image_id) for image_id in ids]
    assert [image.tags for image in found] == [["sea"], None, ["dog", "cat"]]
    assert [image.written_by.get("tags") for image in found] == ["model", None, "person"]
