"""Blocks of a person's list: places far down it are found, and right, whatever came and went."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.models import Image, now
from imgapp.services.library import card_rows, listing
from imgapp.services.library.image_query import ImageQuery, Sort
from tests.support.rows import new_image

OF_EACH_BLOCK = sa.text(
    "SELECT images, (SELECT count(*) FROM images i WHERE i.deleted_at IS NULL"
    " AND (i.uploaded_at, i.id) >= (b.first_at, b.first_id)"
    " AND (next_at IS NULL OR (i.uploaded_at, i.id) < (next_at, next_id))) FROM ("
    "SELECT *, lead(first_at) OVER w AS next_at, lead(first_id) OVER w AS next_id"
    " FROM image_blocks WINDOW w AS (ORDER BY first_at, first_id)) b"
)


def blocks(user_id: UUID) -> list[int]:
    """The sizes of the blocks, which are what they say."""
    with db.transaction(user_id) as session:
        found = session.execute(OF_EACH_BLOCK).all()
    assert [said for said, _ in found] == [there for _, there in found]
    return [said for said, _ in found]


def insert(user_id: UUID, moments: list[Any]) -> None:
    rows = [new_image(user_id, uploaded_at=moment) for moment in moments]
    with db.transaction(user_id) as session:
        session.execute(sa.insert(Image), [row.model_dump() for row in rows])


def execute(user_id: UUID, sql: str, **values: Any) -> None:
    with db.transaction(user_id) as session:
        session.execute(sa.text(sql), values)


def check_places(user_id: UUID) -> None:
    for sort in (Sort.NEWEST, Sort.OLDEST):
        wanted = ImageQuery(sort=sort)
        expected = listing.all_ids(user_id, wanted)
        assert len(expected) == listing.count(user_id, wanted)
        most = len(expected)
        for start in {0, 999, 1_000, 1_001, 2_000, most // 2, max(most - 1, 0), most, most + 5_000}:
            window = card_rows.read_window(user_id, wanted, start, 3)
            assert [row.id for row in window] == expected[start : start + 3], (sort, start)
        for at in {0, 1, 1_000, most // 2, most - 1} & set(range(most)):
            around = ([None, *expected][at], [*expected, None][at + 1])
            assert listing.neighbours(user_id, wanted, expected[at]) == around, (sort, at)


def touched(user_id: UUID, start: int) -> int:
    """Blocks of the database that are looked at for a window from there."""
    explain = sa.text(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)"
        " SELECT imgapp_find(CAST(:wanted AS jsonb), NULL, :start, 60, false)"
    )
    with db.transaction(user_id) as session:
        given = {"wanted": json.dumps({"sort": "newest"}), "start": start}
        plan = session.execute(explain, given).scalar_one()[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.fixture
def many(alice: Any) -> UUID:
    """3,300 pictures, of which every seventh is as old as the one before."""
    moment, chance = now() - timedelta(days=9), random.Random(7)
    moments = [moment - timedelta(minutes=n - (n % 7 == 0)) for n in range(3_300)]
    chance.shuffle(moments)
    insert(alice.user_id, moments[:1_500])
    insert(alice.user_id, moments[1_500:])
    return UUID(str(alice.user_id))


def test_places_are_right_whatever_came_and_went(many, mallory) -> None:
    sizes = blocks(many)
    assert len(sizes) >= 2
    assert max(sizes) <= 2_000
    check_places(many)
    # The reading of a place far down is not one of all that is before it.
    assert touched(many, 3_100) < 2.5 * touched(many, 999)

    some = "SELECT id FROM images ORDER BY uploaded_at DESC, id LIMIT 2500 OFFSET 200"
    execute(many, f"UPDATE images SET deleted_at = now() WHERE id IN ({some})")
    assert sum(blocks(many)) == 800
    check_places(many)
    # More than a block takes, in one statement, and into one block: all at the same moment.
    execute(
        many,
        "UPDATE images SET deleted_at = NULL, uploaded_at = :at WHERE deleted_at IS NOT NULL",
        at=now() - timedelta(days=20),
    )
    sizes = blocks(many)
    assert (sum(sizes), max(sizes) <= 2_000) == (3_300, True)
    check_places(many)
    execute(many, "DELETE FROM images WHERE id IN (SELECT id FROM images LIMIT 2900)")
    assert sum(blocks(many)) == 400
    check_places(many)

    assert blocks(mallory.user_id) == []
    assert card_rows.read_window(mallory.user_id, ImageQuery(), 1_000, 60) == []
    insert(mallory.user_id, [now()])
    assert blocks(mallory.user_id) == [1]
    assert sum(blocks(many)) == 400
    execute(many, "DELETE FROM images")
    assert sum(blocks(many)) == 0
    check_places(many)
