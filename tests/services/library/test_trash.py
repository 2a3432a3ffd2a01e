from __future__ import annotations

from datetime import timedelta

import pytest

from imgapp.adapters.storage import get_store, rendition_key
from imgapp.errors import NotFound
from imgapp.models import new_id, now
from imgapp.services.library.trash import purge_trash, restore_image
from imgapp.services.storage import object_removals
from tests.conftest import Person
from tests.support.waiting import add_picture, count_of, row_of


def test_removes_what_was_deleted_a_month_ago_and_nothing_else(
    alice: Person, mallory: Person
) -> None:
    old = add_picture(alice.user_id, deleted_at=now() - timedelta(days=31))
    recent = add_picture(alice.user_id, deleted_at=now() - timedelta(days=29))
    kept = add_picture(mallory.user_id)
    keys = {i: row_of(p.user_id, i).s3_key for p, i in ((alice, old), (alice, recent))}

    assert purge_trash() == 1
    assert object_removals.sweep() == 1

    assert (count_of(alice.user_id), count_of(mallory.user_id)) == (1, 1)
    assert not get_store().exists(rendition_key(keys[old], "preview"))
    assert get_store().exists(rendition_key(keys[recent], "preview"))
    assert row_of(mallory.user_id, kept).deleted_at is None
    assert purge_trash() == 0


def test_removes_any_number(alice: Person) -> None:
    for _ in range(53):
        add_picture(alice.user_id, preview=False, deleted_at=now() - timedelta(days=31))

    assert purge_trash() == 53
    assert count_of(alice.user_id) == 0


def test_a_picture_comes_back_out_of_the_trash(alice: Person) -> None:
    deleted = add_picture(alice.user_id, deleted_at=now())
    kept = add_picture(alice.user_id)

    for image_id in (deleted, kept):
        restore_image(alice.user_id, image_id)
        assert row_of(alice.user_id, image_id).deleted_at is None


def test_nobody_else_brings_a_picture_back(alice: Person, mallory: Person) -> None:
    deleted = add_picture(alice.user_id, deleted_at=now())

    for image_id in (deleted, new_id()):
        with pytest.raises(NotFound):
            restore_image(mallory.user_id, image_id)
    assert row_of(alice.user_id, deleted).deleted_at is not None
