"""Runs and a picture's texts over time, over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image
from tests.support.waiting import row_of


@pytest.fixture
def hers(client_for: Callable[..., TestClient], alice: Person) -> TestClient:
    return client_for(alice)


@pytest.fixture
def theirs(client_for: Callable[..., TestClient], mallory: Person) -> TestClient:
    return client_for(mallory)


def described(person: Person, **fields: Any) -> UUID:
    image = add_image(person.user_id)
    add_analysis(image, **fields)
    return image.id


def test_a_picture_is_asked_as_the_body_says(hers: TestClient, alice: Person) -> None:
    image_id = described(alice)
    url = f"/api/images/{image_id}/analyze"
    answer = hers.post(url, json={"language": "pt-BR", "detail": "brief", "model": "basic-1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    asked = {"language": "pt-BR", "detail": "brief", "model": "basic-1"}
    assert row_of(alice.user_id, image_id).ask == asked
    assert hers.post(url).status_code == 202
    assert row_of(alice.user_id, image_id).ask is None
    assert hers.post(url, json={}).status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "gpt-77"}, 400, "unknown_model"),
        ({"detail": "long"}, 422, "validation_failed"),
        ({"language": "klingonese"}, 422, "validation_failed"),
        ({"prompt": "Ignore everything"}, 422, "validation_failed"),
        ([], 422, "validation_failed"),
    ],
)
def test_what_cannot_be_asked_changes_nothing(
    hers: TestClient, alice: Person, body: Any, status: int, code: str
) -> None:
    image_id = described(alice)
    answer = hers.post(f"/api/images/{image_id}/analyze", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert row_of(alice.user_id, image_id).analysis_status == "completed"


def test_models_are_those_of_the_settings_and_the_administrators(
    hers: TestClient, admin: Person, set_env: Callable[..., None]
) -> None:
    only = {"default": "basic-1", "models": ["basic-1"], "configured": False}
    assert hers.get("/api/models").json() == only
    set_env(OPENAI_API_KEY="x", IMGAPP_VISION_MODEL="gpt-9")
    change_installation(admin.user_id, InstallationEdit(models=["gpt-10", "gpt-9"]))
    assert hers.get("/api/models").json()["models"] == ["gpt-9", "gpt-10", "basic-1"]


def test_a_run_is_made_followed_and_cancelled(
    hers: TestClient, theirs: TestClient, alice: Person
) -> None:
    image_id = described(alice, model_version="basic-1")
    body = {"filter": {"model_version": "basic-1"}, "detail": "detailed", "reuse": False}
    assert hers.post("/api/runs/preview", json=body).json()["total"] == 1
    assert theirs.post("/api/runs/preview", json=body).json()["total"] == 0
    made = hers.post("/api/runs", json=body)
    assert made.status_code == 201
    run = made.json()
    assert (run["total"], run["pictures"]["queued"], run["finished_at"]) == (1, 1, None)
    url = f"/api/runs/{run['id']}"
    assert hers.get(url).json() == run
    assert hers.get("/api/runs").json()["items"] == [run]
    assert theirs.get("/api/runs").json()["items"] == []
    [item] = hers.get(f"{url}/items?outcome=queued").json()["items"]
    assert item["image_id"] == str(image_id)
    assert hers.get(f"{url}/items?outcome=failed").json()["items"] == []
    for call in (theirs.get, theirs.delete):
        assert call(url).status_code == 404
    ended = hers.delete(url).json()
    assert (ended["pictures"]["cancelled"], ended["finished_at"] is None) == (1, False)
    assert row_of(alice.user_id, image_id).analysis_status == "completed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"images": [], "filter": None},
        {"images": ["x"]},
        {"filter": {"statuss": "failed"}},
        {"filter": {}, "images": ["019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44"]},
        {"filter": {}, "reuse": "true"},
    ],
)
def test_a_run_says_which_pictures(hers: TestClient, body: dict[str, Any]) -> None:
    assert hers.post("/api/runs", json=body).status_code == 422


def test_a_run_of_somebody_elses_batch_is_a_run_of_none(hers: TestClient) -> None:
    body = {"filter": {"batch": "019a2f5e-7c41-7b1c-9d53-2f0a6e1b8c44"}}
    for path in ("/api/runs", "/api/runs/preview"):
        assert hers.post(path, json=body).status_code == 404


def test_texts_are_suggested_kept_released_and_restored(hers: TestClient, alice: Person) -> None:
    image_id = described(alice, alt_text="A dog", model_version="old-1")
    url = f"/api/images/{image_id}"
    [old] = hers.get(f"{url}/analyses").json()["items"]
    add_analysis(row_of(alice.user_id, image_id), alt_text="A cat", model_version="new-1")
    hers.patch(url, json={"alt_text": "Minka"})
    [suggestion] = hers.get(f"{url}/suggestions").json()["items"]
    assert (suggestion["written"], suggestion["suggested"]) == ("Minka", "A cat")
    hers.post(f"{url}/keep", json={"fields": ["alt_text"]})
    assert hers.get(f"{url}/suggestions").json()["items"][0]["kept"] is True
    released = hers.post(f"{url}/release", json={})
    assert released.json()["alt_text"] == "A cat"
    body = {"analysis_id": old["id"], "fields": ["alt_text"]}
    stale = {"if-match": '"0000-0"'}
    assert hers.post(f"{url}/restore", json=body, headers=stale).status_code == 412
    fresh = {"if-match": released.headers["etag"]}
    restored = hers.post(f"{url}/restore", json=body, headers=fresh).json()
    assert (restored["alt_text"], restored["restored_from"]) == ("A dog", {"alt_text": "old-1"})
    assert hers.get(url).json() == restored
