"""Files that are taken in with a batch, and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imgapp.errors import RejectedFile
from imgapp.models import FileOutcome, Priority
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.uploads.batch_intake import Intake
from tests.conftest import Person
from tests.support.spooling import spool_file
from tests.support.waiting import row_of

Pictures = Callable[..., Path]


def outcomes(person: Person, batch) -> list[tuple[str | None, FileOutcome]]:
    files = batches.list_files(person.user_id, batch.id).items
    return [(file.filename, file.outcome) for file in files]


def test_a_file_of_a_batch_goes_behind_other_uploads_and_is_noted(
    alice: Person, picture_file: Pictures
) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch())
    intake = Intake(alice.user_id, "api", batch.id)
    path = picture_file("a.jpg")
    taken = intake.add(spool_file(path))
    assert intake.add(spool_file(path)).duplicate
    assert row_of(alice.user_id, taken.image_id).priority == Priority.BULK
    assert outcomes(alice, batch) == [("a.jpg", "added"), ("a.jpg", "duplicate")]


def test_without_a_batch_it_is_an_upload_by_hand(alice: Person, picture_file: Pictures) -> None:
    intake = Intake(alice.user_id, "page")
    taken = intake.add(spool_file(picture_file("a.jpg")))
    intake.refuse("b.jpg", "not_an_image", "It is none.")
    assert row_of(alice.user_id, taken.image_id).priority == Priority.INTERACTIVE
    assert batches.list_batches(alice.user_id).items == []


def test_a_file_that_is_refused_is_noted_with_its_reason(alice: Person, tmp_path: Path) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch())
    intake = Intake(alice.user_id, "api", batch.id)
    (tmp_path / "b.jpg").write_text("no picture")
    with pytest.raises(RejectedFile) as refusal:
        intake.add(spool_file(tmp_path / "b.jpg"))
    assert outcomes(alice, batch) == []
    intake.refuse("b.jpg", refusal.value.code, refusal.value.detail)
    assert outcomes(alice, batch) == [("b.jpg", "refused")]
