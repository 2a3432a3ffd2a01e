"""`/api/tus`: uploads in pieces, as clients of the protocol use it, and as they misuse it."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.testclient import TestClient

from imgapp.api.routes import tus
from imgapp.models import Scope, new_id
from imgapp.services.accounts import administration, tokens
from imgapp.services.uploads import tus_completion, tus_uploads
from imgapp.settings import get_settings
from tests.conftest import Person

Client = Callable[..., TestClient]
VERSION = {"tus-resumable": "1.0.0"}
BYTES = {**VERSION, "content-type": "application/offset+octet-stream"}
WITH_ANSWER = {"prefer": "return=representation"}


def metadata(name: str) -> str:
    return f"filename {base64.b64encode(name.encode()).decode()}"


def create(client: TestClient, size: int, name: str = "a.jpg", **more: str) -> httpx.Response:
    headers = {**VERSION, "upload-length": str(size), "upload-metadata": metadata(name), **more}
    return client.post("/api/tus", headers=headers)


def address(client: TestClient, size: int, name: str = "a.jpg") -> str:
    answer = create(client, size, name)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def send(client: TestClient, where: str, data: bytes, offset: int, **more: str) -> httpx.Response:
    headers = {**BYTES, "upload-offset": str(offset), **more}
    return client.patch(where, content=data, headers=headers)


def at_once(client: TestClient, data: bytes, name: str = "a.jpg") -> httpx.Response:
    headers = {**BYTES, "upload-length": str(len(data)), "upload-metadata": metadata(name)}
    return client.post("/api/tus", content=data, headers=headers)


def files_of(person: Person) -> list[str]:
    folder = get_settings().uploads_dir / str(person.user_id)
    return sorted(path.suffix for path in folder.glob("*"))


def upload_of(person: Person, where: str) -> tus_uploads.Upload:
    return tus_uploads.fetch(person.user_id, UUID(where.rsplit("/", 1)[-1]))


def let_time_pass(person: Person, seconds: float) -> None:
    """As if nothing had been heard of the person's uploads for so long."""
    then = time.time() - seconds
    for path in (get_settings().uploads_dir / str(person.user_id)).glob("*"):
        os.utime(path, (then, then))


