"""`POST /api/upload` as clients use it, and as they misuse it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from imgapp.api.http import multipart, upload_bodies
from imgapp.api.routes import uploads
from imgapp.models import Scope
from imgapp.services.accounts import tokens
from imgapp.services.library import images
from imgapp.services.storage.spool import SpoolWriter
from imgapp.settings import get_settings
from tests.conftest import ORIGIN, Person, shared_api
from tests.support.pictures import truncated

Client = Callable[..., TestClient]


def left_over() -> list[str]:
    return [path.name for path in get_settings().spool_dir.glob("*")]


def send(client: TestClient, *paths: Path, **headers: str) -> httpx.Response:
    parts = [("files", (path.name, path.read_bytes(), "image/whatever")) for path in paths]
    return client.post("/api/upload", files=parts, headers=headers)


def body(*parts: tuple[bytes, bytes], field: bytes = b"files") -> tuple[bytes, str]:
    """A multipart body with these raw file names."""
    lines = [
        b'--XX\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n\r\n%b\r\n'
        % (field, name, data)
        for name, data in parts
    ]
    return b"".join(lines) + b"--XX--\r\n", "multipart/form-data; boundary=XX"


def test_pictures_are_taken_in(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client = client_for(alice)
    paths = [picture_file("a.jpg"), picture_file("b.png"), picture_file("c.webp")]
    answer = send(client, *paths)
    assert answer.status_code == 202
    assert answer.json()["rejected"] == []
    sent = answer.json()["images"]
    assert [image["filename"] for image in sent] == ["a.jpg", "b.png", "c.webp"]
    assert [image["mime_type"] for image in sent] == ["image/jpeg", "image/png", "image/webp"]
    assert {image["status"] for image in sent} == {"pending"}
    assert {image["duplicate"] for image in sent} == {False}
    for image, path in zip(sent, paths, strict=True):
        assert client.get(image["urls"]["original"]).content == path.read_bytes()
        assert client.get(image["urls"]["thumbnail"]).headers["content-type"] == "image/webp"
    assert left_over() == []


def test_a_duplicate_is_the_existing_picture(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, path = client_for(alice), picture_file()
    first = send(client, path).json()["images"][0]
    client.delete(f"/api/images/{first['id']}")
    again = send(client, path)
    assert again.status_code == 202
    assert again.json()["images"][0]["id"] == first["id"]
    assert again.json()["images"][0]["duplicate"] is True
    assert client.get(f"/api/images/{first['id']}").status_code == 200


def test_a_picture_twice_in_one_request_is_one_picture(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    sent = send(client_for(alice), path, path, path).json()["images"]
    assert len({image["id"] for image in sent}) == 1
    assert [image["duplicate"] for image in sent] == [False, True, True]


def test_the_rest_of_a_batch_goes_on(
    alice: Person,
    client_for: Client,
    picture_file: Callable[..., Path],
    tmp_path: Path,
    set_env: Callable[..., None],
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    large, words, empty = (tmp_path / name for name in ("large.jpg", "words.jpg", "empty.png"))
    large.write_bytes(picture_file().read_bytes() + bytes(1024 * 1024))
    words.write_text("words")
    empty.write_bytes(b"")
    broken = truncated(tmp_path / "broken.jpg")
    answer = send(
        client_for(alice), words, picture_file("a.jpg"), large, broken, picture_file("b.jpg"), empty
    )
    assert answer.status_code == 202
    assert [image["filename"] for image in answer.json()["images"]] == ["a.jpg", "b.jpg"]
    assert [(file["filename"], file["code"]) for file in answer.json()["rejected"]] == [
        ("words.jpg", "not_an_image"),
        ("large.jpg", "too_large"),
        ("broken.jpg", "damaged"),
        ("empty.png", "empty_file"),
    ]
    assert all(file["detail"].endswith(".") for file in answer.json()["rejected"])
    assert left_over() == []


def test_when_all_are_rejected_the_answer_is_a_problem(alice: Person, client_for: Client) -> None:
    content, content_type = body((b"a.jpg", b"words"), (b"b.svg", b"<svg/>"))
    answer = client_for(alice).post(
        "/api/upload", content=content, headers={"content-type": content_type}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["images"], problem["status"]) == ([], 422)
    assert problem["detail"] == "None of the 2 files was accepted."
    assert [file["code"] for file in problem["rejected"]] == ["not_an_image", "unsupported_format"]


def test_who_may_upload(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    assert send(client_for(None), path).status_code == 401
    assert send(client_for(alice), path, origin="https://evil.example").status_code == 403
    for scopes, status in (([Scope.READ], 403), ([Scope.READ, Scope.WRITE], 202)):
        token = tokens.create_token(alice.user_id, "script", scopes=scopes).token
        answer = send(client_for(None), path, authorization=f"Bearer {token}")
        assert answer.status_code == status
    assert left_over() == []


@pytest.mark.parametrize(
    ("content", "content_type", "status", "sentence"),
    [
        (b"x", "application/json", 400, "multipart/form-data"),
        (b"x", "multipart/form-data", 400, "multipart/form-data"),
        (b"x", f"multipart/form-data; boundary={'b' * 300}", 400, "boundary"),
        (b"x", "multipart/form-data; boundary=XX", 400, "not valid"),
        (b"", "multipart/form-data; boundary=XX", 400, "ends before"),
        (b"--XX--\r\n", "multipart/form-data; boundary=XX", 400, "no part named"),
        (body((b"a.jpg", b"x"), field=b"file")[0], body()[1], 400, "no part named `files`"),
        (body((b"a.jpg", b"x"))[0][:-8], body()[1], 400, "ends before"),
        (body(*[(b"a.jpg", b"x")] * 101)[0], body()[1], 400, "At most 100 files"),
        (body(*[(b"a.jpg", b"")] * 201, field=b"x")[0], body()[1], 400, "too many parts"),
        (body((b"a" * 70_000, b"x"))[0], body()[1], 400, "not valid"),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_in_words(
    alice: Person,
    client_for: Client,
    content: bytes,
    content_type: str,
    status: int,
    sentence: str,
) -> None:
    answer = client_for(alice).post(
        "/api/upload", content=content, headers={"content-type": content_type}
    )
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]
    assert left_over() == []


def test_a_compressed_body_is_not_taken(alice: Person, client_for: Client) -> None:
    content, content_type = body((b"a.jpg", b"x"))
    headers = {"content-type": content_type, "content-encoding": "gzip"}
    assert (
        client_for(alice).post("/api/upload", content=content, headers=headers).status_code == 415
    )


def test_a_body_without_end_is_cut_off(
    alice: Person,
    client_for: Client,
    set_env: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    monkeypatch.setattr(uploads, "_MOST_BYTES", 0)
    content, content_type = body((b"a.jpg", bytes(3 * 1024 * 1024)))
    answer = client_for(alice).post(
        "/api/upload", content=content, headers={"content-type": content_type}
    )
    assert answer.status_code == 413
    assert left_over() == []


def test_hostile_file_names_are_made_safe(
    alice: Person, client_for: Client, picture_file: Callable[..., Path], corpus: Path
) -> None:
    client = client_for(alice)
    for name in json.loads((corpus / "hostile" / "filenames.json").read_text()):
        raw = name.encode("utf-8", "surrogatepass")
        escaped = raw.replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        content, content_type = body((escaped, picture_file().read_bytes()))
        answer = client.post("/api/upload", content=content, headers={"content-type": content_type})
        assert answer.status_code == 202, name
        (image,) = answer.json()["images"]
        shown = image["filename"]
        assert 0 < len(shown) <= 255, name
        assert not set(shown) & set("/\\\0\r\n\u202e"), name
        original = client.get(image["urls"]["original"])
        assert original.status_code == 200, name
        assert "\n" not in original.headers["content-disposition"]
    pictures = get_settings().pictures_dir
    outside = [p for p in get_settings().data_dir.rglob("*.jpg") if pictures not in p.parents]
    assert outside == []


# Sent again


def test_the_same_request_again_gets_the_first_answer(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, path = client_for(alice), picture_file()
    first = send(client, path, **{"Idempotency-Key": "abc"})
    again = send(client, path, **{"Idempotency-Key": "abc"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.json()["images"][0]["duplicate"] is False
    assert left_over() == []


def test_a_rejection_is_given_again_too(alice: Person, client_for: Client) -> None:
    content, content_type = body((b"a.jpg", b"words"))
    headers = {"content-type": content_type, "Idempotency-Key": "abc"}
    client = client_for(alice)
    first, again = (client.post("/api/upload", content=content, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (422, 422)
    assert again.json() == first.json()


def test_a_key_is_good_for_one_request_of_one_person(
    alice: Person, mallory: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    path = picture_file()
    send(client_for(alice), path, **{"Idempotency-Key": "abc"})
    other = send(client_for(alice), picture_file(), **{"Idempotency-Key": "abc"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    stranger = send(client_for(mallory), path, **{"Idempotency-Key": "abc"})
    assert stranger.status_code == 202
    assert stranger.json()["images"][0]["duplicate"] is False
    assert images.count_images(alice.user_id) == 1
    assert left_over() == []


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_cannot_be_kept_is_refused(
    alice: Person, client_for: Client, picture_file: Callable[..., Path], key: str
) -> None:
    answer = send(client_for(alice), picture_file(), **{"Idempotency-Key": key})
    assert answer.status_code == 422
    assert images.count_images(alice.user_id) == 0


def test_a_request_that_failed_may_be_sent_again(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, path = client_for(alice), picture_file()
    get_settings().data_dir.mkdir(exist_ok=True)
    get_settings().pictures_dir.write_text("a file where the folder should be")
    assert send(client, path, **{"Idempotency-Key": "abc"}).status_code == 503
    get_settings().pictures_dir.unlink()
    assert send(client, path, **{"Idempotency-Key": "abc"}).status_code == 202


# Clients that go away


async def post_slowly(alice: Person, pieces: AsyncIterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send ASGI messages as they come; what the application answers."""
    token = tokens.create_token(alice.user_id, "slow").token
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/upload",
        "raw_path": b"/api/upload",
        "query_string": b"",
        "root_path": "",
        "server": ("localhost", 8000),
        "client": ("127.0.0.1", 50_000),
        "headers": [
            (b"host", ORIGIN.removeprefix("http://").encode()),
            (b"content-type", body()[1].encode()),
            (b"authorization", f"Bearer {token}".encode()),
        ],
    }
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return await anext(pieces)

    async def send(message: Any) -> None:
        answers.append(message)

    await shared_api()(scope, receive, send)
    return answers


