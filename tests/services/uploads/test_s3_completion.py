"""Direct uploads that are confirmed: checked, and taken in once, whoever is killed whenever."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from imgapp.adapters.storage import Store, get_store, rendition_key
from imgapp.errors import Conflict, NotFound, QuotaExceeded, RejectedFile, StoreUnavailable
from imgapp.models import Priority, UploadState, new_id, now
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import NewBatch
from imgapp.services.library import images
from imgapp.services.uploads import s3_completion, s3_uploads
from imgapp.services.uploads.ingest import ingest
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.buckets import BUCKET, bucket_client, objects, unfinished_uploads
from tests.support.direct import (
    announcement,
    change_upload,
    let_lease_run_out,
    put,
    send,
    sent,
    upload_row,
)
from tests.support.forked import stand_still
from tests.support.spooling import spool_file
from tests.support.waiting import count_of, row_of

Pictures = Callable[..., Path]


def left_over() -> list[str]:
    return [path.name for path in get_settings().spool_dir.glob("*")]


def incoming() -> list[str]:
    return [key for key in objects() if key.startswith("incoming/")] + unfinished_uploads()


def large(picture_file: Pictures) -> Path:
    """A picture of 17 MB."""
    return picture_file("large.bmp", size=(2400, 2400))


@pytest.mark.parametrize("size", ["small", "large"])
def test_what_arrived_becomes_a_picture(
    size: str, alice: Person, s3_env: None, picture_file: Pictures
) -> None:
    path = picture_file("small.jpg") if size == "small" else large(picture_file)
    upload_id = sent(alice.user_id, path, hashed=True)
    taken = s3_completion.complete(alice.user_id, upload_id)
    image = row_of(alice.user_id, taken.image_id)
    assert taken.duplicate is False
    assert (image.filename, image.file_size) == (path.name, path.stat().st_size)
    assert image.priority == Priority.INTERACTIVE
    assert get_store().read(image.s3_key) == path.read_bytes()
    assert get_store().exists(rendition_key(image.s3_key, "thumbnail"))
    found = bucket_client().head_object(Bucket=BUCKET, Key=image.s3_key)
    assert found["ContentType"] == image.mime_type
    assert (incoming(), left_over()) == ([], [])


def test_the_picture_is_copied_within_the_store(
    alice: Person, s3_env: None, picture_file: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[str] = []
    put_file = type(get_store()).put

    def put_and_tell(self: Store, key: str, path: Path, content_type: str) -> None:
        stored.append(key)
        put_file(self, key, path, content_type)

    monkeypatch.setattr(type(get_store()), "put", put_and_tell)
    taken = s3_completion.complete(alice.user_id, sent(alice.user_id, picture_file()))
    image = row_of(alice.user_id, taken.image_id)
    assert stored
    assert image.s3_key not in stored


def test_encryption_and_storage_class_are_those_of_any_picture(
    alice: Person, s3_env: Callable[..., None], picture_file: Pictures
) -> None:
    s3_env(IMGAPP_S3_SSE="AES256", IMGAPP_S3_STORAGE_CLASS="STANDARD_IA")
    taken = s3_completion.complete(alice.user_id, sent(alice.user_id, picture_file()))
    key = row_of(alice.user_id, taken.image_id).s3_key
    found = bucket_client().head_object(Bucket=BUCKET, Key=key)
    assert (found["ServerSideEncryption"], found["StorageClass"]) == ("AES256", "STANDARD_IA")


def test_what_was_sent_after_it_was_checked_is_not_taken(
    alice: Person, s3_env: None, picture_file: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture_file()
    begun = s3_uploads.begin(alice.user_id, announcement(path, hashed=True))
    send(begun, path.read_bytes())

    def ingest_late(*args: object, **options: object) -> object:
        send(begun, b"something else, sent with the same request")
        return ingest(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(s3_completion, "ingest", ingest_late)
    taken = s3_completion.complete(alice.user_id, begun.id)
    assert get_store().read(row_of(alice.user_id, taken.image_id).s3_key) == path.read_bytes()


def test_completed_again_it_answers_the_same(
    alice: Person, s3_env: None, picture_file: Pictures
) -> None:
    upload_id = sent(alice.user_id, picture_file())
    first = s3_completion.complete(alice.user_id, upload_id)
    assert s3_completion.complete(alice.user_id, upload_id) == first
    assert count_of(alice.user_id) == 1
    status = s3_uploads.get_upload(alice.user_id, upload_id)
    assert (status.state, status.image_id) == (UploadState.COMPLETED, first.image_id)
    with pytest.raises(Conflict) as refusal:
        s3_uploads.request_parts(alice.user_id, upload_id, [1])
    assert refusal.value.code == "upload_ended"


def test_the_same_bytes_are_one_picture(
    alice: Person, mallory: Person, s3_env: None, picture_file: Pictures
) -> None:
    path = picture_file()
    first = s3_completion.complete(alice.user_id, sent(alice.user_id, path))
    second = s3_completion.complete(alice.user_id, sent(alice.user_id, path))
    assert (second.image_id, second.duplicate) == (first.image_id, True)
    theirs = s3_completion.complete(mallory.user_id, sent(mallory.user_id, path))
    assert theirs.duplicate is False
    assert incoming() == []


def test_known_bytes_need_not_be_sent(
    alice: Person, mallory: Person, s3_env: None, picture_file: Pictures
) -> None:
    path = picture_file()
    taken = ingest(alice.user_id, spool_file(path), "page")
    images.delete_image(alice.user_id, taken.image_id)
    new = announcement(path, hashed=True)
    assert s3_completion.known_picture(mallory.user_id, new) is None
    known = s3_completion.known_picture(alice.user_id, new)
    assert known is not None
    assert (known.image_id, known.duplicate) == (taken.image_id, True)
    assert images.get_image(alice.user_id, taken.image_id).status == "pending"
    assert s3_completion.known_picture(alice.user_id, announcement(path)) is None


def test_what_has_not_arrived_can_be_sent_and_completed_later(
    alice: Person, s3_env: None, picture_file: Pictures
) -> None:
    path = picture_file()
    begun = s3_uploads.begin(alice.user_id, announcement(path))
    with pytest.raises(Conflict, match="has not arrived") as refusal:
        s3_completion.complete(alice.user_id, begun.id)
    assert refusal.value.code == "upload_incomplete"
    send(begun, path.read_bytes())
    assert s3_completion.complete(alice.user_id, begun.id).duplicate is False


def test_missing_parts_are_named(alice: Person, s3_env: None, picture_file: Pictures) -> None:
    path = large(picture_file)
    data = path.read_bytes()
    begun = s3_uploads.begin(alice.user_id, announcement(path))
    put(begun.parts[0].url, data[: 8 * 1024 * 1024], {})
    with pytest.raises(Conflict, match="2, 3") as refusal:
        s3_completion.complete(alice.user_id, begun.id)
    assert refusal.value.code == "upload_incomplete"
    send(s3_uploads.request_parts(alice.user_id, begun.id, [2, 3]), data)
    taken = s3_completion.complete(alice.user_id, begun.id)
    assert get_store().read(row_of(alice.user_id, taken.image_id).s3_key) == data


@pytest.mark.parametrize(
    ("announced", "code"),
    [
        ({"size": 3}, "size_mismatch"),
        ({"size": 10**6}, "size_mismatch"),
        ({"sha256": "0" * 64}, "hash_mismatch"),
    ],
)
def test_what_is_not_what_was_announced_is_refused(
    announced: dict[str, object],
    code: str,
    alice: Person,
    s3_env: None,
    picture_file: Pictures,
) -> None:
    # The test server takes any length; others refuse one that was not signed.
    upload_id = sent(alice.user_id, picture_file(), **announced)
    for _ in range(2):
        with pytest.raises(RejectedFile) as refusal:
            s3_completion.complete(alice.user_id, upload_id)
        assert refusal.value.code == code
    assert (objects(), left_over(), count_of(alice.user_id)) == ([], [], 0)
    status = s3_uploads.get_upload(alice.user_id, upload_id)
    assert status.state == UploadState.FAILED
    assert status.error is not None
    assert status.error.code == code


def test_what_is_no_picture_is_refused(alice: Person, s3_env: None, tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("this is no picture")
    upload_id = sent(alice.user_id, path)
    with pytest.raises(RejectedFile) as refusal:
        s3_completion.complete(alice.user_id, upload_id)
    assert refusal.value.code == "not_an_image"
    assert (objects(), left_over()) == ([], [])


def test_a_person_without_room_is_told_so_each_time(
    alice: Person, s3_env: Callable[..., None], picture_file: Pictures
) -> None:
    upload_id = sent(alice.user_id, picture_file())
    ingest(alice.user_id, spool_file(picture_file("other.jpg")), "page")
    s3_env(IMGAPP_QUOTA_IMAGES="1")
    for _ in range(2):
        with pytest.raises(QuotaExceeded) as refusal:
            s3_completion.complete(alice.user_id, upload_id)
        assert refusal.value.status == 507
    assert incoming() == []


def test_a_file_of_a_batch_is_written_down_there(
    alice: Person, s3_env: None, picture_file: Pictures, tmp_path: Path
) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch())
    taken = s3_completion.complete(
        alice.user_id, sent(alice.user_id, picture_file(), batch=batch.id)
    )
    assert row_of(alice.user_id, taken.image_id).priority == Priority.BULK
    text = tmp_path / "notes.jpg"
    text.write_text("this is no picture")
    with pytest.raises(RejectedFile):
        s3_completion.complete(alice.user_id, sent(alice.user_id, text, batch=batch.id))
    files = batches.list_files(alice.user_id, batch.id).items
    assert {(one.filename, one.outcome, one.image_id) for one in files} == {
        ("photo.jpg", "added", taken.image_id),
        ("notes.jpg", "refused", None),
    }


def test_somebody_elses_batch_takes_nothing(
    alice: Person, mallory: Person, s3_env: None, picture_file: Pictures
) -> None:
    batch = batches.create_batch(alice.user_id, NewBatch())
    with pytest.raises(NotFound):
        s3_completion.known_picture(mallory.user_id, announcement(picture_file(), batch=batch.id))


def test_somebody_else_completes_nothing(
    alice: Person, mallory: Person, s3_env: None, picture_file: Pictures
) -> None:
    upload_id = sent(alice.user_id, picture_file())
    with pytest.raises(NotFound):
        s3_completion.complete(mallory.user_id, upload_id)
    s3_completion.complete(alice.user_id, upload_id)


def test_completed_by_many_at_once_it_is_taken_in_once(
    alice: Person, s3_env: None, picture_file: Pictures
) -> None:
    upload_id = sent(alice.user_id, picture_file())

    def complete(_: int) -> object:
        try:
            return s3_completion.complete(alice.user_id, upload_id)
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(complete, range(6)))
    taken = [answer for answer in answers if answer != "upload_being_saved"]
    assert len(set(taken)) == 1
    assert count_of(alice.user_id) == 1


def test_a_process_that_lost_its_lease_takes_nothing_in(
    alice: Person, s3_env: None, picture_file: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = sent(alice.user_id, picture_file())

    def ingest_slowly(*args: object, **options: object) -> object:
        change_upload(alice.user_id, upload_id, lease_id=new_id(), lease_expires_at=now())
        return ingest(*args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(s3_completion, "ingest", ingest_slowly)
        with pytest.raises(Conflict) as refusal:
            s3_completion.complete(alice.user_id, upload_id)
    assert refusal.value.code == "upload_being_saved"
    assert count_of(alice.user_id) == 0
    assert s3_completion.complete(alice.user_id, upload_id).duplicate is False


def test_a_bucket_that_does_not_answer_loses_nothing(
    alice: Person,
    s3_env: Callable[..., None],
    picture_file: Pictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload_id = sent(alice.user_id, picture_file())

    def fail(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(type(get_store().incoming), "fetch", fail)
        with pytest.raises(StoreUnavailable):
            s3_completion.complete(alice.user_id, upload_id)
    assert s3_completion.finish_left_behind() == 0, "it waits before it tries again"
    let_lease_run_out(alice.user_id, upload_id)
    assert s3_completion.finish_left_behind() == 1
    assert (count_of(alice.user_id), incoming()) == (1, [])


STEPS: dict[str, Callable[[], Any]] = {
    "incoming": lambda: type(get_store().incoming),
    "s3_completion": lambda: s3_completion,
    "ingest": lambda: sys.modules[ingest.__module__],
}


def complete_and_stop(
    stopped: Connection, moment: tuple[str, str, str], user_id: UUID, upload_id: UUID
) -> None:
    """Completes an upload, and stands still before or after one of its steps."""
    where, name, when = moment
    owner = STEPS[where]()
    step = getattr(owner, name)

    def stop(*args: Any, **options: Any) -> None:
        if when == "after":
            step(*args, **options)
        stand_still(stopped)

    setattr(owner, name, stop)
    s3_completion.complete(user_id, upload_id)


@pytest.mark.long
@pytest.mark.parametrize(
    "moment",
    [
        ("incoming", "join_parts", "before"),
        ("incoming", "join_parts", "after"),
        ("incoming", "fetch", "after"),
        ("incoming", "adopt", "before"),
        ("incoming", "adopt", "after"),
        ("ingest", "_insert", "before"),
        ("ingest", "_insert", "after"),
        ("s3_completion", "_discard", "after"),
    ],
    ids="-".join,
)
def test_a_process_killed_at_any_moment_leaves_one_picture_and_no_upload(
    moment: tuple[str, str, str],
    alice: Person,
    s3_env: None,
    picture_file: Pictures,
    kill_in: Callable[..., None],
) -> None:
    # Only a large file comes in parts.
    path = large(picture_file) if moment[1] == "join_parts" else picture_file()
    upload_id = sent(alice.user_id, path)
    kill_in(complete_and_stop, moment, alice.user_id, upload_id)
    row = upload_row(alice.user_id, upload_id)
    assert row is not None
    if row.state == UploadState.SAVING:
        with pytest.raises(Conflict) as refusal:
            s3_completion.complete(alice.user_id, upload_id)
        assert refusal.value.code == "upload_being_saved"
        let_lease_run_out(alice.user_id, upload_id)
        assert s3_completion.finish_left_behind() == 1
    taken = s3_completion.complete(alice.user_id, upload_id)
    assert taken.duplicate is False
    assert count_of(alice.user_id) == 1
    assert get_store().read(row_of(alice.user_id, taken.image_id).s3_key) == path.read_bytes()
