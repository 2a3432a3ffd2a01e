"""`/api/tokens`."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from imgapp.models import Scope, new_id
from imgapp.services.accounts import tokens

ClientFor = Callable[..., TestClient]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_token_is_shown_once_and_works(alice, client_for) -> None:
    client = client_for(alice)
    made = client.post("/api/tokens", json={"name": "laptop", "scopes": ["read"]})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    body = made.json()
    assert set(body) == {
        "id", "name", "hint", "scopes", "created_at", "expires_at", "last_used_at", "token",
    }  # fmt: skip
    listed = client_for(None).get("/api/tokens", headers=bearer(body["token"]))
    assert body["token"] not in listed.text
    (item,) = listed.json()["items"]
    assert (item["id"], item["name"], item["scopes"]) == (body["id"], "laptop", ["read"])
    assert item["last_used_at"] is not None
    assert listed.json()["next_cursor"] is None


def test_a_revoked_token_is_refused(alice, client_for) -> None:
    made = tokens.create_token(alice.user_id, "n")
    client = client_for(alice)
    assert client.delete(f"/api/tokens/{made.id}").status_code == 204
    assert client_for(None).get("/api/tokens", headers=bearer(made.token)).status_code == 401
    assert client.delete(f"/api/tokens/{made.id}").status_code == 404


def test_mallory_neither_sees_nor_revokes_alices_tokens(alice, mallory, client_for) -> None:
    made = tokens.create_token(alice.user_id, "n")
    client = client_for(mallory)
    assert client.get("/api/tokens").json()["items"] == []
    hers = client.delete(f"/api/tokens/{made.id}")
    missing = client.delete(f"/api/tokens/{new_id()}")
    assert hers.status_code == missing.status_code == 404
    assert {**hers.json(), "instance": ""} == {**missing.json(), "instance": ""}
    assert tokens.viewer_of_token(made.token) is not None


def test_a_malformed_id_is_a_missing_one(alice, client_for) -> None:
    assert client_for(alice).delete("/api/tokens/not-a-uuid").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/tokens"), ("POST", "/api/tokens"), ("DELETE", f"/api/tokens/{UUID(int=1)}")],
)
def test_signed_out_everything_is_401(client_for, method: str, path: str) -> None:
    answer = client_for(None).request(method, path, content=b"not json")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_token_that_may_only_read_makes_and_revokes_none(alice, client_for) -> None:
    made = tokens.create_token(alice.user_id, "n", [Scope.READ])
    client, headers = client_for(None), bearer(made.token)
    refused = [
        client.post("/api/tokens", json={"name": "more"}, headers=headers),
        client.delete(f"/api/tokens/{made.id}", headers=headers),
    ]
    assert [answer.json()["code"] for answer in refused] == ["missing_scope"] * 2
    assert len(tokens.list_tokens(alice.user_id)) == 1


def test_a_token_makes_none_that_may_do_more(alice, client_for) -> None:
    headers = bearer(tokens.create_token(alice.user_id, "n", [Scope.WRITE]).token)
    client = client_for(None)
    more = client.post("/api/tokens", json={"name": "m"}, headers=headers)
    same = client.post("/api/tokens", json={"name": "s", "scopes": ["write"]}, headers=headers)
    assert (more.status_code, same.status_code) == (403, 201)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "n", "scopes": ["admin"]},
        {"name": "n", "user_id": str(new_id())},
        {"name": "n", "expires_at": "yesterday"},
    ],
)
def test_a_body_that_makes_no_sense_is_422(alice, client_for, body) -> None:
    answer = client_for(alice).post("/api/tokens", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize("extra", [{"expires_at": "2001-01-01T00:00:00Z"}, {"scopes": []}])
def test_a_token_that_could_never_be_used_is_400(alice, client_for, extra) -> None:
    answer = client_for(alice).post("/api/tokens", json={"name": "n", **extra})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
