"""Batches through the API: made, filled by upload and by URL, followed, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from imgapp.models import Priority, Scope, new_id
from imgapp.services.accounts import tokens
from imgapp.services.batches import batches
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.waiting import row_of

Client = Callable[..., TestClient]
Pictures = Callable[..., Path]
URLS = ["https://pictures.example.org/a.jpg", "https://pictures.example.org/b.jpg"]


def send(client: TestClient, batch_id: str, *paths: Path, **headers: str) -> httpx.Response:
    parts = [("files", (path.name, path.read_bytes(), "image/jpeg")) for path in paths]
    return client.post("/api/upload", params={"batch": batch_id}, files=parts, headers=headers)


def make(client: TestClient, **body: Any) -> str:
    answer = client.post("/api/batches", json=body)
    assert answer.status_code == 201
    return str(answer.json()["id"])


def test_a_batch_is_made_followed_and_cancelled(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    made = client.post("/api/batches", json={"name": "Spring", "urls": URLS})
    assert made.status_code == 201
    batch = made.json()
    assert (batch["name"], batch["files"]["waiting"], batch["finished_at"]) == ("Spring", 2, None)
    address = f"/api/batches/{batch['id']}"
    assert client.get(address).json() == batch

    more = client.post(f"{address}/urls", json={"urls": URLS[:1]})
    assert (more.status_code, more.json()["files"]["waiting"]) == (202, 3)

    items = client.get(f"{address}/items", params={"outcome": "waiting", "limit": 2}).json()
    assert [item["url"] for item in items["items"]] == URLS
    rest = client.get(
        f"{address}/items",
        params={"outcome": "waiting", "limit": 2, "cursor": items["next_cursor"]},
    ).json()
    assert ([item["url"] for item in rest["items"]], rest["next_cursor"]) == (URLS[:1], None)

    cancelled = client.delete(address)
    assert cancelled.status_code == 200
    assert cancelled.json()["files"]["cancelled"] == 3
    refused = client.post(f"{address}/urls", json={"urls": URLS})
    assert (refused.status_code, refused.json()["code"]) == (409, "batch_cancelled")

    listed = client.get("/api/batches").json()
    assert [one["id"] for one in listed["items"]] == [batch["id"]]
    assert listed["items"][0]["files"]["cancelled"] == 3


def test_a_client_that_has_the_answer_is_told_so(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    address = f"/api/batches/{make(client, urls=URLS)}"
    tag = client.get(address).headers["etag"]
    assert client.get(address, headers={"if-none-match": tag}).status_code == 304
    client.delete(address)
    assert client.get(address, headers={"if-none-match": tag}).status_code == 200


def test_the_same_request_makes_one_batch(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    headers = {"idempotency-key": "spring"}
    first = client.post("/api/batches", json={"urls": URLS}, headers=headers)
    again = client.post("/api/batches", json={"urls": URLS}, headers=headers)
    other = client.post("/api/batches", json={"urls": URLS[:1]}, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert len(client.get("/api/batches").json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"urls": [URLS[0], "ftp://example.org/a.jpg"]}, "#/urls/1"),
        ({"urls": ["https://me:secret@example.org/a.jpg"]}, "#/urls/0"),
        ({"urls": [URLS[0]] * 1001}, "#/urls"),
        ({"urls": URLS[0]}, "#/urls"),
        ({"name": "x" * 201}, "#/name"),
        ({"name": 7}, "#/name"),
        ({"title": "x"}, "#/title"),
        ([], "#"),
    ],
)
def test_what_is_wrong_with_a_body_is_pointed_at(
    alice: Person, client_for: Client, body: Any, pointer: str
) -> None:
    client = client_for(alice)
    answer = client.post("/api/batches", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "secret" not in answer.text
    assert client.get("/api/batches").json()["items"] == []


def test_no_urls_are_nothing_to_add(alice: Person, client_for: Client) -> None:
    client = client_for(alice)
    answer = client.post(f"/api/batches/{make(client)}/urls", json={"urls": []})
    assert answer.status_code == 422


def test_uploads_to_a_batch_are_counted_and_stand_back(
    alice: Person, client_for: Client, picture_file: Pictures, tmp_path: Path
) -> None:
    client = client_for(alice)
    batch_id = make(client)
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")
    paths = [picture_file("a.jpg"), broken, picture_file("b.png")]

    answer = send(client, batch_id, *paths)

    assert answer.status_code == 202
    sent = answer.json()["images"]
    assert [one["code"] for one in answer.json()["rejected"]] == ["not_an_image"]
    assert {row_of(alice.user_id, image["id"]).priority for image in sent} == {Priority.BULK}
    again = send(client, batch_id, paths[0])
    assert again.json()["images"][0]["duplicate"] is True

    batch = client.get(f"/api/batches/{batch_id}").json()
    assert {name: n for name, n in batch["files"].items() if n} == {
        "added": 2, "duplicate": 1, "refused": 1,
    }  # fmt: skip
    assert batch["pictures"]["pending"] == 2
    items = client.get(f"/api/batches/{batch_id}/items").json()["items"]
    assert {(item["filename"], item["outcome"], item["code"]) for item in items} == {
        ("a.jpg", "added", None),
        ("b.png", "added", None),
        ("broken.jpg", "refused", "not_an_image"),
        ("a.jpg", "duplicate", None),
    }
    refused = send(client, batch_id, broken)
    assert (refused.status_code, refused.json()["code"]) == (422, "rejected")
    assert client.get(f"/api/batches/{batch_id}").json()["files"]["refused"] == 2


def test_a_file_too_large_is_refused_in_its_batch_too(
    alice: Person, client_for: Client, tmp_path: Path, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_MAX_UPLOAD_MB="1")
    client = client_for(alice)
    batch_id = make(client)
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(bytes(1024 * 1024 + 1))
    assert send(client, batch_id, huge).status_code == 422
    [item] = client.get(f"/api/batches/{batch_id}/items").json()["items"]
    assert (item["filename"], item["code"]) == ("huge.jpg", "too_large")


def test_an_upload_by_hand_belongs_to_no_batch_and_goes_first(
    alice: Person, client_for: Client, picture_file: Pictures
) -> None:
    client = client_for(alice)
    path = picture_file()
    answer = client.post("/api/upload", files=[("files", (path.name, path.read_bytes()))])
    image_id = answer.json()["images"][0]["id"]
    assert row_of(alice.user_id, image_id).priority == Priority.INTERACTIVE


def test_an_idempotency_key_is_of_one_batch(
    alice: Person, client_for: Client, picture_file: Pictures
) -> None:
    client, path = client_for(alice), picture_file()
    first, second = make(client), make(client)
    answer = send(client, first, path, **{"idempotency-key": "k"})
    assert send(client, first, path, **{"idempotency-key": "k"}).json() == answer.json()
    other = send(client, second, path, **{"idempotency-key": "k"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert client.get(f"/api/batches/{first}").json()["files"]["added"] == 1


def test_nobody_adds_to_somebody_elses_batch(
    alice: Person, mallory: Person, client_for: Client, picture_file: Pictures
) -> None:
    theirs = make(client_for(alice))
    client = client_for(mallory)
    missing, path = str(new_id()), picture_file()

    def answer(batch_id: str, content: bytes | None) -> tuple[object, ...]:
        if content is None:
            response = send(client, batch_id, path)
        else:
            response = client.post("/api/upload", params={"batch": batch_id}, content=content)
        return response.status_code, response.content

    for content in (None, b"not even multipart"):
        assert answer(theirs, content) == answer(missing, content) == answer("x", content)
        assert answer(theirs, content)[0] == 404
    assert batches.get_batch(alice.user_id, theirs).files.added == 0
    assert client.get("/api/images").json()["items"] == []


def test_a_stranger_is_told_to_sign_in_whatever_batch_is_named(
    client_for: Client, alice: Person
) -> None:
    batch_id = make(client_for(alice))
    for named in (batch_id, "x"):
        answer = client_for(None).post("/api/upload", params={"batch": named}, content=b"x")
        assert answer.status_code == 401


def test_no_file_is_read_for_a_batch_that_was_cancelled(
    alice: Person, client_for: Client, picture_file: Pictures
) -> None:
    client = client_for(alice)
    batch_id = make(client)
    client.delete(f"/api/batches/{batch_id}")
    answer = send(client, batch_id, picture_file())
    assert (answer.status_code, answer.json()["code"]) == (409, "batch_cancelled")
    assert list(get_settings().spool_dir.glob("*")) == []


def test_the_pictures_of_a_batch_are_listed_as_others_are(
    alice: Person, mallory: Person, client_for: Client, picture_file: Pictures
) -> None:
    client = client_for(alice)
    batch_id = make(client)
    send(client, make(client), picture_file("other.jpg"))
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        send(client, batch_id, picture_file(name))
    send(client, batch_id, picture_file("c.jpg"))

    def names(**asked: Any) -> list[str]:
        answer = client.get("/api/images", params={"batch": batch_id, **asked})
        assert answer.status_code == 200
        return [image["filename"] for image in answer.json()["items"]]

    assert names() == ["c.jpg", "c.jpg", "b.jpg", "a.jpg"]
    assert names(q="b.jpg") == ["b.jpg"]
    assert names(status="completed") == []
    assert names(tag="x") == []
    first = client.get("/api/images", params={"batch": batch_id, "limit": 3}).json()
    assert first["total"] == 4
    rest = {"batch": batch_id, "limit": 3, "cursor": first["next_cursor"]}
    assert [i["filename"] for i in client.get("/api/images", params=rest).json()["items"]] == [
        "a.jpg"
    ]
    del rest["batch"]
    assert client.get("/api/images", params=rest).json()["code"] == "invalid_cursor"
    client.delete(f"/api/images/{first['items'][0]['id']}")
    assert names() == ["c.jpg", "b.jpg", "a.jpg"]

    hers = client_for(mallory)
    foreign, missing, malformed = (
        hers.get("/api/images", params={"batch": one}) for one in (batch_id, new_id(), "x")
    )
    assert foreign.status_code == 404
    assert foreign.content == missing.content == malformed.content


@pytest.mark.long
def test_a_program_that_sends_thousands_uses_up_nothing_of_uploads_by_hand(
    alice: Person, client_for: Client, set_env: Callable[..., None], picture_file: Pictures
) -> None:
    set_env(IMGAPP_UPLOADS_PER_SECOND="20")
    client = client_for(alice)
    batch_id = make(client)
    seen = set()
    with ThreadPoolExecutor(4) as threads:
        while 429 not in seen:
            empty = {"params": {"batch": batch_id}, "content": b""}
            calls = [threads.submit(client.post, "/api/upload", **empty) for _ in range(40)]
            seen |= {call.result().status_code for call in calls}
    path = picture_file()
    answer = client.post("/api/upload", files=[("files", (path.name, path.read_bytes()))])
    assert answer.status_code == 202


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_a_token_may_do_what_its_scopes_say(
    alice: Person, client_for: Client, scope: Scope
) -> None:
    batch_id = make(client_for(alice))
    client = client_for(None)
    del client.headers["origin"]
    client.headers["authorization"] = (
        f"Bearer {tokens.create_token(alice.user_id, 't', [scope]).token}"
    )
    reads = [
        client.get("/api/batches"),
        client.get(f"/api/batches/{batch_id}"),
        client.get(f"/api/batches/{batch_id}/items"),
        client.post("/api/images/by-hash", json={"sha256": ["0" * 64]}),
    ]
    writes = [
        client.post("/api/batches", json={}),
        client.post(f"/api/batches/{batch_id}/urls", json={"urls": URLS}),
        client.delete(f"/api/batches/{batch_id}"),
    ]
    allowed, others = (reads, writes) if scope == Scope.READ else (writes, reads)
    assert {answer.status_code for answer in others} == {403}
    assert {answer.json()["code"] for answer in others} == {"missing_scope"}
    assert all(answer.status_code < 300 for answer in allowed)
