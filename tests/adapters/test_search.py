"""The functions behind search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.models import Image, now


def search(person: Any, query: str | None = None, **values: Any) -> list[UUID]:
    given = {"tag": None, "status": None, "before": None, "before_id": None, "limit": 10, **values}
    call = sa.func.imgapp_search_images(query, *given.values())
    counted = sa.func.imgapp_search_count(query, given["tag"], given["status"])
    with db.transaction(person.user_id) as session:
        found = list(session.execute(sa.select(call.cast(sa.Uuid))).scalars())
        if given["before"] is None and given["limit"] == 10:
            assert session.execute(sa.select(counted)).scalar_one() == len(found)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "walrus",
        "WAL",
        "sleeping walruses",
        '"on ice"',
        "mammals",
        "keep out",
        "beach",
        "beach-house.jpg",
        "walrus -penguin",
        "penguin or walrus",
        None,
        "  ",
    ],
)
def test_search_finds_words_of_every_text(alice, add_image, query) -> None:
    image_id = add_image(
        alice,
        alt_text="Two walruses",
        description="They are sleeping on ice",
        tags=["Sea mammals"],
        visible_text="KEEP OUT",
    )
    assert search(alice, query) == [image_id]


@pytest.mark.parametrize(
    "query", ["penguin", "walrus penguin", '"ice on"', "-walrus", "!!!", "'", "\\", "zz:* & (", "%"]
)
def test_search_does_not_find_other_words_or_stumble(alice, add_image, query) -> None:
    add_image(alice, alt_text="Two walruses", description="They are sleeping on ice")
    assert search(alice, query) == []


def test_search_pages_newest_first_and_leaves_the_trash_out(alice, add_image) -> None:
    moment = now()
    added = [
        add_image(alice, alt_text="walrus", tags=["sea"], uploaded_at=moment - timedelta(hours=n))
        for n in range(5)
    ]
    add_image(alice, alt_text="walrus", tags=["sea"], deleted_at=moment)
    add_image(alice, alt_text="walrus", tags=["seaside"], analysis_status="failed")
    assert search(alice, "walrus", tag="sea", status="pending") == added
    page = search(alice, "walrus", tag="sea", limit=2)
    assert page == added[:2]
    with db.transaction(alice.user_id) as session:
        last = session.get_one(Image, page[-1])
    rest = search(alice, tag="sea", before=last.uploaded_at, before_id=last.id)
    assert rest == added[2:]
    assert len(search(alice, status="failed")) == 1
