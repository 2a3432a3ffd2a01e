"""The place of the bucket that clients write to, spoken to over HTTP."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from imgapp.adapters.storage import get_store
from imgapp.adapters.storage.presigned_uploads import Incoming
from imgapp.adapters.storage.upload_schemas import ArrivedObject, IncomingObject
from imgapp.errors import NotFound, StoreUnavailable
from tests.support.buckets import BUCKET, bucket_client, objects, unfinished_uploads

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


def fetch(incoming: Incoming, size: int) -> tuple[ArrivedObject, bytes]:
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
    incoming.discard([IncomingObject(KEY)])
    assert not incoming.adopt(KEY, arrived, TARGET, "image/jpeg")


def test_what_is_discarded_leaves_nothing(incoming: Incoming) -> None:
    put(incoming, b"picture")
    multipart_id = incoming.begin_parts("incoming/u/j")
    places = [IncomingObject(KEY), IncomingObject("incoming/u/j", multipart_id)]
    incoming.discard(places)
    incoming.discard(places)
    incoming.discard([])
    assert (objects(), unfinished_uploads()) == ([], [])


def test_what_is_left_over_is_found_when_it_is_old_enough(incoming: Incoming) -> None:
    put(incoming, b"picture")
    bucket_client().put_object(Bucket=BUCKET, Key=TARGET, Body=b"x")
    assert list(incoming.left_overs(timedelta(seconds=-60))) == [IncomingObject(KEY)]
    assert list(incoming.left_overs(timedelta(hours=1))) == []


def test_a_store_that_does_not_answer_is_unavailable(s3_env: Callable[..., None]) -> None:
    s3_env(AWS_ENDPOINT_URL_S3="http://127.0.0.1:9", IMGAPP_S3_BUCKET="unreachable")
    incoming = get_store().incoming
    assert incoming is not None
    for call in (
        lambda: incoming.begin_parts(KEY),
        lambda: incoming.size_of(KEY),
        lambda: incoming.discard([IncomingObject(KEY)]),
        lambda: list(incoming.left_overs(timedelta())),
    ):
        with pytest.raises(StoreUnavailable):
            call()


def as_a_server_signs(url: str, headers: dict[str, str], secret: str = "secret") -> str:
    """The signature that a server computes for a PUT with these headers.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query.pop("X-Amz-Signature")
    values = {name.lower(): value for name, value in headers.items()} | {"host": parts.netloc}
    names = query["X-Amz-SignedHeaders"].split(";")
    canonical = "\n".join(
        [
            "PUT",
            parts.path,
            "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items())),
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            "UNSIGNED-PAYLOAD",
        ]
    )
    _, *scope = query["X-Amz-Credential"].split("/")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], "/".join(scope), digest])
    key = f"AWS4{secret}".encode()
    for word in scope:
        key = hmac.digest(key, word.encode(), hashlib.sha256)
    return hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()


def signature(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))["X-Amz-Signature"]


@pytest.mark.parametrize("options", [{}, {"IMGAPP_S3_SSE": "AES256"}], ids=["plain", "encrypted"])
def test_a_server_that_checks_signatures_takes_exactly_what_was_promised(
    options: dict[str, str], s3_env: Callable[..., None]
) -> None:
    s3_env(**options)
    incoming = get_store().incoming
    assert incoming is not None
    url, headers = incoming.put_request(KEY, 7, "image/jpeg", 60)
    as_sent = {**headers, "Content-Length": "7"}
    assert as_a_server_signs(url, as_sent) == signature(url)
    for name in as_sent:
        other = as_sent | {name: "8"}
        assert as_a_server_signs(url, other) != signature(url), f"{name} is not bound"
    part = incoming.part_request(KEY, "an id/+=", 3, 7, 60)
    assert as_a_server_signs(part, {"content-length": "7"}) == signature(part)
    assert as_a_server_signs(part, {"content-length": "8"}) != signature(part)
    moved = part.replace("partNumber=3", "partNumber=4")
    assert as_a_server_signs(moved, {"content-length": "7"}) != signature(part)
