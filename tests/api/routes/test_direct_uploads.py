"""`/api/uploads` as clients use it, and as they misuse it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from imgapp.api.routes import direct_uploads as routes
from imgapp.models import Scope, new_id, now
from imgapp.services.accounts import tokens
from imgapp.services.uploads import s3_completion, s3_uploads
from tests.conftest import Person
from tests.support.buckets import objects
from tests.support.direct import change_upload, let_lease_run_out, sent
from tests.support.rows import add_upload

Client = Callable[..., TestClient]
Pictures = Callable[..., Path]
MB = 1024 * 1024


def announced(path: Path, **more: Any) -> dict[str, Any]:
    return {"filename": path.name, "size": path.stat().st_size} | more


def test_a_file_is_announced_sent_and_completed(
    alice: Person, s3_env: None, client_for: Client, picture_file: Pictures
) -> None:
    client, path = client_for(alice), picture_file("harbour.jpg")
    answer = client.post("/api/uploads", json=announced(path, content_type="image/jpeg"))
    assert answer.status_code == 201
    to = answer.json()
    assert (to["method"], to["headers"]) == ("PUT", {"Content-Type": "image/jpeg"})
    httpx.put(to["url"], content=path.read_bytes(), headers=to["headers"]).raise_for_status()
    status = client.get(f"/api/uploads/{to['id']}").json()
    assert (status["state"], status["parts"][0]["arrived"]) == ("open", True)
    done = client.post(f"/api/uploads/{to['id']}/complete")
    assert done.status_code == 202
    image = done.json()["images"][0]
    assert (image["filename"], image["status"], image["duplicate"]) == (
        "harbour.jpg",
        "pending",
        False,
    )
    assert done.json()["rejected"] == []
    assert httpx.get(image["urls"]["original"]).content == path.read_bytes()
    again = client.post(f"/api/uploads/{to['id']}/complete")
    assert again.status_code == 202
    assert [one["id"] for one in again.json()["images"]] == [image["id"]]
    assert client.get(f"/api/uploads/{to['id']}").json()["image_id"] == image["id"]


@pytest.mark.long
def test_parts_are_sent_again_where_an_upload_was_cut_off(
    alice: Person, s3_env: None, client_for: Client, picture_file: Pictures
) -> None:
    client, path = client_for(alice), picture_file("large.bmp", size=(2400, 2400))
    data = path.read_bytes()
    to = client.post("/api/uploads", json=announced(path)).json()
    size = to["part_size"]
    httpx.put(to["parts"][0]["url"], content=data[:size]).raise_for_status()
    early = client.post(f"/api/uploads/{to['id']}/complete")
    assert (early.status_code, early.json()["code"]) == (409, "upload_incomplete")
    status = client.get(f"/api/uploads/{to['id']}").json()
    missing = [part["number"] for part in status["parts"] if not part["arrived"]]
    assert missing == [2, 3]
    fresh = client.post(f"/api/uploads/{to['id']}/parts", json={"numbers": missing}).json()
    for part in fresh["parts"]:
        start = (part["number"] - 1) * size
        httpx.put(part["url"], content=data[start : start + part["size"]]).raise_for_status()
    assert client.post(f"/api/uploads/{to['id']}/complete").status_code == 202


def test_what_you_have_is_answered_at_once(
    alice: Person, mallory: Person, s3_env: None, client_for: Client, picture_file: Pictures
) -> None:
    path = picture_file()
    taken = s3_completion.complete(alice.user_id, sent(alice.user_id, path))
    body = announced(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    answer = client_for(alice).post("/api/uploads", json=body)
    assert answer.status_code == 200
    assert answer.json()["id"] == str(taken.image_id)
    assert answer.json()["duplicate"] is True
    assert client_for(mallory).post("/api/uploads", json=body).status_code == 201


def test_a_refused_file_is_answered_as_an_upload_is(
    alice: Person, s3_env: None, client_for: Client, tmp_path: Path
) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("this is no picture")
    upload_id = sent(alice.user_id, path)
    for _ in range(2):
        answer = client_for(alice).post(f"/api/uploads/{upload_id}/complete")
        assert answer.status_code == 422
        body = answer.json()
        assert (body["code"], body["images"]) == ("rejected", [])
        assert body["rejected"] == [
            {"filename": "notes.jpg", "code": "not_an_image", "detail": body["detail"]}
        ]


def test_without_a_bucket_the_way_through_the_server_is_named(
    alice: Person, client_for: Client
) -> None:
    answer = client_for(alice).post("/api/uploads", json={"filename": "a.jpg", "size": 5})
    assert (answer.status_code, answer.json()["code"]) == (409, "direct_uploads_unavailable")
    assert "POST /api/upload" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"size": 5}, "#/filename"),
        ({"filename": "", "size": 5}, "#/filename"),
        ({"filename": "a.jpg"}, "#/size"),
        ({"filename": "a.jpg", "size": 0}, "#/size"),
        ({"filename": "a.jpg", "size": -1}, "#/size"),
        ({"filename": "a.jpg", "size": "5"}, "#/size"),
        ({"filename": "a.jpg", "size": 10**30}, "#/size"),
        ({"filename": "a.jpg", "size": 5, "sha256": "A" * 64}, "#/sha256"),
        ({"filename": "a.jpg", "size": 5, "content_type": "a\r\nb/c"}, "#/content_type"),
        ({"filename": "a.jpg", "size": 5, "batch": "x"}, "#/batch"),
        ({"filename": "a.jpg", "size": 5, "key": "users/x"}, "#/key"),
    ],
)
def test_what_cannot_be_announced(
    body: dict[str, Any], pointer: str, alice: Person, s3_env: None, client_for: Client
) -> None:
    answer = client_for(alice).post("/api/uploads", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_too_large_a_file_is_refused_before_it_is_sent(
    alice: Person, s3_env: None, client_for: Client
) -> None:
    answer = client_for(alice).post("/api/uploads", json={"filename": "a.jpg", "size": 51 * MB})
    assert (answer.status_code, answer.json()["code"]) == (422, "too_large")


def test_a_person_without_room_is_told_before_anything_is_sent(
    alice: Person, s3_env: Callable[..., None], client_for: Client
) -> None:
    s3_env(IMGAPP_QUOTA_GB="0.000001")
    answer = client_for(alice).post("/api/uploads", json={"filename": "a.jpg", "size": 2000})
    assert (answer.status_code, answer.json()["code"]) == (507, "quota_exceeded")


@pytest.mark.parametrize("numbers", [[], [0], [1001], ["1"], [1] * 1001, None])
def test_what_is_no_list_of_parts(
    numbers: Any, alice: Person, s3_env: None, client_for: Client
) -> None:
    upload = add_upload(alice.user_id)
    answer = client_for(alice).post(f"/api/uploads/{upload.id}/parts", json={"numbers": numbers})
    assert answer.status_code == 422


def test_announcing_counts_as_an_upload(
    alice: Person, s3_env: Callable[..., None], client_for: Client
) -> None:
    s3_env(IMGAPP_UPLOADS_PER_SECOND="20")
    answer = client_for(alice).post("/api/uploads", json={"filename": "a.jpg", "size": 5})
    assert answer.headers["ratelimit-policy"] == '"uploads";q=200;w=10'


def test_the_body_is_limited_like_any_other(
    alice: Person, s3_env: None, client_for: Client
) -> None:
    body = b'{"filename": "' + b"a" * (1024 * 1024) + b'"}'
    answer = client_for(alice).post(
        "/api/uploads", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_a_cancelled_upload_is_gone(
    alice: Person, s3_env: None, client_for: Client, picture_file: Pictures
) -> None:
    upload_id, client = sent(alice.user_id, picture_file()), client_for(alice)
    assert client.delete(f"/api/uploads/{upload_id}").status_code == 204
    assert client.get(f"/api/uploads/{upload_id}").status_code == 404
    assert client.post(f"/api/uploads/{upload_id}/complete").status_code == 404
    assert objects() == []


def test_a_token_that_may_only_read_sends_nothing(
    alice: Person, s3_env: None, client_for: Client
) -> None:
    upload = add_upload(alice.user_id)
    token = tokens.create_token(alice.user_id, "reader", [Scope.READ]).token
    client = client_for(None)
    client.headers["authorization"] = f"Bearer {token}"
    new = {"filename": "a.jpg", "size": 5}
    assert client.post("/api/uploads", json=new).json()["code"] == "missing_scope"
    for method, path in [
        ("POST", f"/{upload.id}/parts"),
        ("POST", f"/{upload.id}/complete"),
        ("DELETE", f"/{upload.id}"),
    ]:
        assert client.request(method, f"/api/uploads{path}").json()["code"] == "missing_scope"
    assert client.get(f"/api/uploads/{upload.id}").status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_another_sites_page_announces_nothing_with_our_cookie(
    origin: str, alice: Person, s3_env: None, client_for: Client
) -> None:
    answer = client_for(alice).post(
        "/api/uploads", json={"filename": "a.jpg", "size": 5}, headers={"origin": origin}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


def test_an_answer_waits_for_the_process_that_saves_the_same_upload(
    alice: Person, s3_env: None, client_for: Client, picture_file: Pictures
) -> None:
    upload_id = sent(alice.user_id, picture_file())
    lease = {"state": "saving", "lease_id": new_id(), "lease_expires_at": now()}
    change_upload(alice.user_id, upload_id, **lease)
    change_upload(alice.user_id, upload_id, lease_expires_at=now() + s3_completion.LEASE)
    killed = threading.Timer(0.5, let_lease_run_out, [alice.user_id, upload_id])
    killed.start()
    answer = client_for(alice).post(f"/api/uploads/{upload_id}/complete")
    killed.join()
    assert answer.status_code == 202


def test_an_answer_does_not_wait_for_ever(
    alice: Person,
    s3_env: None,
    client_for: Client,
    picture_file: Pictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "PATIENCE_SECONDS", 0.0)
    upload_id = sent(alice.user_id, picture_file())
    until = now() + s3_completion.LEASE
    change_upload(
        alice.user_id, upload_id, state="saving", lease_id=new_id(), lease_expires_at=until
    )
    answer = client_for(alice).post(f"/api/uploads/{upload_id}/complete")
    assert (answer.status_code, answer.json()["code"]) == (409, s3_uploads.BEING_SAVED)
