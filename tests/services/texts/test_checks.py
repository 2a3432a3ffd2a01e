"""What the rules are asked about, when, and who is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from imgapp.models import ImageEdit
from imgapp.services.analysis.preferences import PreferencesEdit, change_preferences
from imgapp.services.library import images, listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.operations.due_chores import due_chores
from imgapp.services.texts import checks, texts
from imgapp.services.texts.texts import TextEdit
from tests.conftest import Person
from tests.support.rows import add_image


def picture(person: Person, alt_text: str, **columns: Any) -> UUID:
    said = {"alt_text": alt_text, "alt_text_by": "model", "language": "en"}
    return add_image(person.user_id, **said | columns).id


def rules_of(person: Person, image_id: UUID, language: str = "en") -> list[str] | None:
    found = texts.read_text(person.user_id, image_id, language).value.doubts
    return None if found is None else [one.rule for one in found]


def test_texts_are_looked_at_once_they_changed(alice: Person) -> None:
    image_id = picture(alice, "IMG_2041.jpg")
    assert rules_of(alice, image_id) is None
    assert "texts" in due_chores()
    before = images.read_image(alice.user_id, image_id).tag
    assert checks.check_some() == 1
    assert rules_of(alice, image_id) == ["file_name"]
    assert images.read_image(alice.user_id, image_id).tag != before
    assert "texts" not in due_chores()
    assert checks.check_some() == 0
    images.edit_image(alice.user_id, image_id, ImageEdit(alt_text="A red bicycle"))
    checks.check_some()
    assert rules_of(alice, image_id) == []


def test_doubts_are_found(alice: Person, mallory: Person) -> None:
    good, bad = picture(alice, "A red bicycle"), picture(alice, "IMG_2041.jpg")
    picture(mallory, "IMG_2042.jpg")
    checks.check_some()

    def found(**said: Any) -> list[UUID]:
        return [one.id for one in listing.list_images(alice.user_id, ImageQuery(**said)).items]

    assert found(doubt="any") == [bad]
    assert found(doubt="file_name", language="en") == [bad]
    assert found(doubt="hedge") == []
    assert good not in found(doubt="any", state="draft")


def test_what_another_picture_says_too_is_a_doubt_of_both_as_long_as_it_lasts(
    alice: Person, mallory: Person
) -> None:
    one, other = picture(alice, "A red bicycle"), picture(mallory, "A red bicycle")
    checks.check_some()
    assert (rules_of(alice, one), rules_of(mallory, other)) == ([], [])
    two = picture(alice, "A red bicycle")
    checks.check_some()
    assert rules_of(alice, one) == rules_of(alice, two) == [checks.SAME]
    images.edit_image(alice.user_id, two, ImageEdit(alt_text="A blue bicycle"))
    checks.check_some()
    assert (rules_of(alice, one), rules_of(alice, two)) == ([], [])


def test_a_name_that_becomes_known_is_no_doubt(alice: Person) -> None:
    image_id = picture(alice, "Portrait of Marie Sklodowska in front of a house")
    checks.check_some()
    assert rules_of(alice, image_id) == ["unsourced_name"]
    change_preferences(alice.user_id, PreferencesEdit(glossary="Marie Sklodowska, physicist"))
    checks.check_some()
    assert rules_of(alice, image_id) == []
    change_preferences(alice.user_id, PreferencesEdit(glossary=None))
    other = picture(alice, "Portrait of Marie Sklodowska beside a house")
    images.edit_image(alice.user_id, other, ImageEdit(context="Marie Sklodowska at home"))
    checks.check_some()
    assert rules_of(alice, other) == []


def test_names_that_somebody_approved_in_another_language_are_known(alice: Person) -> None:
    image_id = picture(alice, "Portrait of Marie Sklodowska")
    texts.approve(alice.user_id, image_id, "en")
    edit = TextEdit(alt_text="Porträt von Marie Sklodowska")
    texts.write_text(alice.user_id, image_id, "de", edit)
    checks.check_some()
    assert rules_of(alice, image_id, "de") == []
