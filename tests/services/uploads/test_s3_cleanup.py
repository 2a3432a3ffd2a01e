"""Nothing that clients put into the bucket stays there unless it is a picture."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from imgapp.adapters import db, storage
from imgapp.models import new_id
from imgapp.services.uploads import s3_cleanup, s3_completion, s3_uploads
from tests.conftest import Person
from tests.support.buckets import BUCKET, bucket_client, objects, unfinished_uploads
from tests.support.direct import announcement, let_expire, put, send, sent, upload_row

MB = 1024 * 1024


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody knows is removed however young it is."""
    monkeypatch.setattr(s3_cleanup, "_UNKNOWN_AFTER", timedelta(seconds=-60))


def test_what_was_never_completed_goes_with_its_bytes(
    alice: Person, s3_env: None, picture_file: Callable[..., Path]
) -> None:
    new = announcement(picture_file(), size=17 * MB)
    parts = s3_uploads.begin(alice.user_id, new)
    put(parts.parts[0].url, bytes(8 * MB), {})
    small = sent(alice.user_id, picture_file())
    kept = sent(alice.user_id, picture_file())
    for upload_id in (parts.id, small):
        let_expire(alice.user_id, upload_id)
    assert s3_cleanup.sweep_expired() == 2
    assert s3_cleanup.sweep_expired() == 0
    assert objects() == [f"incoming/{alice.user_id}/{kept}"]
    assert unfinished_uploads() == []
    assert upload_row(alice.user_id, small) is None
    assert upload_row(alice.user_id, kept) is not None


def test_what_was_sent_again_after_it_was_completed_goes_when_its_links_have_ended(
    alice: Person, s3_env: None, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    begun = s3_uploads.begin(alice.user_id, announcement(path))
    send(begun, path.read_bytes())
    s3_completion.complete(alice.user_id, begun.id)
    pictures = objects()
    row = upload_row(alice.user_id, begun.id)
    assert row is not None
    assert row.expires_at > begun.urls_expire_at, "the row outlives the links"
    send(begun, path.read_bytes())
    let_expire(alice.user_id, begun.id)
    s3_cleanup.sweep_expired()
    assert objects() == pictures


def test_what_is_being_saved_is_left_alone(
    alice: Person, s3_env: None, picture_file: Callable[..., Path]
) -> None:
    from imgapp.models import now
    from tests.support.direct import change_upload

    upload_id = sent(alice.user_id, picture_file())
    soon = now() + timedelta(seconds=20)
    change_upload(
        alice.user_id, upload_id, state="saving", lease_id=new_id(), lease_expires_at=soon
    )
    let_expire(alice.user_id, upload_id)
    assert s3_cleanup.sweep_expired() == 0
    assert len(objects()) == 1


def test_what_no_row_knows_is_removed(
    alice: Person, s3_env: None, at_once: None, picture_file: Callable[..., Path]
) -> None:
    kept = sent(alice.user_id, picture_file())
    open_parts = s3_uploads.begin(alice.user_id, announcement(picture_file(), size=17 * MB))
    client = bucket_client()
    unknown = f"incoming/{new_id()}/{new_id()}"
    client.put_object(Bucket=BUCKET, Key=unknown, Body=b"x")
    client.create_multipart_upload(Bucket=BUCKET, Key=unknown)
    # Begun for an upload that has other parts: by a process that was killed then.
    client.create_multipart_upload(Bucket=BUCKET, Key=f"incoming/{alice.user_id}/{open_parts.id}")
    assert s3_cleanup.sweep_unknown() == 3
    assert objects() == [f"incoming/{alice.user_id}/{kept}"]
    assert unfinished_uploads() == [f"incoming/{alice.user_id}/{open_parts.id}"]
    put(open_parts.parts[0].url, bytes(8 * MB), {})


def test_what_is_young_or_not_ours_stays(alice: Person, s3_env: None) -> None:
    client = bucket_client()
    client.put_object(Bucket=BUCKET, Key=f"incoming/{new_id()}/{new_id()}", Body=b"x")
    assert s3_cleanup.sweep_unknown() == 0, "it may be of an upload that just begins"


def test_other_files_under_the_same_prefix_stay(
    s3_env: None, database: None, at_once: None
) -> None:
    client = bucket_client()
    for key in ("incoming/report.pdf", f"incoming/{new_id()}", f"incoming/a/{new_id()}"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    assert s3_cleanup.sweep_unknown() == 0
    assert len(objects()) == 3


def test_of_a_person_who_is_gone_nothing_stays(
    alice: Person,
    administrator: object,
    s3_env: None,
    at_once: None,
    picture_file: Callable[..., Path],
) -> None:
    import sqlalchemy as sa

    sent(alice.user_id, picture_file())
    with administrator.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": alice.user_id})
    assert s3_cleanup.sweep_unknown() == 1
    assert objects() == []


def test_a_versioned_bucket_keeps_no_old_version(
    alice: Person, s3_env: None, picture_file: Callable[..., Path]
) -> None:
    client = bucket_client()
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    storage._s3_store.cache_clear()  # it remembers for a while whether there are versions
    begun = s3_uploads.begin(alice.user_id, announcement(picture_file(), size=5))
    send(begun, b"hello")
    send(begun, b"again")
    s3_uploads.cancel(alice.user_id, begun.id)
    answer = client.list_object_versions(Bucket=BUCKET)
    assert (answer.get("Versions", []), answer.get("DeleteMarkers", [])) == ([], [])


def test_without_a_bucket_there_is_nothing_to_sweep(database: None) -> None:
    with db.transaction():
        pass
    assert s3_cleanup.sweep_unknown() == 0
    assert s3_cleanup.sweep_expired() == 0
