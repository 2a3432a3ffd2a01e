"""An export says all that is known of a person's pictures, and nothing of anybody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from imgapp.errors import InvalidRequest
from imgapp.models import AnalysisStatus, Image, TextState, WrittenBy, now
from imgapp.services.library import images, text_export
from imgapp.services.library.text_export import export_images
from imgapp.services.texts import texts
from imgapp.services.texts.texts import TextEdit
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image


def test_a_picture_comes_with_its_texts_and_who_wrote_them(alice: Person) -> None:
    image = add_image(
        alice.user_id,
        filename="dog.jpg",
        alt_text="A dog",
        alt_text_by="person",
        tags=["dog", "beach"],
        tags_by="model",
        decorative=False,
        decorative_by="model",
        language="en",
        language_by="model",
    )
    add_analysis(image, model_version="gpt-test")

    [exported] = export_images(alice.user_id)

    assert exported.id == image.id
    assert (exported.filename, exported.sha256) == ("dog.jpg", image.sha256)
    assert (exported.width, exported.height) == (4000, 3000)
    assert (exported.alt_text, exported.alt_text_by) == ("A dog", WrittenBy.PERSON)
    assert (exported.tags, exported.tags_by) == (["dog", "beach"], WrittenBy.MODEL)
    assert (exported.visible_text, exported.visible_text_by) == (None, None)
    assert (exported.decorative, exported.language) == (False, "en")
    assert exported.status == AnalysisStatus.COMPLETED
    assert exported.uploaded_at == image.uploaded_at
    assert exported.model_version == "gpt-test"


def test_somebody_elses_pictures_and_the_trash_are_not_in_it(
    alice: Person, mallory: Person
) -> None:
    kept, trashed = add_image(alice.user_id), add_image(alice.user_id)
    images.delete_image(alice.user_id, trashed.id)
    add_image(mallory.user_id)

    assert [image.id for image in export_images(alice.user_id)] == [kept.id]


def test_pages_neither_skip_nor_repeat_while_pictures_come_and_go(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_export, "_PAGE", 3)
    # Several in the same moment: the id decides.
    times = [now() - timedelta(minutes=number // 2) for number in range(10)]
    there = {add_image(alice.user_id, uploaded_at=time).id for time in times}

    seen = []
    for image in export_images(alice.user_id):
        seen.append(image.id)
        if len(seen) == 3:
            add_image(alice.user_id)
        if len(seen) == 6:
            images.delete_image(alice.user_id, seen[0])

    assert len(seen) == 10
    assert set(seen) == there


def test_texts_of_one_language_and_state_are_exported(alice: Person) -> None:
    said = {"alt_text": "A dog", "alt_text_by": "model", "language": "en"}
    one, two, three = (add_image(alice.user_id, **said) for _ in range(3))
    write(alice, one, "Ein Hund", approve=True)
    write(alice, one, "Ein brauner Hund")
    write(alice, two, "Hund", approve=True)
    write(alice, three, "Irgendein Hund")

    def exported(*which: Any) -> dict[UUID, str | None]:
        return {one.id: one.alt_text for one in export_images(alice.user_id, *which)}

    assert exported("de") == {
        one.id: "Ein brauner Hund",
        two.id: "Hund",
        three.id: "Irgendein Hund",
    }
    assert exported("de", TextState.DRAFT).keys() == {one.id, three.id}
    assert exported("de", TextState.APPROVED) == {one.id: "Ein Hund", two.id: "Hund"}
    assert exported(None, TextState.DRAFT) == dict.fromkeys((one.id, two.id, three.id), "A dog")
    assert exported("fr") == {}
    german = next(export_images(alice.user_id, "de"))
    assert (german.language, german.alt_text_by, german.state) == ("de", "person", "draft")
    with pytest.raises(InvalidRequest):
        export_images(alice.user_id, "qq")


def write(person: Person, image: Image, alt_text: str, *, approve: bool = False) -> None:
    edit = TextEdit(alt_text=alt_text, approve=approve)
    texts.write_text(person.user_id, image.id, "de", edit)
