"""Preferences, prompts and trials through the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.models import Scope
from imgapp.services.accounts import tokens
from tests.conftest import Person
from tests.support.rows import add_image

SHORT = "Answer as JSON, in {language}."
Client = Callable[..., TestClient]


def test_preferences_are_changed_one_by_one(client_for: Client, alice: Person) -> None:
    hers = client_for(alice)
    assert hers.get("/api/preferences").json()["updated_at"] is None
    said = hers.patch("/api/preferences", json={"language": "PT-br", "vocabulary": ["Boot"]})
    assert (said.status_code, said.json()["language"]) == (200, "pt-BR")
    said = hers.patch("/api/preferences", json={"context": "Shoes", "paused": True})
    assert (said.json()["vocabulary"], said.json()["paused"]) == (["Boot"], True)
    assert hers.get("/api/preferences").json() == said.json()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"language": "xq"}, 400, "unknown_language"),
        ({"language": "klingon!"}, 422, "validation_failed"),
        ({"paused": "yes"}, 422, "validation_failed"),
        ({"paused": None}, 422, "validation_failed"),
        ({"budget": 100}, 422, "validation_failed"),
        ({"context": "x" * 2_001}, 422, "validation_failed"),
    ],
)
def test_preferences_that_do_not_fit(
    client_for: Client, alice: Person, body: dict[str, Any], status: int, code: str
) -> None:
    answer = client_for(alice).patch("/api/preferences", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_prompt_is_saved_listed_and_set_back(client_for: Client, alice: Person) -> None:
    hers = client_for(alice)
    built_in = hers.get("/api/prompt").json()
    assert "{vocabulary}" in built_in["template"]
    saved = hers.put("/api/prompt", json={"template": SHORT}).json()
    assert (saved["version"], saved["changed"], saved["default"]) == (
        "own-1",
        True,
        built_in["template"],
    )
    assert hers.put("/api/prompt", json={"template": None}).json()["version"] == "2"
    page = hers.get("/api/prompt/versions", params={"limit": 1}).json()
    assert page["items"][0]["template"] is None
    rest = hers.get("/api/prompt/versions", params={"cursor": page["next_cursor"]}).json()
    assert [one["version"] for one in rest["items"]] == ["own-1"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"template": "{langauge}"}, "unknown_variable"),
        ({"template": " "}, "validation_failed"),
        ({}, "validation_failed"),
    ],
)
@pytest.mark.parametrize("path", ["/api/prompt", "/api/installation/prompt"])
def test_a_prompt_that_is_none(
    client_for: Client, admin: Person, path: str, body: dict[str, Any], code: str
) -> None:
    assert client_for(admin).put(path, json=body).json()["code"] == code


@pytest.mark.parametrize("body", [{"template": SHORT}, {"template": " "}, {}])
def test_everybodys_prompt_is_not_there_for_others(
    client_for: Client, mallory: Person, body: dict[str, Any]
) -> None:
    client = client_for(mallory)
    assert client.put("/api/installation/prompt", json=body).status_code == 404
    assert client.get("/api/installation/prompt").status_code == 404
    assert client.get("/api/installation/prompt/versions").status_code == 404


def test_everybodys_prompt_says_who_saved_it(
    client_for: Client, admin: Person, alice: Person
) -> None:
    client = client_for(admin)
    assert client.put("/api/installation/prompt", json={"template": SHORT}).status_code == 200
    (version,) = client.get("/api/installation/prompt/versions").json()["items"]
    assert (version["version"], version["author"]) == ("everybody-1", admin.email)
    hers = client_for(alice).get("/api/prompt").json()
    assert (hers["version"], hers["default"], hers["changed"]) == ("everybody-1", SHORT, False)


def test_a_trial_without_a_model_says_so(client_for: Client, alice: Person) -> None:
    add_image(alice.user_id)
    answer = client_for(alice).post("/api/prompt/trials", json={"template": SHORT})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_model")


def test_a_trial_is_begun_read_and_ended(
    client_for: Client, alice: Person, mallory: Person, set_env: Callable[..., None]
) -> None:
    set_env(OPENAI_API_KEY="key")
    image = add_image(alice.user_id)
    hers, his = client_for(alice), client_for(mallory)
    body = {"template": SHORT, "image_ids": [str(image.id)]}
    assert his.post("/api/prompt/trials", json=body).status_code == 404
    begun = hers.post("/api/prompt/trials", json=body)
    assert begun.status_code == 202
    path = f"/api/prompt/trials/{begun.json()['id']}"
    assert hers.get(path).json() == begun.json()
    assert hers.post("/api/prompt/trials", json=body).json()["code"] == "trial_under_way"
    assert his.get(path).status_code == his.delete(path).status_code == 404
    assert hers.delete(path).status_code == 204
    assert hers.get(path).status_code == 404


def test_a_token_that_only_reads_changes_nothing(client_for: Client, alice: Person) -> None:
    token = tokens.create_token(alice.user_id, "reads", [Scope.READ]).token
    client = client_for(None)
    client.headers["authorization"] = f"Bearer {token}"
    assert client.get("/api/prompt").status_code == 200
    for method, path in (
        ("PATCH", "/api/preferences"),
        ("PUT", "/api/prompt"),
        ("POST", "/api/prompt/trials"),
    ):
        answer = client.request(method, path, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
