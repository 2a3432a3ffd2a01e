from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from imgapp.services.installation import vision_models
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer
from tests.support.receivers import receiving

API = "/api/installation"
KEY = "sk-route-0123456789abcdef"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"org/eyes-{uuid4().hex[:8]}") as running:
        yield running


@pytest.fixture
def api(admin: Person, client_for: Callable[..., TestClient]) -> TestClient:
    return client_for(admin)


def test_a_model_is_found_tried_connected_changed_and_taken_away(
    api: TestClient, server: OpenAIServer
) -> None:
    where = {"base_url": server.url, "api_key": KEY}
    listed = api.post(f"{API}/model-servers/models", json=where).json()
    assert listed == {"items": [{"name": server.model, "sees": None}]}
    new = where | {"model": server.model}
    assert api.post(f"{API}/model-trials", json=new).json()["works"] is True

    answer = api.post(f"{API}/models", json=new)
    assert (answer.status_code, answer.json()) == (201, {"name": server.model})
    # A name may hold slashes.
    path = f"{API}/models/{server.model}"
    tried = api.post(f"{API}/model-trials/{server.model}", json={}).json()
    assert tried["alt_text"] == server.alt_text
    assert api.patch(path, json={"seconds": 600, "role": "fallback"}).status_code == 204
    [one] = api.get(f"{API}/models").json()["items"]
    assert (one["seconds"], one["role"], one["has_key"]) == (600, "default", True)
    assert KEY not in api.get(f"{API}/models").text
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404
    assert api.get(f"{API}/models").json() == {"items": []}


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "m", "base_url": "gopher://host"}, 400, "bad_address"),
        ({"model": "m", "base_url": "http://host/v1", "api_key": "a\nb"}, 400, "bad_key"),
        ({"model": "m", "base_url": "http://host/v1", "seconds": 4}, 422, "validation_failed"),
        ({"model": "m", "base_url": "http://host/v1", "at_once": 0}, 422, "validation_failed"),
        ({"model": "", "base_url": "http://host/v1"}, 422, "validation_failed"),
        ({"model": "m" * 201, "base_url": "http://host/v1"}, 422, "validation_failed"),
        ({"model": "m", "base_url": "http://host/v1", "role": "king"}, 422, "validation_failed"),
        ({"model": "m", "base_url": "http://host/v1", "admin": True}, 422, "validation_failed"),
        ({"base_url": "http://host/v1"}, 422, "validation_failed"),
    ],
)
def test_what_cannot_be_connected_is_a_problem(
    api: TestClient, body: dict[str, Any], status: int, code: str
) -> None:
    answer = api.post(f"{API}/models", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert KEY not in answer.text
    assert api.get(f"{API}/models").json() == {"items": []}


@pytest.mark.parametrize("who", ["mallory", None])
def test_nobody_else_sees_or_changes_anything(
    request: pytest.FixtureRequest,
    api: TestClient,
    client_for: Callable[..., TestClient],
    server: OpenAIServer,
    who: str | None,
) -> None:
    new = {"base_url": server.url, "model": server.model}
    api.post(f"{API}/models", json=new)
    them = client_for(request.getfixturevalue(who) if who else None)
    path = f"{API}/models/{server.model}"
    answers = [
        them.get(f"{API}/models"),
        them.post(f"{API}/models", json=new | {"name": "mine"}),
        them.patch(path, json={"base_url": "http://mallory.example/v1"}),
        them.delete(path),
        them.post(f"{API}/model-trials/{server.model}", json={}),
        them.post(f"{API}/model-trials", json=new),
        them.get(f"{API}/model-servers"),
        them.get(f"{API}/model-servers/here"),
        them.post(f"{API}/model-servers/models", json=new | {"model": None}),
        them.post(f"{API}/model-servers/pull", json=new),
    ]
    assert {answer.status_code for answer in answers} == {404 if who else 401}
    assert server.calls == []
    assert list(vision_models.routes().known) == [server.model]


def test_a_pull_is_told_step_by_step_and_how_it_failed(api: TestClient) -> None:
    with receiving() as ollama:
        steps = [{"status": "pulling", "total": 4, "completed": 1}, {"error": "disk is full"}]
        ollama.answers(200, "\n".join(map(json.dumps, steps)).encode())
        body = {"kind": "ollama", "base_url": ollama.url, "model": "eyes"}
        said = api.post(f"{API}/model-servers/pull", json=body).text.splitlines()
    assert json.loads(said[0]) == {"status": "pulling", "share": 0.25}
    assert "disk is full" in json.loads(said[1])["error"]