def piece(data: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": data, "more_body": True}


async def test_a_client_that_goes_away_leaves_nothing(
    alice: Person, picture_file: Callable[..., Path]
) -> None:
    content, _ = body((b"a.jpg", picture_file().read_bytes()), (b"b.jpg", bytes(600_000)))
    seen: list[list[str]] = []

    async def pieces() -> AsyncIterator[dict[str, Any]]:
        yield piece(content[:500_000])
        seen.append(left_over())
        yield {"type": "http.disconnect"}

    await post_slowly(alice, pieces())
    assert len(seen[0]) == 2, "nothing was spooled, so nothing was tested"
    assert left_over() == []
    assert images.count_images(alice.user_id) == 0


async def test_a_client_that_stands_still_is_given_up(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_bodies, "IDLE_SECONDS", 0.2)

    async def pieces() -> AsyncIterator[dict[str, Any]]:
        yield piece(body((b"a.jpg", bytes(600_000)))[0][:500_000])
        await asyncio.Event().wait()

    answers = await post_slowly(alice, pieces())
    assert answers[0]["status"] == 408
    assert left_over() == []


async def test_bytes_go_to_the_disk_as_they_come(
    alice: Person, picture_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = 0
    write = SpoolWriter.write

    def watch(self: SpoolWriter, data: bytes) -> None:
        nonlocal longest
        longest = max(longest, len(data))
        write(self, data)

    monkeypatch.setattr(SpoolWriter, "write", watch)
    picture = picture_file().read_bytes()
    content, _ = body((b"a.jpg", picture + bytes(8 * 1024 * 1024)))

    async def pieces() -> AsyncIterator[dict[str, Any]]:
        for at in range(0, len(content), 65_536):
            yield piece(content[at : at + 65_536])
        yield {"type": "http.request", "body": b"", "more_body": False}

    answers = await post_slowly(alice, pieces())
    assert answers[0]["status"] == 202
    assert 0 < longest <= 512 * 1024


def test_the_reader_takes_any_cut(settings_env: pytest.MonkeyPatch) -> None:
    content, content_type = body((b"a.jpg", b"one\r\n--X"), (b"b.jpg", b""), (b"c.jpg", b"\r\n"))
    for cut in range(1, len(content)):
        reader = multipart.FilesReader(content_type)
        reader.feed(content[:cut])
        reader.feed(content[cut:])
        reader.finish()
        assert [file.filename for file in reader.files] == ["a.jpg", "b.jpg", "c.jpg"]
        assert [file.size for file in reader.files] == [8, 0, 2]  # type: ignore[union-attr]
        reader.discard()
    assert left_over() == []