def test_a_picture_comes_in_pieces(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    where = address(client, len(data), "harbour.jpg")
    first = send(client, where, data[:100], 0)
    assert first.status_code == 204
    assert first.headers["upload-offset"] == "100"
    assert first.headers["upload-expires"].endswith(" GMT")
    head = client.head(where, headers=VERSION)
    assert head.status_code == 200
    assert head.headers["upload-offset"] == "100"
    assert head.headers["upload-length"] == str(len(data))
    assert head.headers["upload-metadata"] == metadata("harbour.jpg")
    assert head.headers["cache-control"] == "no-store"
    assert client.get(where).json() == {"images": [], "rejected": []}
    last = send(client, where, data[100:], 100)
    assert last.status_code == 204
    assert last.content == b""
    image = client.get(where).json()["images"][0]
    assert image["filename"] == "harbour.jpg"
    assert image["duplicate"] is False
    assert client.get(image["urls"]["original"]).content == data
    assert files_of(alice) == [".json"]
    assert list(get_settings().spool_dir.glob("*")) == []


def test_a_small_picture_comes_with_its_announcement(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    answer = at_once(client, data, "ui.gallery.live_bridge.jpg")
    assert answer.status_code == 201
    assert answer.headers["upload-offset"] == str(len(data))
    assert answer.json()["images"][0]["filename"] == "ui.gallery.live_bridge.jpg"
    assert client.head(answer.headers["location"], headers=VERSION).status_code == 200
    again = at_once(client, data).json()["images"][0]
    assert again["duplicate"] is True
    assert again["id"] == answer.json()["images"][0]["id"]


def test_what_comes_whole_with_its_announcement_is_kept_nowhere_meanwhile(
    alice: Person,
    client_for: Client,
    picture_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    monkeypatch.setattr(tus_uploads, "create", None)
    answer = at_once(client, data)
    refused = at_once(client, b"no picture")
    assert (answer.status_code, refused.status_code) == (201, 422)
    assert client.get(answer.headers["location"]).json() == answer.json()
    assert refused.json()["rejected"][0]["code"] == "not_an_image"
    assert list(get_settings().uploads_dir.glob("*/*.part")) == []
    assert list(get_settings().spool_dir.glob("*")) == []
    with monkeypatch.context() as patch:
        patch.setattr(tus_completion, "ingest", _store_is_away)
        assert at_once(client, data + b"2").status_code == 503
    assert len(list(get_settings().uploads_dir.glob("*/*"))) == 2, "nobody learnt of the third"


def test_the_last_bytes_are_answered_with_the_picture_if_the_client_prefers(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    where = address(client, len(data))
    answer = send(client, where, data, 0, **WITH_ANSWER)
    assert answer.status_code == 200
    assert answer.json()["images"][0]["file_size"] == len(data)
    lost = send(client, where, b"", len(data), **WITH_ANSWER)
    assert lost.json() == answer.json(), "the answer was lost: it is told again"


def test_part_of_a_picture_may_come_with_its_announcement(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    headers = {**BYTES, "upload-length": str(len(data)), "upload-metadata": metadata("a.jpg")}
    begun = client.post("/api/tus", content=data[:10], headers=headers)
    assert begun.status_code == 201
    assert begun.headers["upload-offset"] == "10"
    assert send(client, begun.headers["location"], data[10:], 10).status_code == 204


def test_what_is_no_picture_says_why_as_often_as_it_is_asked(
    alice: Person, client_for: Client
) -> None:
    client = client_for(alice)
    where = address(client, 5, "notes.jpg")
    answer = send(client, where, b"words", 0)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["images"]) == ("rejected", [])
    assert problem["rejected"][0]["code"] == "not_an_image"
    assert problem["rejected"][0]["filename"] == "notes.jpg"
    assert client.get(where).json()["rejected"] == problem["rejected"]
    assert client.head(where, headers=VERSION).headers["upload-offset"] == "5"
    assert at_once(client, b"words").json()["rejected"][0]["code"] == "not_an_image"
    assert create(client, 0).json()["rejected"][0]["code"] == "empty_file"


def test_an_offset_that_is_not_the_servers_changes_nothing(
    alice: Person, client_for: Client
) -> None:
    client = client_for(alice)
    where = address(client, 10)
    send(client, where, b"12345", 0)
    for offset in (0, 4, 6, 10):
        answer = send(client, where, b"x", offset)
        assert answer.status_code == 409
        assert answer.json()["code"] == "offset_mismatch"
        assert answer.headers["upload-offset"] == "5"
    assert upload_of(alice, where).part.read_bytes() == b"12345"


def test_another_version_is_refused_and_ours_is_named(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    where = address(client, 10)
    for headers in ({}, {"tus-resumable": "0.2.2"}):
        for method, url in (
            ("POST", "/api/tus"),
            ("HEAD", where),
            ("PATCH", where),
            ("DELETE", where),
        ):
            answer = client.request(method, url, headers=headers)
            assert answer.status_code == 412, method
            assert answer.headers["tus-version"] == "1.0.0"
    assert client.head(where, headers=VERSION).status_code == 200


def test_what_the_server_can_is_told_to_who_asks(alice: Person, client_for: Client) -> None:
    for where in ("/api/tus", f"/api/tus/{new_id()}"):
        answer = client_for(alice).options(where)
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert set(answer.headers["tus-extension"].split(",")) == {
            "creation", "creation-with-upload", "termination", "expiration",
        }  # fmt: skip
        assert answer.headers["tus-max-size"] == str(get_settings().max_upload_bytes)


def test_what_is_too_large_is_refused_before_it_is_sent(
    alice: Person, client_for: Client, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    client = client_for(alice)
    answer = create(client, 1024 * 1024 + 1)
    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.json()["detail"]
    where = address(client, 10)
    assert send(client, where, b"12345678901", 0).status_code == 413
    chunked = client.patch(
        where, content=iter([b"123456", b"78901"]), headers={**BYTES, "upload-offset": "0"}
    )
    assert chunked.status_code == 413
    assert upload_of(alice, where).part.stat().st_size <= 10


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"upload-length": ""}, 400),
        ({"upload-length": "-1"}, 400),
        ({"upload-length": "ten"}, 400),
        ({"upload-length": "٣"}, 400),
        ({"upload-length": "9" * 400}, 400),
        ({"upload-metadata": "filename !!!"}, 400),
        ({"upload-metadata": "filename /w=="}, 400),
        ({"upload-metadata": f"filename {'QUFB' * 2000}"}, 400),
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(
    alice: Person, client_for: Client, headers: dict[str, str], status: int
) -> None:
    sent: dict[str, Any] = {
        key: value.encode() for key, value in ({**VERSION, "upload-length": "1"} | headers).items()
    }
    answer = client_for(alice).post("/api/tus", headers=sent)
    assert answer.status_code == status
    assert files_of(alice) == []


def test_bytes_of_another_type_or_without_an_offset_are_refused(
    alice: Person, client_for: Client
) -> None:
    client = client_for(alice)
    where = address(client, 10)
    for headers in ({}, {"content-type": "image/jpeg"}, {"content-encoding": "gzip"}):
        sent = {**(BYTES if "content-encoding" in headers else VERSION), "upload-offset": "0"}
        assert client.patch(where, content=b"x", headers=sent | headers).status_code == 415
    assert client.patch(where, content=b"x", headers=BYTES).status_code == 400
    assert upload_of(alice, where).part.stat().st_size == 0


@pytest.mark.parametrize("method", ["HEAD", "GET", "PATCH", "DELETE"])
def test_somebody_elses_upload_looks_like_a_missing_one(
    alice: Person, mallory: Person, client_for: Client, method: str
) -> None:
    where = address(client_for(alice), 10)
    upload = upload_of(alice, where)
    other = client_for(mallory)
    headers = {**BYTES, "upload-offset": "0", "x-request-id": "same"}

    def answer(url: str) -> tuple[object, ...]:
        said = other.request(method, url, headers=headers, content=b"x")
        return said.status_code, said.headers.items(), said.text.replace(url, "URL")

    assert answer(where) == answer(f"/api/tus/{new_id()}")
    assert answer(where)[0] == 404
    assert upload.part.stat().st_size == 0


def test_nobody_is_asked_anything_before_they_sign_in(client_for: Client) -> None:
    stranger = client_for(None)
    for method, url in (
        ("POST", "/api/tus"),
        ("HEAD", f"/api/tus/{new_id()}"),
        ("PATCH", f"/api/tus/{new_id()}"),
    ):
        for headers in ({}, BYTES, {"tus-resumable": "0.1"}):
            answer = stranger.request(method, url, headers=headers)
            assert answer.status_code == 401


def test_another_sites_page_sends_nothing(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    where = address(client, 10)
    evil = {"origin": "https://evil.example"}
    assert create(client, 10, origin="https://evil.example").status_code == 403
    assert send(client, where, b"x", 0, **evil).status_code == 403
    assert client.delete(where, headers={**VERSION, **evil}).status_code == 403
    assert upload_of(alice, where).part.stat().st_size == 0


def test_a_page_does_not_go_on_as_whoever_signed_in_since(
    alice: Person, mallory: Person, client_for: Client
) -> None:
    later = client_for(mallory)
    hers, his = ({"imgapp-person": str(one.user_id)} for one in (alice, mallory))
    assert create(later, 10, **hers).status_code == 401
    assert create(later, 10, **his).status_code == 201
    assert files_of(alice) == []


def test_a_token_needs_the_scope_to_write(alice: Person, client_for: Client) -> None:
    client = client_for(None)
    del client.headers["origin"]
    for scope, status in ((Scope.READ, 403), (Scope.WRITE, 201)):
        token = tokens.create_token(alice.user_id, scope, [scope]).token
        assert create(client, 9, authorization=f"Bearer {token}").status_code == status


def test_an_upload_is_given_up(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    where = address(client, 10)
    send(client, where, b"12345", 0)
    assert client.delete(where, headers=VERSION).status_code == 204
    assert files_of(alice) == []
    assert client.head(where, headers=VERSION).status_code == 404
    assert send(client, where, b"67890", 5).status_code == 404


def test_a_picture_stays_when_the_upload_that_it_was_is_given_up(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client = client_for(alice)
    answer = at_once(client, picture_file().read_bytes())
    assert client.delete(answer.headers["location"], headers=VERSION).status_code == 204
    assert client.get(f"/api/images/{answer.json()['images'][0]['id']}").status_code == 200


def test_an_upload_expires_a_day_after_its_last_byte(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    where = address(client, 10)
    let_time_pass(alice, 23 * 3600)
    send(client, where, b"12345", 0)
    let_time_pass(alice, 23 * 3600)
    assert client.head(where, headers=VERSION).status_code == 200
    assert tus_uploads.sweep() == 0
    let_time_pass(alice, 25 * 3600)
    assert client.head(where, headers=VERSION).status_code == 404
    assert send(client, where, b"67890", 5).status_code == 404
    assert tus_uploads.sweep() >= 1
    assert files_of(alice) == []


def test_what_became_of_an_upload_is_told_for_an_hour(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client = client_for(alice)
    where = at_once(client, picture_file().read_bytes()).headers["location"]
    let_time_pass(alice, 3500)
    assert client.get(where).json()["images"]
    let_time_pass(alice, 3700)
    assert client.get(where).status_code == 404
    tus_uploads.sweep()
    assert files_of(alice) == []


def test_what_nobody_can_read_is_swept_too(alice: Person, client_for: Client) -> None:
    where = address(client_for(alice), 10)
    upload = upload_of(alice, where)
    upload._file("json").write_text("{")
    assert client_for(alice).head(where, headers=VERSION).status_code == 404
    let_time_pass(alice, 25 * 3600)
    assert tus_uploads.sweep() == 2
    assert files_of(alice) == []


def test_a_process_that_was_killed_between_two_requests_loses_nothing(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    data = picture_file().read_bytes()
    where = address(client_for(alice), len(data))
    send(client_for(alice), where, data[:50], 0)
    # Nothing is held in memory: another application goes on.
    other = client_for(alice)
    assert other.head(where, headers=VERSION).headers["upload-offset"] == "50"
    assert send(other, where, data[50:], 50).status_code == 204


def left_whole(person: Person, client: TestClient, data: bytes) -> str:
    """As a process leaves it that is killed after the last byte and before anything else."""
    where = address(client, len(data))
    with upload_of(person, where).part.open("ab") as file:
        file.write(data)
    return where


def test_what_was_left_whole_becomes_a_picture_when_the_client_comes_back(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    where = left_whole(alice, client, data)
    head = client.head(where, headers=VERSION)
    assert head.headers["upload-offset"] == head.headers["upload-length"]
    assert client.get(where).json()["images"][0]["file_size"] == len(data)
    where = left_whole(alice, client, picture_file().read_bytes())
    size = upload_of(alice, where).size
    assert send(client, where, b"", size, **WITH_ANSWER).json()["images"][0]["file_size"] == size


def test_what_was_left_whole_becomes_a_picture_when_nobody_comes_back(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> None:
    client = client_for(alice)
    where = left_whole(alice, client, picture_file().read_bytes())
    assert tus_completion.finish_left_behind() == 0, "the client may be about to"
    let_time_pass(alice, 60)
    assert tus_completion.finish_left_behind() == 1
    assert len(client.get(where).json()["images"]) == 1


def test_while_the_store_is_away_the_bytes_stay(
    alice: Person,
    client_for: Client,
    picture_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, data = client_for(alice), picture_file().read_bytes()
    where = address(client, len(data))
    with monkeypatch.context() as patch:
        patch.setattr(tus_completion, "ingest", _store_is_away)
        answer = send(client, where, data, 0)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert client.head(where, headers=VERSION).headers["upload-offset"] == str(len(data))
    assert send(client, where, b"", len(data)).status_code == 204
    assert len(client.get(where).json()["images"]) == 1


def _store_is_away(_user_id: UUID, spooled: Any, _source: str) -> None:
    from imgapp.errors import StoreUnavailable

    spooled.path.unlink()
    raise StoreUnavailable


def test_only_one_request_writes_at_a_time(
    alice: Person, client_for: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus, "PATIENCE_SECONDS", 0.2)
    client = client_for(alice)
    where = address(client, 10)
    receiver = tus_uploads.try_to_receive(upload_of(alice, where))
    assert receiver is not None
    assert send(client, where, b"12345", 0).status_code == 423
    assert not receiver.is_wanted, "whoever sends waits"
    assert client.head(where, headers=VERSION).status_code == 423
    assert receiver.is_wanted, "whoever asks has lost its connection"
    receiver.close()
    assert client.head(where, headers=VERSION).headers["upload-offset"] == "0"
    assert send(client, where, b"12345", 0).status_code == 204


def test_uploads_that_have_begun_are_counted(
    alice: Person, client_for: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus_uploads, "MOST_OPEN", 2)
    client = client_for(alice)
    first = address(client, 10)
    address(client, 10)
    assert create(client, 10).json()["code"] == "too_many_uploads"
    client.delete(first, headers=VERSION)
    assert create(client, 10).status_code == 201


def test_what_has_no_room_is_refused_before_it_is_sent(
    alice: Person, client_for: Client, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_QUOTA_GB="0.00001")
    client = client_for(alice)
    address(client, 6_000)
    answer = create(client, 6_000)
    assert answer.status_code == 507
    assert answer.json()["code"] == "quota_exceeded"
    assert create(client, 3_000).status_code == 201


def test_uploads_go_with_their_owner(alice: Person, admin: Person, client_for: Client) -> None:
    address(client_for(alice), 10)
    administration.delete_person(admin.user_id, alice.user_id)
    administration.purge_deleted()
    assert files_of(alice) == []
