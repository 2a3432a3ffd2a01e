"""Direct uploads: what is promised, and how far they are."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from imgapp.adapters.storage import get_store
from imgapp.errors import (
    Conflict,
    FileTooLarge,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    StoreUnavailable,
)
from imgapp.models import UploadState, new_id
from imgapp.services.uploads import s3_uploads
from imgapp.services.uploads.s3_uploads import NewUpload
from tests.conftest import Person
from tests.support.buckets import BUCKET, bucket_client, objects, unfinished_uploads
from tests.support.direct import let_expire, put, send, upload_row

MB = 1024 * 1024


def new(size: int = 1000, **more: object) -> NewUpload:
    return NewUpload(filename="harbour.jpg", size=size, **more)  # type: ignore[arg-type]


def signed_headers(url: str) -> list[str]:
    return parse_qs(urlsplit(url).query)["X-Amz-SignedHeaders"][0].split(";")


def test_a_small_file_goes_in_one_request(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new(16 * MB))
    assert begun.url is not None
    assert (begun.part_size, begun.parts) == (None, [])
    assert urlsplit(begun.url).path == f"/{BUCKET}/incoming/{alice.user_id}/{begun.id}"
    assert begun.urls_expire_at < begun.expires_at


def test_a_large_file_goes_in_parts_that_cover_it(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new(16 * MB + 1))
    assert begun.url is None
    assert [part.number for part in begun.parts] == [1, 2, 3]
    assert [part.size for part in begun.parts] == [8 * MB, 8 * MB, 1]
    assert unfinished_uploads() == [f"incoming/{alice.user_id}/{begun.id}"]


def test_a_huge_file_has_a_thousand_parts_at_most(
    alice: Person, s3_env: Callable[..., None]
) -> None:
    s3_env(IMGAPP_MAX_UPLOAD_MB="10000")
    size = 9_999 * MB
    begun = s3_uploads.begin(alice.user_id, new(size))
    assert len(begun.parts) <= 1000
    assert sum(part.size for part in begun.parts) == size
    assert {part.size for part in begun.parts[:-1]} == {begun.part_size}


def test_the_signature_binds_length_and_type(alice: Person, s3_env: None) -> None:
    plain = s3_uploads.begin(alice.user_id, new())
    typed = s3_uploads.begin(alice.user_id, new(content_type="image/jpeg"))
    parts = s3_uploads.begin(alice.user_id, new(20 * MB))
    assert signed_headers(plain.url or "") == ["content-length", "host"]
    assert signed_headers(typed.url or "") == ["content-length", "content-type", "host"]
    assert (plain.headers, typed.headers) == ({}, {"Content-Type": "image/jpeg"})
    assert all(signed_headers(part.url) == ["content-length", "host"] for part in parts.parts)


def test_encryption_is_asked_for_and_the_storage_class_is_not(
    alice: Person, s3_env: Callable[..., None]
) -> None:
    s3_env(IMGAPP_S3_SSE="AES256", IMGAPP_S3_STORAGE_CLASS="STANDARD_IA")
    small = s3_uploads.begin(alice.user_id, new(5))
    assert small.headers == {"x-amz-server-side-encryption": "AES256"}
    send(small, b"hello")
    found = bucket_client().head_object(Bucket=BUCKET, Key=objects()[0])
    assert (found["ServerSideEncryption"], found.get("StorageClass")) == ("AES256", None)


def test_clients_are_sent_to_the_public_endpoint(
    alice: Person, s3_env: Callable[..., None]
) -> None:
    s3_env(IMGAPP_S3_PUBLIC_ENDPOINT="https://pictures.example.org")
    begun = s3_uploads.begin(alice.user_id, new())
    assert (begun.url or "").startswith(f"https://pictures.example.org/{BUCKET}/incoming/")


def test_the_disk_takes_none(alice: Person) -> None:
    with pytest.raises(Conflict, match="POST /api/upload") as refusal:
        s3_uploads.begin(alice.user_id, new())
    assert refusal.value.code == "direct_uploads_unavailable"


def test_what_is_too_large_is_not_promised(alice: Person, s3_env: None) -> None:
    with pytest.raises(FileTooLarge, match="50 MB"):
        s3_uploads.begin(alice.user_id, new(50 * MB + 1))
    assert upload_count(alice) == 0


def upload_count(person: Person) -> int:
    from sqlalchemy import func, select

    from imgapp.adapters import db
    from imgapp.models import DirectUpload

    with db.transaction(person.user_id) as session:
        return int(session.execute(select(func.count()).select_from(DirectUpload)).scalar_one())


def test_what_was_promised_counts_as_if_it_were_there(
    alice: Person, mallory: Person, s3_env: Callable[..., None]
) -> None:
    s3_env(IMGAPP_QUOTA_GB="0.000003")  # 3,000 bytes
    first = s3_uploads.begin(alice.user_id, new(2000))
    with pytest.raises(QuotaExceeded):
        s3_uploads.begin(alice.user_id, new(2000))
    s3_uploads.begin(mallory.user_id, new(2000))
    s3_uploads.cancel(alice.user_id, first.id)
    s3_uploads.begin(alice.user_id, new(2000))


def test_so_many_may_be_open_and_no_more(
    alice: Person, mallory: Person, s3_env: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_uploads, "MOST_OPEN", 2)
    first, _ = (s3_uploads.begin(alice.user_id, new()) for _ in range(2))
    with pytest.raises(Conflict) as refusal:
        s3_uploads.begin(alice.user_id, new())
    assert refusal.value.code == "too_many_uploads"
    s3_uploads.begin(mallory.user_id, new())
    let_expire(alice.user_id, first.id)
    s3_uploads.begin(alice.user_id, new())


def test_a_store_that_does_not_answer_leaves_no_promise(
    alice: Person, s3_env: Callable[..., None]
) -> None:
    s3_env(AWS_ENDPOINT_URL_S3="http://127.0.0.1:9", IMGAPP_S3_BUCKET="elsewhere")
    with pytest.raises(StoreUnavailable):
        s3_uploads.begin(alice.user_id, new(20 * MB))
    assert upload_count(alice) == 0


def test_the_status_says_what_is_missing(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new(17 * MB))
    put(begun.parts[1].url, bytes(8 * MB), begun.headers)
    status = s3_uploads.get_upload(alice.user_id, begun.id)
    assert status.state == UploadState.OPEN
    assert [part.arrived for part in status.parts] == [False, True, False]
    assert [part.size for part in status.parts] == [8 * MB, 8 * MB, MB]


def test_a_part_of_another_length_has_not_arrived(alice: Person, s3_env: None) -> None:
    # The test server checks no signatures; others refuse it at once.
    begun = s3_uploads.begin(alice.user_id, new(17 * MB))
    put(begun.parts[2].url, bytes(5), begun.headers)
    status = s3_uploads.get_upload(alice.user_id, begun.id)
    assert [part.arrived for part in status.parts] == [False, False, False]


def test_the_status_of_a_single_request(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new(5))
    before = s3_uploads.get_upload(alice.user_id, begun.id)
    assert (before.part_size, [part.arrived for part in before.parts]) == (None, [False])
    send(begun, b"hello")
    after = s3_uploads.get_upload(alice.user_id, begun.id)
    assert [(part.number, part.size, part.arrived) for part in after.parts] == [(1, 5, True)]


def test_parts_are_asked_for_again_and_belong_to_the_same_upload(
    alice: Person, s3_env: None
) -> None:
    begun = s3_uploads.begin(alice.user_id, new(17 * MB))
    again = s3_uploads.request_parts(alice.user_id, begun.id, [3, 1, 3])
    assert [part.number for part in again.parts] == [1, 3]
    put(again.parts[0].url, bytes(8 * MB), again.headers)
    status = s3_uploads.get_upload(alice.user_id, begun.id)
    assert [part.arrived for part in status.parts] == [True, False, False]
    assert len(unfinished_uploads()) == 1


def test_a_single_request_is_asked_for_again(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new(5))
    again = s3_uploads.request_parts(alice.user_id, begun.id, [1])
    send(again, b"hello")
    assert s3_uploads.get_upload(alice.user_id, begun.id).parts[0].arrived


def test_there_are_no_other_parts(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new(17 * MB))
    with pytest.raises(InvalidRequest, match="3 parts"):
        s3_uploads.request_parts(alice.user_id, begun.id, [1, 4])


def test_links_end_with_the_upload(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new())
    from datetime import timedelta

    from imgapp.models import now
    from tests.support.direct import change_upload

    change_upload(alice.user_id, begun.id, expires_at=now() + timedelta(seconds=90))
    again = s3_uploads.request_parts(alice.user_id, begun.id, [1])
    seconds = int(parse_qs(urlsplit(again.url or "").query)["X-Amz-Expires"][0])
    assert 60 < seconds <= 90
    assert again.urls_expire_at <= again.expires_at


def test_what_was_cancelled_leaves_nothing(alice: Person, s3_env: None) -> None:
    small = s3_uploads.begin(alice.user_id, new(5))
    send(small, b"hello")
    large = s3_uploads.begin(alice.user_id, new(17 * MB))
    put(large.parts[0].url, bytes(8 * MB), {})
    for begun in (small, large):
        s3_uploads.cancel(alice.user_id, begun.id)
        with pytest.raises(NotFound):
            s3_uploads.get_upload(alice.user_id, begun.id)
    assert (objects(), unfinished_uploads()) == ([], [])
    answer = httpx.put(large.parts[1].url, content=bytes(8 * MB))
    assert answer.is_error


def test_what_is_being_saved_is_not_cancelled(alice: Person, s3_env: None) -> None:
    from imgapp.models import now
    from tests.support.direct import change_upload

    begun = s3_uploads.begin(alice.user_id, new(5))
    change_upload(
        alice.user_id, begun.id, state="saving", lease_id=new_id(), lease_expires_at=now()
    )
    with pytest.raises(Conflict) as refusal:
        s3_uploads.cancel(alice.user_id, begun.id)
    assert refusal.value.code == "upload_being_saved"
    assert upload_row(alice.user_id, begun.id) is not None


def test_an_expired_upload_is_not_found(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(alice.user_id, new())
    let_expire(alice.user_id, begun.id)
    with pytest.raises(NotFound):
        s3_uploads.request_parts(alice.user_id, begun.id, [1])


def test_somebody_elses_upload_is_a_missing_one(
    alice: Person, mallory: Person, s3_env: None
) -> None:
    begun = s3_uploads.begin(alice.user_id, new(5))
    for call in (
        lambda: s3_uploads.get_upload(mallory.user_id, begun.id),
        lambda: s3_uploads.request_parts(mallory.user_id, begun.id, [1]),
        lambda: s3_uploads.cancel(mallory.user_id, begun.id),
    ):
        with pytest.raises(NotFound):
            call()
    send(begun, b"hello")
    assert s3_uploads.get_upload(alice.user_id, begun.id).parts[0].arrived


def test_a_name_from_a_stranger_is_made_harmless(alice: Person, s3_env: None) -> None:
    begun = s3_uploads.begin(
        alice.user_id, NewUpload(filename="../../etc/pass\0wd\u202egpj.exe", size=5)
    )
    shown = s3_uploads.get_upload(alice.user_id, begun.id).filename
    assert not set(shown) & {"/", "\0", "\u202e"}
    assert objects() == []
    send(begun, b"hello")
    assert objects() == [f"incoming/{alice.user_id}/{begun.id}"]


def test_a_store_without_such_a_place_says_so() -> None:
    assert get_store().incoming is None
