"""Texts by language: what is kept, what is a draft, and who may."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, InvalidRequest, NotFound, PreconditionFailed
from imgapp.models import Image, ImageEdit, TextState
from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesEdit
from imgapp.services.library import bulk, images, listing
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts import answers, bulk_approval, text_history, texts
from imgapp.services.texts.texts import TextEdit
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image

Call = Callable[[UUID, UUID], object]

EVERYTHING: dict[str, Call] = {
    "read": lambda user, image: texts.read_text(user, image, "en"),
    "write": lambda user, image: texts.write_text(user, image, "de", TextEdit(alt_text="meins")),
    "approve": lambda user, image: texts.approve(user, image, "en"),
    "return": lambda user, image: texts.send_back(user, image, "en", "no"),
    "reopen": lambda user, image: texts.reopen(user, image, "en"),
    "changes": lambda user, image: text_history.list_changes(user, image, "en"),
}


def write(person: Person, image_id: UUID, language: str, **said: Any) -> Any:
    return texts.write_text(person.user_id, image_id, language, TextEdit(**said)).value


def said_of(person: Person, image_id: UUID) -> dict[str, str | None]:
    found = images.get_image(person.user_id, image_id)
    return {language: text.alt_text for language, text in found.texts.items()}


@pytest.mark.parametrize("call", EVERYTHING.values(), ids=EVERYTHING.keys())
def test_somebody_elses_texts_are_not_found(alice: Person, mallory: Person, call: Call) -> None:
    image = add_image(alice.user_id, alt_text="hers", alt_text_by="model", language="en")
    with pytest.raises(NotFound):
        call(mallory.user_id, image.id)
    assert said_of(alice, image.id) == {"en": "hers"}
    assert bulk_approval.approve(mallory.user_id, ImageSelection((image.id,)), "en").changed == []
    assert texts.read_text(alice.user_id, image.id, "en").value.state is TextState.DRAFT


def test_a_picture_has_its_own_text_and_others_beside_it(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A red bicycle", alt_text_by="model", language="en")
    german = write(alice, image.id, "de", alt_text="Ein rotes Fahrrad", tags=["Rad", "rad"])
    assert (german.language, german.tags, german.state) == ("de", ["Rad"], TextState.DRAFT)
    assert german.written_by == {"alt_text": "person", "tags": "person"}
    found = images.get_image(alice.user_id, image.id)
    assert (found.alt_text, found.language) == ("A red bicycle", "en")
    assert list(found.texts) == ["en", "de"]
    assert found.texts["en"].written_by == {"alt_text": "model"}


def test_the_text_of_the_first_language_is_the_pictures_own(alice: Person) -> None:
    preferences.change_preferences(alice.user_id, PreferencesEdit(language="de"))
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    write(alice, image.id, "de", alt_text="Ein Fahrrad", description="Rot.")
    found = images.get_image(alice.user_id, image.id)
    assert (found.alt_text, found.description, found.language) == ("Ein Fahrrad", "Rot.", "de")
    assert said_of(alice, image.id) == {"de": "Ein Fahrrad", "en": "A bicycle"}
    write(alice, image.id, "en", alt_text="A red bicycle")
    assert said_of(alice, image.id) == {"de": "Ein Fahrrad", "en": "A red bicycle"}


def test_words_that_were_named_otherwise_are_not_said_twice(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="Ein Rad", alt_text_by="model", language="en")
    images.edit_image(alice.user_id, image.id, ImageEdit(language="de"))
    assert said_of(alice, image.id) == {"de": "Ein Rad"}


def test_what_is_taken_away_is_no_text(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="person", language="en")
    images.edit_image(alice.user_id, image.id, ImageEdit(alt_text=None))
    assert said_of(alice, image.id) == {}
    kinds = [c.kind for c in text_history.list_changes(alice.user_id, image.id, "en").items]
    assert kinds == ["removed", "written"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_changes_after_approval_is_a_draft_and_the_approved_wording_stays(
    alice: Person, language: str
) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    write(alice, image.id, "fr", alt_text="Un vélo")
    before = texts.read_text(alice.user_id, image.id, language).value.alt_text
    approved = texts.approve(alice.user_id, image.id, language).value
    assert (approved.state, approved.state_by) == (TextState.APPROVED, alice.user_id)
    changed = write(alice, image.id, language, alt_text="Something else")
    assert (changed.state, changed.alt_text) == (TextState.DRAFT, "Something else")
    assert changed.approved is not None
    assert changed.approved.alt_text == before
    again = texts.approve(alice.user_id, image.id, language).value
    assert again.approved is not None
    assert again.approved.alt_text == "Something else"


def test_a_text_is_returned_with_a_word_why_until_it_changes(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    returned = texts.send_back(alice.user_id, image.id, "en", " The bicycle is blue ").value
    assert (returned.state, returned.note) == (TextState.RETURNED, "The bicycle is blue")
    assert write(alice, image.id, "en", alt_text="A blue bicycle").note is None
    texts.approve(alice.user_id, image.id, "en")
    assert texts.reopen(alice.user_id, image.id, "en").value.state is TextState.DRAFT
    kinds = [c.kind for c in text_history.list_changes(alice.user_id, image.id, "en").items]
    assert kinds == ["reopened", "approved", "written", "returned"]


def test_writing_may_approve_in_the_same_step(alice: Person) -> None:
    image = add_image(alice.user_id)
    assert write(alice, image.id, "en", alt_text="Mine", approve=True).state is TextState.APPROVED
    preferences.change_preferences(alice.user_id, PreferencesEdit(approve_own=True))
    assert write(alice, image.id, "de", alt_text="Meins").state is TextState.APPROVED
    images.edit_image(alice.user_id, image.id, ImageEdit(alt_text="Mine alone"))
    own = texts.read_text(alice.user_id, image.id, "en").value
    assert own.state is TextState.APPROVED
    analysis = add_analysis(image, alt_text="A dog", language="en", description="A brown dog")
    with transaction(alice.user_id) as session:
        row = session.get_one(Image, image.id)
        answers.keep_answer(session, row, analysis, "en")
    own = texts.read_text(alice.user_id, image.id, "en").value
    assert (own.state, own.alt_text) == (TextState.DRAFT, "Mine alone")
    assert own.approved is not None
    assert own.approved.description is None


def test_nothing_is_not_approved(alice: Person) -> None:
    image = add_image(alice.user_id, description="A bicycle", description_by="model", language="en")
    with pytest.raises(Conflict) as refusal:
        texts.approve(alice.user_id, image.id, "en")
    assert refusal.value.code == "nothing_to_approve"
    with pytest.raises(NotFound):
        texts.approve(alice.user_id, image.id, "it")
    with pytest.raises(InvalidRequest):
        texts.approve(alice.user_id, image.id, "qq")
    assert write(alice, image.id, "en", decorative=True, approve=True).alt_text == ""


def test_who_saves_over_somebody_elses_change_is_told(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    read = texts.read_text(alice.user_id, image.id, "en")
    write(alice, image.id, "de", alt_text="Ein Fahrrad")  # another language is no conflict
    mine = texts.write_text(
        alice.user_id,
        image.id,
        "en",
        TextEdit(alt_text="Mine"),
        required=frozenset({read.tag}),
    )
    for call in (
        lambda: texts.write_text(
            alice.user_id,
            image.id,
            "en",
            TextEdit(alt_text="Theirs"),
            required=frozenset({read.tag}),
        ),
        lambda: texts.approve(alice.user_id, image.id, "en", required=frozenset({read.tag})),
        lambda: texts.approve(alice.user_id, image.id, "fr", required=frozenset({read.tag})),
    ):
        with pytest.raises(PreconditionFailed):
            call()
    texts.approve(alice.user_id, image.id, "en", required=frozenset({mine.tag}))


def test_search_finds_all_languages_each_with_its_stems(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A house", alt_text_by="model", language="en")
    write(alice, image.id, "de", alt_text="Häuser am Hafen")
    write(alice, image.id, "fr", alt_text="Des maisons", tags=["port"])

    def found(q: str) -> list[UUID]:
        page = listing.list_images(alice.user_id, ImageQuery(q=q, meaning=False))
        return [one.id for one in page.items]

    for q in ("houses", "haus hafen", "maison port", "house haus"):
        assert found(q) == [image.id], q
    write(alice, image.id, "de", alt_text="Ein Rad")
    assert found("hafen") == []


def test_lists_know_languages_and_states(alice: Person) -> None:
    one, two, three = (
        add_image(alice.user_id, alt_text=f"Number {n}", alt_text_by="model", language="en")
        for n in range(3)
    )
    write(alice, one.id, "de", alt_text="Eins", approve=True)
    write(alice, two.id, "de", alt_text="Zwei")
    texts.send_back(alice.user_id, two.id, "de", "zu kurz")

    def found(**said: Any) -> set[UUID]:
        return {one.id for one in listing.list_images(alice.user_id, ImageQuery(**said)).items}

    assert found(language="de") == {one.id, two.id}
    assert found(language="DE", state="missing") == {three.id}
    assert found(language="de", state="approved") == {one.id}
    assert found(state="returned") == {two.id}
    assert found(language="en", state="draft") == {one.id, two.id, three.id}
    assert found(language="en", state="approved") == set()


def test_many_are_approved_by_ids_and_by_a_filter(alice: Person) -> None:
    ids = [
        add_image(
            alice.user_id, alt_text=f"Number {n}" if n else "", alt_text_by="model", language="en"
        ).id
        for n in range(4)
    ]
    write(alice, ids[1], "de", alt_text="Eins")
    done = bulk_approval.approve(alice.user_id, ImageSelection(tuple(ids)), "de")
    assert done.changed == [ids[1]]
    wanted = ImageQuery(language="en", state="draft")
    done = bulk_approval.approve(alice.user_id, ImageSelection((ids[3],), wanted))
    assert set(done.changed) == {ids[1], ids[2]}  # one says nothing, one was left out
    again = bulk_approval.approve(alice.user_id, ImageSelection(tuple(ids)), "en")
    assert again.changed == [ids[3]]
    bulk.add_tags(alice.user_id, ImageSelection((ids[1],)), ["harbour"])
    assert texts.read_text(alice.user_id, ids[1], "en").value.state is TextState.DRAFT


def test_the_picture_is_new_to_those_who_have_it_when_a_text_changes(alice: Person) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    tags = {images.read_image(alice.user_id, image.id).tag}
    for step in (
        lambda: write(alice, image.id, "de", alt_text="Ein Fahrrad"),
        lambda: texts.approve(alice.user_id, image.id, "de"),
        lambda: texts.approve(alice.user_id, image.id, "en"),
    ):
        step()
        tags.add(images.read_image(alice.user_id, image.id).tag)
    assert len(tags) == 4


def test_a_text_in_another_language_is_not_the_first_ones_place(alice: Person) -> None:
    image = add_image(alice.user_id)
    write(alice, image.id, "de", alt_text="Ein Fahrrad")
    found = images.get_image(alice.user_id, image.id)
    assert (found.alt_text, found.language, list(found.texts)) == (None, None, ["de"])
    write(alice, image.id, "en", alt_text="A bicycle")
    found = images.get_image(alice.user_id, image.id)
    assert (found.alt_text, list(found.texts)) == ("A bicycle", ["en", "de"])


def test_an_approved_text_that_makes_place_for_the_first_language_stays_approved_once(
    alice: Person,
) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    texts.approve(alice.user_id, image.id, "en")
    preferences.change_preferences(alice.user_id, PreferencesEdit(language="de"))
    write(alice, image.id, "de", alt_text="Ein Fahrrad")
    assert texts.read_text(alice.user_id, image.id, "en").value.state is TextState.APPROVED
    kinds = [one.kind for one in text_history.list_changes(alice.user_id, image.id, "en").items]
    assert kinds == ["approved"]
    german = [one.kind for one in text_history.list_changes(alice.user_id, image.id, "de").items]
    assert german == ["written"]
