"""Acting on many pictures: what is the person's changes, all else is as if it were not there."""

from __future__ import annotations

from uuid import UUID

import pytest

from imgapp.errors import NotFound
from imgapp.models import WrittenBy, new_id
from imgapp.services import bulk, finding, images
from imgapp.services.bulk import Chosen, Tagged
from imgapp.services.wanted import Wanted


def chosen(*ids: UUID) -> Chosen:
    return Chosen(images=ids)


@pytest.fixture
def three(alice, add_image) -> list[UUID]:
    given = (["sea"], None, ["Dog", "sea"])
    by = ("model", None, "person")
    return [add_image(alice, tags=tags, tags_by=who) for tags, who in zip(given, by, strict=True)]


def tags_of(person, ids: list[UUID]) -> list[tuple[list[str] | None, WrittenBy | None]]:
    found = [images.get_image(person.user_id, image_id) for image_id in ids]
    return [(image.tags, image.written_by.get("tags")) for image in found]


def test_pictures_go_to_the_trash_and_come_back(alice, three) -> None:
    assert set(bulk.move_to_trash(alice.user_id, chosen(*three[:2]))) == set(three[:2])
    assert finding.all_ids(alice.user_id, Wanted()) == [three[2]]
    assert bulk.move_to_trash(alice.user_id, chosen(*three[:2])) == []
    assert set(bulk.restore(alice.user_id, three)) == set(three[:2])
    assert finding.count(alice.user_id, Wanted()) == 3


def test_only_what_is_in_the_trash_is_removed_for_good(alice, three) -> None:
    bulk.move_to_trash(alice.user_id, chosen(three[0]))
    assert bulk.delete_for_good(alice.user_id, three) == [three[0]]
    assert bulk.restore(alice.user_id, three) == []
    with pytest.raises(NotFound):
        images.delete_image(alice.user_id, three[0], permanent=True)


def test_all_that_match_but_some_are_chosen(alice, three, add_image) -> None:
    add_image(alice, filename="other.png", mime_type="image/png")
    wanted = Chosen(wanted=Wanted(tags=("sea",)), left_out=frozenset({three[0]}))
    assert bulk.move_to_trash(alice.user_id, wanted) == [three[2]]
    everything = Chosen(wanted=Wanted())
    assert len(bulk.move_to_trash(alice.user_id, everything)) == 3


def test_tags_are_added_and_taken_away_as_their_owner_writes_them(alice, three) -> None:
    changes = bulk.add_tags(alice.user_id, chosen(*three), [" dog ", "SEA", ""])
    assert tags_of(alice, three) == [
        (["sea", "dog"], WrittenBy.PERSON),
        (["dog", "SEA"], WrittenBy.PERSON),
        (["Dog", "sea"], WrittenBy.PERSON),
    ]
    assert {change.image_id for change in changes} == set(three[:2])
    bulk.remove_tags(alice.user_id, chosen(*three), ["sea"])
    assert [tags for tags, _ in tags_of(alice, three)] == [["dog"], ["dog"], ["Dog"]]


def test_undoing_puts_back_what_was_there_and_who_wrote_it(alice, three) -> None:
    before = tags_of(alice, three)
    changes = bulk.add_tags(alice.user_id, chosen(*three), ["cat"])
    assert bulk.undo_tags(alice.user_id, changes) == 3
    assert tags_of(alice, three) == before


def test_undoing_leaves_what_was_changed_since(alice, three) -> None:
    changes = bulk.add_tags(alice.user_id, chosen(*three), ["cat"])
    bulk.remove_tags(alice.user_id, chosen(three[0]), ["sea"])
    assert bulk.undo_tags(alice.user_id, changes) == 2
    assert tags_of(alice, three)[0] == (["cat"], WrittenBy.PERSON)


def test_somebody_elses_pictures_are_not_there(alice, mallory, three) -> None:
    before = tags_of(alice, three)
    user = mallory.user_id
    assert bulk.move_to_trash(user, chosen(*three, new_id())) == []
    assert bulk.move_to_trash(user, Chosen(wanted=Wanted())) == []
    assert bulk.add_tags(user, chosen(*three), ["mine"]) == []
    assert bulk.remove_tags(user, chosen(*three), ["sea"]) == []
    stolen = [Tagged(three[0], ["mine"], "person", before[0][0])]
    assert bulk.undo_tags(user, stolen) == 0
    bulk.move_to_trash(alice.user_id, chosen(three[0]))
    assert bulk.restore(user, three) == []
    assert bulk.delete_for_good(user, three) == []
    assert bulk.restore(alice.user_id, three) == [three[0]]
    assert tags_of(alice, three) == before


def test_a_thousand_and_more_are_changed_in_portions(alice, add_image, monkeypatch) -> None:
    monkeypatch.setattr(bulk, "_AT_ONCE", 4)
    ids = [add_image(alice) for _ in range(11)]
    assert len(bulk.add_tags(alice.user_id, chosen(*ids, *ids), ["x"])) == 11
    assert set(bulk.move_to_trash(alice.user_id, Chosen(wanted=Wanted(tags=("x",))))) == set(ids)
