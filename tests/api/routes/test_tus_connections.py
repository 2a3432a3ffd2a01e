"""`/api/tus` when connections break: what arrived is kept, and one request writes at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from imgapp.api.http import tus_bodies
from imgapp.api.routes import tus
from imgapp.services.accounts import tokens
from imgapp.services.library import images
from imgapp.services.uploads import tus_uploads
from imgapp.services.uploads.tus_uploads import Upload
from imgapp.settings import get_settings
from tests.conftest import ORIGIN, Person, shared_api

Message = dict[str, Any]


def piece(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


async def call(
    person: Person, method: str, path: str, pieces: AsyncIterator[Message], **headers: str
) -> list[Message]:
    """Send ASGI messages as they come; what the application answers."""
    token = tokens.create_token(person.user_id, "slow").token
    sent = {
        "host": ORIGIN.removeprefix("http://"),
        "authorization": f"Bearer {token}",
        "tus-resumable": "1.0.0",
        "content-type": "application/offset+octet-stream",
    }
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 50_000),
        "headers": [(name.encode(), value.encode()) for name, value in (sent | headers).items()],
    }
    answers: list[Message] = []

    async def receive() -> Message:
        return await anext(pieces)

    async def send(message: Any) -> None:
        answers.append(message)

    await shared_api()(scope, receive, send)
    return answers


async def patch(upload: Upload, person: Person, offset: int, *messages: Message) -> list[Message]:
    """Append what the messages carry; after the last one, silence."""

    async def pieces() -> AsyncIterator[Message]:
        for message in messages:
            yield message
        await asyncio.Event().wait()

    path = f"/api/tus/{upload.id}"
    return await call(person, "PATCH", path, pieces(), **{"upload-offset": str(offset)})


async def head(upload: Upload, person: Person) -> dict[bytes, bytes]:
    async def pieces() -> AsyncIterator[Message]:
        yield piece(b"", more=False)

    answers = await call(person, "HEAD", f"/api/tus/{upload.id}", pieces())
    return dict(answers[0]["headers"]) | {b":status": str(answers[0]["status"]).encode()}


async def written_by_somebody(upload: Upload) -> None:
    while (receiver := tus_uploads.try_to_receive(upload)) is not None:
        receiver.close()
        await asyncio.sleep(0.05)


@pytest.fixture
def upload(alice: Person) -> Upload:
    return tus_uploads.create(alice.user_id, "a.jpg", 1_000_000)


async def test_what_arrived_before_the_connection_broke_is_kept(
    alice: Person, upload: Upload
) -> None:
    await patch(
        upload, alice, 0, piece(b"a" * 300_000), piece(b"b" * 7), {"type": "http.disconnect"}
    )
    assert (await head(upload, alice))[b"upload-offset"] == b"300007"
    await patch(upload, alice, 300_007, piece(b"c"), {"type": "http.disconnect"})
    assert upload.part.read_bytes()[-3:] == b"bbc"


async def test_a_client_that_stands_still_is_given_up_and_what_it_sent_is_kept(
    alice: Person, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus_bodies, "IDLE_SECONDS", 0.2)
    answers = await patch(upload, alice, 0, piece(b"12345"))
    assert answers[0]["status"] == 408
    assert upload.part.read_bytes() == b"12345"


async def test_a_client_that_comes_back_ends_the_request_that_still_looks_alive(
    alice: Person, upload: Upload
) -> None:
    stuck = asyncio.create_task(patch(upload, alice, 0, piece(b"12345")))
    await written_by_somebody(upload)
    came_back = await asyncio.wait_for(head(upload, alice), 8)
    assert (came_back[b":status"], came_back[b"upload-offset"]) == (b"200", b"5")
    assert (await asyncio.wait_for(stuck, 8))[0]["status"] == 423
    going_on = await patch(upload, alice, 5, piece(b"6"), {"type": "http.disconnect"})
    assert going_on == []
    assert upload.part.read_bytes() == b"123456"


async def test_of_two_that_send_the_same_bytes_one_is_told_to_wait(
    alice: Person, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus, "PATIENCE_SECONDS", 0.3)
    first = asyncio.create_task(patch(upload, alice, 0, piece(b"12345")))
    await written_by_somebody(upload)
    second = await patch(upload, alice, 0, piece(b"12345", more=False))
    assert second[0]["status"] in (409, 423)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert upload.part.read_bytes() in (b"", b"12345")


async def test_many_at_once_write_every_byte_once(
    alice: Person, picture_file: Callable[..., Path]
) -> None:
    data = picture_file().read_bytes()
    upload = tus_uploads.create(alice.user_id, "a.jpg", len(data))
    answers = await asyncio.gather(
        *(patch(upload, alice, 0, piece(data, more=False)) for _ in range(4))
    )
    statuses = sorted(answer[0]["status"] for answer in answers)
    assert statuses == [204, 409, 409, 409]
    assert images.count_images(alice.user_id) == 1


async def test_an_announcement_whose_bytes_never_came_leaves_nothing(alice: Person) -> None:
    async def pieces() -> AsyncIterator[Message]:
        yield piece(b"12345")
        yield {"type": "http.disconnect"}

    await call(alice, "POST", "/api/tus", pieces(), **{"upload-length": "10"})
    assert list((get_settings().uploads_dir / str(alice.user_id)).glob("*")) == []
