"""What is deleted in a bucket is gone, or the deletion fails: whatever the server makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import Message
from pathlib import Path

import httpx
import pytest

from imgapp.adapters.storage import get_store, s3
from imgapp.adapters.storage.upload_schemas import IncomingObject
from imgapp.errors import StoreUnavailable
from tests.support import swift
from tests.support.buckets import BUCKET, Gate, bucket_client, objects, refusal, unfinished_uploads

FOLDER = "users/u/images/i/"
KEYS = [f"{FOLDER}{name}" for name in ("a & b.jpg", "_preview.webp", "写真.jpg")]
NOTHING_CONFIRMED = b"<DeleteResult></DeleteResult>"


@pytest.fixture
def stored(s3_env: object) -> None:
    for key in KEYS:
        bucket_client().put_object(Bucket=BUCKET, Key=key, Body=b"picture")


def is_for_many(command: str, path: str) -> bool:
    return command == "POST" and path.endswith("?delete")


def only_with_md5(command: str, path: str, headers: Message) -> httpx.Response | None:
    """As OpenStack Swift 2.30.1 does, which knows no other checksum."""
    if is_for_many(command, path) and "Content-MD5" not in headers:
        return refusal("InvalidRequest", 400)
    return None


def answering_many(status: int, content: bytes) -> Callable[..., httpx.Response | None]:
    """Another answer to the request that deletes many, which is not obeyed."""

    def answer(command: str, path: str, _: Message) -> httpx.Response | None:
        return httpx.Response(status, content=content) if is_for_many(command, path) else None

    return answer


def test_a_server_that_knows_no_checksum_but_md5_deletes(gate: Gate, stored: None) -> None:
    gate.instead = only_with_md5
    s3.S3Store(BUCKET).delete_prefix(FOLDER)
    assert objects() == []
    assert [method for method, path in gate.seen if method == "DELETE"] == [], "one by one"


@pytest.mark.parametrize(
    "answer",
    [
        answering_many(501, refusal("NotImplemented").content),
        answering_many(405, refusal("MethodNotAllowed").content),
        answering_many(400, refusal("InvalidRequest").content),
        answering_many(200, NOTHING_CONFIRMED),
    ],
    ids=["not-implemented", "not-allowed", "invalid", "nothing-confirmed"],
)
def test_what_is_not_confirmed_is_deleted_one_by_one(
    gate: Gate, stored: None, answer: Callable[..., httpx.Response | None]
) -> None:
    gate.instead = answer
    s3.S3Store(BUCKET).delete_prefix(FOLDER)
    assert objects() == []


def test_a_file_that_the_server_keeps_fails_the_deletion(gate: Gate, stored: None) -> None:
    kept = f"<DeleteResult><Error><Key>{KEYS[1]}</Key><Code>AccessDenied</Code></Error>"
    many = answering_many(200, f"{kept}</DeleteResult>".encode())

    def answer(command: str, path: str, headers: Message) -> httpx.Response | None:
        return refusal("AccessDenied") if command == "DELETE" else many(command, path, headers)

    gate.instead = answer
    with pytest.raises(StoreUnavailable, match="may not use the bucket"):
        s3.S3Store(BUCKET).delete_prefix(FOLDER)


def test_what_is_discarded_is_gone_or_the_call_fails(gate: Gate) -> None:
    bucket_client().put_object(Bucket=BUCKET, Key="incoming/u/i", Body=b"x")
    incoming = get_store().incoming
    assert incoming is not None
    many = answering_many(200, NOTHING_CONFIRMED)
    gate.instead = lambda command, path, headers: (
        refusal("AccessDenied") if command == "DELETE" else many(command, path, headers)
    )
    with pytest.raises(StoreUnavailable):
        incoming.discard([IncomingObject("incoming/u/i")])
    gate.instead = many
    incoming.discard([IncomingObject("incoming/u/i")])
    assert objects() == []


def test_doctor_says_that_what_is_deleted_stays(gate: Gate) -> None:
    gate.instead = lambda command, path, _: (
        refusal("AccessDenied") if command == "DELETE" or is_for_many(command, path) else None
    )
    assert s3.S3Store(BUCKET).faults() == [
        "A file cannot be deleted, so that what people delete for good stays: The access key may"
        " not use the bucket pictures"
    ]


def test_doctor_looks_whether_it_is_gone(gate: Gate) -> None:
    def pretend(command: str, path: str, _: Message) -> httpx.Response | None:
        if is_for_many(command, path):
            return httpx.Response(200, content=NOTHING_CONFIRMED)
        return httpx.Response(204) if command == "DELETE" else None

    gate.instead = pretend
    [fault] = s3.S3Store(BUCKET).faults()
    assert fault.endswith("what people delete for good stays: The server says that it is gone")


# The real one


@pytest.fixture
def swift_env(tmp_path: Path, s3_env: Callable[..., None]) -> Iterator[None]:
    if reason := swift.missing():
        pytest.skip(reason)
    with swift.swift(tmp_path) as url:
        s3_env(
            AWS_ENDPOINT_URL_S3=url,
            AWS_ACCESS_KEY_ID=swift.KEY,
            AWS_SECRET_ACCESS_KEY=swift.SECRET,
        )
        bucket_client().create_bucket(Bucket=BUCKET)
        yield


@pytest.mark.long
def test_openstack_swift_deletes_for_good(swift_env: None, tmp_path: Path) -> None:
    """In one test, as the servers take some seconds to start."""
    store = get_store()
    store.check()
    assert store.faults() == []
    for key in KEYS:
        (tmp_path / "file").write_bytes(b"picture")
        store.put(key, tmp_path / "file", "image/jpeg")
    begun = bucket_client().create_multipart_upload(Bucket=BUCKET, Key=f"{FOLDER}large.jpg")
    assert begun["UploadId"]
    assert objects() == sorted(KEYS)
    store.delete_prefix(FOLDER)
    assert (objects(), unfinished_uploads()) == ([], [])
    incoming = store.incoming
    assert incoming is not None
    url, headers = incoming.put_request("incoming/u/i", 3, "image/jpeg", 60)
    httpx.put(url, content=b"abc", headers=headers).raise_for_status()
    [found] = incoming.left_overs(timedelta(seconds=-60))
    incoming.discard([found])
    assert objects() == []
