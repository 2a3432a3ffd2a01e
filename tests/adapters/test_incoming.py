"""The place of the bucket that clients write to, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from imgapp.adapters.storage import get_store
from imgapp.adapters.storage.incoming import Incoming
from imgapp.adapters.storage.places import Arrived, Place
from imgapp.errors import NotFound, StoreUnavailable
from tests.buckets import BUCKET, bucket_client, objects, unfinished_uploads

KEY = "incoming/u/i"
TARGET = "users/u/images/i/photo.jpg"


@pytest.fixture
def incoming(s3_env: None) -> Incoming:
    found = get_store().incoming
    assert found is not None
    return found


def put(incoming: Incoming, data: bytes) -> None:
    url, headers = incoming.put_request(KEY, len(data), None, 60)
    httpx.put(url, content=data, headers=headers).raise_for_status()


def fetch(incoming: Incoming, size: int) -> tuple[Arrived, bytes]:
    pieces: list[bytes] = []
    arrived = incoming.fetch(KEY, size, pieces.append)
    return arrived, b"".join(pieces)


def test_what_was_put_is_fetched(incoming: Incoming) -> None:
    put(incoming, b"picture")
    arrived, data = fetch(incoming, 7)
    assert (arrived.size, data) == (7, b"picture")
    assert incoming.size_of(KEY) == 7


def test_what_has_another_size_is_not_read(incoming: Incoming) -> None:
    put(incoming, b"picture")
    arrived, data = fetch(incoming, 5)
    assert (arrived.size, data) == (7, b"")


def test_what_is_not_there_is_not_found(incoming: Incoming) -> None:
    assert incoming.size_of(KEY) is None
    with pytest.raises(NotFound):
        fetch(incoming, 7)
    assert incoming.arrived_parts(KEY, "nonsense") is None


def test_parts_are_joined(incoming: Incoming) -> None:
    first, last = bytes(5 * 1024 * 1024), b"end"
    multipart_id = incoming.begin_parts(KEY)
    for number, data in ((2, last), (1, first)):
        url = incoming.part_request(KEY, multipart_id, number, len(data), 60)
        httpx.put(url, content=data).raise_for_status()
    parts = incoming.arrived_parts(KEY, multipart_id)
    assert parts is not None
    assert {number: part.size for number, part in parts.items()} == {1: len(first), 2: 3}
    incoming.join_parts(KEY, multipart_id, parts)
    assert fetch(incoming, len(first) + 3)[1] == first + last
    assert incoming.arrived_parts(KEY, multipart_id) is None


def test_the_bytes_that_were_fetched_are_adopted(incoming: Incoming) -> None:
    put(incoming, b"picture")
    arrived, _ = fetch(incoming, 7)
    assert incoming.adopt(KEY, arrived, TARGET, "image/jpeg")
    assert get_store().read(TARGET) == b"picture"
    found = bucket_client().head_object(Bucket=BUCKET, Key=TARGET)
    assert found["ContentType"] == "image/jpeg"


def test_others_are_not(incoming: Incoming) -> None:
    put(incoming, b"picture")
    arrived, _ = fetch(incoming, 7)
    put(incoming, b"another")
    assert not incoming.adopt(KEY, arrived, TARGET, "image/jpeg")
    incoming.discard([Place(KEY)])
    assert not incoming.adopt(KEY, arrived, TARGET, "image/jpeg")


def test_what_is_discarded_leaves_nothing(incoming: Incoming) -> None:
    put(incoming, b"picture")
    multipart_id = incoming.begin_parts("incoming/u/j")
    places = [Place(KEY), Place("incoming/u/j", multipart_id)]
    incoming.discard(places)
    incoming.discard(places)
    incoming.discard([])
    assert (objects(), unfinished_uploads()) == ([], [])


def test_what_is_left_over_is_found_when_it_is_old_enough(incoming: Incoming) -> None:
    put(incoming, b"picture")
    bucket_client().put_object(Bucket=BUCKET, Key=TARGET, Body=b"x")
    assert list(incoming.left_overs(timedelta(seconds=-60))) == [Place(KEY)]
    assert list(incoming.left_overs(timedelta(hours=1))) == []


def test_a_store_that_does_not_answer_is_unavailable(s3_env: Callable[..., None]) -> None:
    s3_env(AWS_ENDPOINT_URL_S3="http://127.0.0.1:9", IMGAPP_S3_BUCKET="unreachable")
    incoming = get_store().incoming
    assert incoming is not None
    for call in (
        lambda: incoming.begin_parts(KEY),
        lambda: incoming.size_of(KEY),
        lambda: incoming.discard([Place(KEY)]),
        lambda: list(incoming.left_overs(timedelta())),
    ):
        with pytest.raises(StoreUnavailable):
            call()
