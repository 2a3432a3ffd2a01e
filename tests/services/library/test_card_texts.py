"""What cards say in their owner's language, and how they mark its state."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from imgapp.adapters.db import transaction
from imgapp.models import Image, ImageText
from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesEdit
from imgapp.services.library import card_rows
from imgapp.services.library.card_rows import CardRow
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts import texts
from imgapp.services.texts.texts import TextEdit
from tests.conftest import Person
from tests.support.rows import add_image


def cards(person: Person, *ids: UUID) -> list[CardRow]:
    rows = card_rows.read_among(person.user_id, ids)
    window = card_rows.read_window(person.user_id, ImageQuery(), 0, 10)
    assert {row.id: row for row in window} == {row.id: row for row in rows}
    return rows


def doubt(person: Person, image: Image, *rules: str) -> None:
    with transaction(person.user_id) as session:
        text = session.get(ImageText, (image.id, "en"))
        assert text is not None
        text.doubts = [{"rule": rule, "excerpt": ""} for rule in rules]
        session.add(text)


def english(person: Person, **said: Any) -> Image:
    return add_image(person.user_id, **{"alt_text_by": "model", "language": "en"} | said)


def test_a_card_speaks_its_owners_language_where_it_can(alice: Person) -> None:
    both = english(alice, alt_text="A bicycle", description="It is red.")
    one = english(alice, alt_text="A boat")
    texts.write_text(alice.user_id, both.id, "de", TextEdit(alt_text="Ein Fahrrad"))
    texts.write_text(alice.user_id, one.id, "de", TextEdit(tags=["Boot"]))
    said = [(row.alt_text, row.language) for row in cards(alice, both.id, one.id)]
    assert said == [("A bicycle", "en"), ("A boat", "en")]
    preferences.change_preferences(alice.user_id, PreferencesEdit(language="de"))
    first, second = cards(alice, both.id, one.id)
    assert (first.alt_text, first.description, first.language) == ("Ein Fahrrad", None, "de")
    # The next best says what it is in.
    assert (second.alt_text, second.language) == ("A boat", "en")


def test_a_card_marks_what_is_approved_returned_and_doubtful(alice: Person) -> None:
    nothing = add_image(alice.user_id)
    images = [english(alice, alt_text=f"Boat {at}") for at in range(4)]
    ids = [nothing.id, *(image.id for image in images)]
    assert [row.mark for row in cards(alice, *ids)] == [""] * 5
    texts.approve(alice.user_id, images[0].id, "en")
    texts.send_back(alice.user_id, images[1].id, "en", "It is a ship")
    for image in images[1:3]:
        doubt(alice, image, "emoji")
    doubt(alice, images[3], "hedge")
    preferences.change_preferences(alice.user_id, PreferencesEdit(rules_off=["hedge"]))
    assert [row.mark for row in cards(alice, *ids)] == ["", "a", "rd", "d", ""]


def test_nobody_elses_preferences_count(alice: Person, mallory: Person) -> None:
    preferences.change_preferences(mallory.user_id, PreferencesEdit(language="de"))
    image = english(alice, alt_text="A bicycle")
    texts.write_text(alice.user_id, image.id, "de", TextEdit(alt_text="Ein Fahrrad"))
    assert [row.alt_text for row in cards(alice, image.id)] == ["A bicycle"]
    assert card_rows.read_among(mallory.user_id, [image.id]) == []
