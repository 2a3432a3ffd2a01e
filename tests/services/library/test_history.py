"""What was said of a picture before, and what its owner makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from imgapp.errors import NotFound, PreconditionFailed
from imgapp.models import Image, ImageAnalysis, ImageEdit, ImagePublic, new_id, now
from imgapp.services.library import history, images
from imgapp.services.library.history import FIELDS, Restoration
from imgapp.services.library.text_provenance import current_text
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image
from tests.support.waiting import change, row_of

OLD = {
    "alt_text": "A dog",
    "description": "A dog sleeps.",
    "tags": ["dog"],
    "visible_text": "DOG",
    "decorative": False,
    "language": "de",
    "model_version": "old-1",
}
NEW = {
    "alt_text": "A cat",
    "description": "A cat sleeps.",
    "tags": ["cat", "sofa"],
    "visible_text": None,
    "decorative": False,
    "language": "en",
    "model_version": "new-1",
}


@pytest.fixture
def image(alice: Person) -> Image:
    """Described twice; the model's words stand, but for an alt text of alice's."""
    image = add_image(alice.user_id)
    add_analysis(image, **OLD, created_at=now() - timedelta(days=1))
    newest = add_analysis(image, **NEW)
    change(alice.user_id, image.id, **current_text(image, newest))
    images.edit_image(alice.user_id, image.id, ImageEdit(alt_text="Minka"))
    return image


def analyses(person: Person, image: Image) -> list[Any]:
    return history.list_analyses(person.user_id, image.id).items


def restore(person: Person, image: Image, at: int, **fields: Any) -> ImagePublic:
    wanted = Restoration(analysis_id=analyses(person, image)[at].id, **fields)
    return history.restore(person.user_id, image.id, wanted).value


def test_the_history_says_what_differs_now(alice: Person, image: Image) -> None:
    newest, oldest = analyses(alice, image)
    assert (newest.model_version, newest.differs) == ("new-1", ["alt_text"])
    assert (oldest.model_version, oldest.differs) == ("old-1", list(FIELDS))


def test_tags_have_no_order(alice: Person, image: Image) -> None:
    change(alice.user_id, image.id, tags=["sofa", "cat"])
    assert "tags" not in analyses(alice, image)[0].differs


def test_one_text_is_restored_and_is_the_persons_from_then_on(alice: Person, image: Image) -> None:
    shown = restore(alice, image, 1, fields=["description"])
    assert (shown.description, shown.tags) == ("A dog sleeps.", ["cat", "sofa"])
    assert shown.written_by["description"] == "person"
    assert shown.restored_from == {"description": "old-1"}
    row = row_of(alice.user_id, image.id)
    later = ImageAnalysis(image_id=image.id, user_id=alice.user_id, processing_time=0, **NEW)
    assert "description" not in current_text(row, later)


def test_all_texts_are_restored_with_their_language(alice: Person, image: Image) -> None:
    shown = restore(alice, image, 1)
    assert {name: getattr(shown, name) for name in OLD if name != "model_version"} == {
        name: value for name, value in OLD.items() if name != "model_version"
    }
    assert shown.written_by["language"] == "model"
    assert analyses(alice, image)[1].differs == []


def test_what_the_newest_analysis_says_is_the_models(alice: Person, image: Image) -> None:
    shown = restore(alice, image, 0, fields=["alt_text"])
    assert (shown.alt_text, shown.written_by["alt_text"]) == ("A cat", "model")
    assert shown.restored_from == {}


def test_an_empty_alt_text_and_decorative_are_one_statement(alice: Person, image: Image) -> None:
    add_analysis(image, **NEW | {"alt_text": "", "decorative": True})
    shown = restore(alice, image, 0, fields=["alt_text"])
    assert (shown.alt_text, shown.decorative) == ("", True)
    shown = restore(alice, image, 1, fields=["alt_text"])
    assert (shown.alt_text, shown.decorative) == ("A cat", False)
    assert shown.written_by["decorative"] == "person"


def test_an_edit_ends_a_restoration(alice: Person, image: Image) -> None:
    restore(alice, image, 1, fields=["description"])
    shown = images.edit_image(alice.user_id, image.id, ImageEdit(description="Mine"))
    assert shown.restored_from == {}


def test_both_are_shown_where_a_person_wrote_and_the_model_says_otherwise(
    alice: Person, image: Image
) -> None:
    [suggestion] = history.suggestions(alice.user_id, image.id).items
    assert (suggestion.field, suggestion.written, suggestion.suggested) == (
        "alt_text",
        "Minka",
        "A cat",
    )
    assert (suggestion.model_version, suggestion.kept) == ("new-1", False)
    assert suggestion.analysis_id == analyses(alice, image)[0].id


def test_what_is_kept_is_kept_until_a_model_says_something_new(alice: Person, image: Image) -> None:
    shown = history.keep(alice.user_id, image.id, ["alt_text"]).value
    assert shown.alt_text == "Minka"
    assert [one.kept for one in history.suggestions(alice.user_id, image.id).items] == [True]
    add_analysis(image, **NEW | {"alt_text": "A kitten"})
    assert [one.kept for one in history.suggestions(alice.user_id, image.id).items] == [False]


def test_a_released_text_is_the_models_at_once_and_later(alice: Person, image: Image) -> None:
    shown = history.release(alice.user_id, image.id, ["alt_text"]).value
    assert (shown.alt_text, shown.written_by["alt_text"]) == ("A cat", "model")
    assert history.suggestions(alice.user_id, image.id).items == []
    row = row_of(alice.user_id, image.id)
    later = ImageAnalysis(
        image_id=image.id, user_id=alice.user_id, processing_time=0, **NEW | {"alt_text": "A lion"}
    )
    assert current_text(row, later)["alt_text"] == "A lion"


def test_a_released_text_stays_while_no_model_has_said_anything(alice: Person) -> None:
    image = add_image(alice.user_id)
    images.edit_image(alice.user_id, image.id, ImageEdit(alt_text="Minka"))
    assert history.suggestions(alice.user_id, image.id).items == []
    shown = history.release(alice.user_id, image.id, ["alt_text", "tags"]).value
    assert (shown.alt_text, shown.written_by) == ("Minka", {})


def test_nothing_changes_where_nothing_is_written(alice: Person, image: Image) -> None:
    before = images.read_image(alice.user_id, image.id).tag
    assert history.keep(alice.user_id, image.id, ["tags"]).tag == before
    assert history.release(alice.user_id, image.id, ["tags"]).tag == before


def test_a_change_needs_the_version_that_was_seen(alice: Person, image: Image) -> None:
    seen = frozenset({images.read_image(alice.user_id, image.id).tag})
    history.release(alice.user_id, image.id, ["alt_text"], required=seen)
    with pytest.raises(PreconditionFailed):
        history.release(alice.user_id, image.id, ["alt_text"], required=seen)


@pytest.mark.parametrize(
    "call",
    [
        lambda user, image, at: history.list_analyses(user, image),
        lambda user, image, at: history.suggestions(user, image),
        lambda user, image, at: history.restore(user, image, Restoration(analysis_id=at)),
        lambda user, image, at: history.release(user, image, ["alt_text"]),
        lambda user, image, at: history.keep(user, image, ["alt_text"]),
    ],
)
def test_somebody_else_finds_nothing(
    alice: Person, mallory: Person, image: Image, call: Callable[[UUID, UUID, UUID], Any]
) -> None:
    at = analyses(alice, image)[0].id
    for image_id in (image.id, new_id()):
        with pytest.raises(NotFound):
            call(mallory.user_id, image_id, at)
    assert row_of(alice.user_id, image.id).alt_text == "Minka"


def test_nothing_is_restored_from_another_picture(
    alice: Person, mallory: Person, image: Image
) -> None:
    other = add_analysis(add_image(alice.user_id), **OLD)
    theirs = add_analysis(add_image(mallory.user_id), **OLD)
    for analysis in (other, theirs):
        with pytest.raises(NotFound):
            history.restore(alice.user_id, image.id, Restoration(analysis_id=analysis.id))
