"""What the gallery reads of pictures: one's own, in their order, and no more than cards show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from imgapp.models import now
from imgapp.services.library import card_rows, images
from imgapp.services.library.image_query import ImageQuery
from tests.conftest import Person
from tests.support.rows import add_image

CATS = ImageQuery(q="cat")


@pytest.fixture
def mallory(make_person: Callable[..., Person]) -> Person:
    return make_person("mallory@example.org")


@pytest.fixture
def library(alice: Person) -> list[Any]:
    """Three pictures, the newest first; the second shows a cat."""
    moment, texts = now(), ["A dog", "A cat", None]
    return [
        add_image(
            alice.user_id,
            filename=f"{n}.jpg",
            alt_text=text,
            tags=["park"] if text else None,
            uploaded_at=moment - timedelta(minutes=n),
        )
        for n, text in enumerate(texts)
    ]


def test_rows_are_what_the_pictures_are(alice, library) -> None:
    for row, image in zip(
        card_rows.read_window(alice.user_id, ImageQuery(), 0, 10), library, strict=True
    ):
        columns = [name for name in card_rows.CardRow._fields if name != "mark"]
        assert row == (*(getattr(image, name) for name in columns), "")
        assert row._asdict().keys() == set(card_rows.CardRow._fields)


def test_a_row_says_whether_one_sees_through_the_picture(alice) -> None:
    add_image(alice.user_id, facts={"has_alpha": True})
    add_image(alice.user_id, facts={"has_alpha": False})
    add_image(alice.user_id, facts={})
    rows = card_rows.read_window(alice.user_id, ImageQuery(), 0, 10)
    assert sorted(row.transparent for row in rows) == [False, False, True]


def test_a_window_begins_anywhere_in_the_list_that_is_looked_for(alice, library) -> None:
    def window(*args: Any) -> list[str]:
        return [row.filename for row in card_rows.read_window(alice.user_id, *args)]

    assert window(ImageQuery(), 1, 1) == ["1.jpg"]
    assert window(ImageQuery(), 1, 60) == ["1.jpg", "2.jpg"]
    assert window(ImageQuery(), 3, 60) == []
    assert window(CATS, 0, 60) == ["1.jpg"]


def test_the_first_window_comes_with_the_number_of_all_pictures(alice, mallory, library) -> None:
    first = card_rows.read_first(alice.user_id, CATS, 60)
    assert ([row.filename for row in first.rows], first.total) == (["1.jpg"], 3)
    assert card_rows.read_first(mallory.user_id, ImageQuery(), 60) == ([], 0)


def test_pictures_are_read_by_their_ids_in_the_order_that_is_asked_for(alice, library) -> None:
    ids = [library[2].id, library[0].id]
    assert [row.id for row in card_rows.read_among(alice.user_id, ids)] == ids
    images.delete_image(alice.user_id, ids[0])
    assert [row.id for row in card_rows.read_among(alice.user_id, ids)] == ids[1:]
    assert card_rows.read_among(alice.user_id, []) == []


def test_mallory_reads_nothing_of_alices(mallory, library) -> None:
    assert card_rows.read_among(mallory.user_id, [image.id for image in library]) == []
    assert card_rows.read_window(mallory.user_id, ImageQuery(), 0, 60) == []
    assert card_rows.read_window(mallory.user_id, CATS, 0, 60) == []
