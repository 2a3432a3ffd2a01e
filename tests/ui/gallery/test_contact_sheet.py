"""What is printed of pictures: one's own, in their order, with their texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.image_query import ImageQuery
from imgapp.ui.gallery import contact_sheet
from tests.conftest import Person
from tests.support.rows import add_image


@pytest.fixture
def mallory(make_person: Callable[..., Person]) -> Person:
    return make_person("mallory@example.org")


def names(person: Person, **chosen: Any) -> list[str]:
    found = contact_sheet._read(person.user_id, ImageSelection(**chosen))
    return [one.filename for one in found]


def test_a_picture_is_printed_with_what_is_known_of_it(alice) -> None:
    texts = {"alt_text": "Boats", "description": "Three boats.", "tags": ["sea", "dusk"]}
    described = add_image(alice.user_id, language="en", facts={"has_alpha": True}, **texts)
    decorative = add_image(alice.user_id, alt_text="", decorative=True)
    unknown = add_image(alice.user_id)
    ids = (described.id, decorative.id, unknown.id)
    printed = contact_sheet._read(alice.user_id, ImageSelection(ids))
    first, *others = printed
    assert (first.alt_text, first.description) == ("Boats", "Three boats.")
    assert (first.tags, first.language, first.transparent) == ("sea, dusk", "en", True)
    assert "preview" in first.source
    assert [one.alt_text for one in others] == ["Decorative", ""]


def test_pictures_are_printed_in_the_order_in_which_they_were_chosen(alice) -> None:
    one, two, three = (add_image(alice.user_id, filename=f"{n}.jpg") for n in range(3))
    assert names(alice, ids=(three.id, one.id, two.id)) == ["2.jpg", "0.jpg", "1.jpg"]
    assert sorted(names(alice, ids=(two.id,), wanted=ImageQuery())) == ["0.jpg", "2.jpg"]


def test_no_more_are_printed_than_a_page_can_hold(alice, monkeypatch) -> None:
    monkeypatch.setattr(contact_sheet, "MOST_PRINTED", 2)
    ids = tuple(add_image(alice.user_id).id for _ in range(3))
    assert len(names(alice, ids=ids)) == 2


def test_mallory_prints_nobody_elses_pictures(alice, mallory) -> None:
    hers = add_image(alice.user_id)
    assert names(mallory, ids=(hers.id,)) == []
    assert names(mallory, wanted=ImageQuery()) == []
