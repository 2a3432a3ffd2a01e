"""`/api/people` and `/api/audit`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from imgapp.models import Scope, new_id
from imgapp.services.accounts import administration, sessions, tokens

ClientFor = Callable[..., TestClient]

ROUTES = [
    ("GET", "/api/people"),
    ("POST", "/api/people"),
    ("GET", "/api/people/{id}"),
    ("PATCH", "/api/people/{id}"),
    ("DELETE", "/api/people/{id}"),
    ("POST", "/api/people/{id}/password"),
    ("GET", "/api/audit"),
]
BODIES = {"POST /api/people": {"email": "c@example.org"}, "PATCH /api/people/{id}": {}}


def call(client: TestClient, method: str, path: str, person_id: object):
    body = BODIES.get(f"{method} {path}")
    return client.request(method, path.replace("{id}", str(person_id)), json=body)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_for_others_the_routes_are_not_there(
    alice, mallory, admin, client_for, method: str, path: str
) -> None:
    client = client_for(mallory)
    not_there = client.get("/api/nothing-at-all").json()
    for person_id in (alice.user_id, admin.user_id, mallory.user_id, new_id(), "x"):
        answer = call(client, method, path, person_id)
        assert answer.status_code == 404
        assert answer.json() | {"instance": ""} == not_there | {"instance": ""}
    assert len(administration.list_people(admin.user_id).items) == 3


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if "{id}" in r[1]])
@pytest.mark.parametrize("person_id", [new_id(), "x", "%00"])
def test_a_missing_person_is_a_404(admin, client_for, method, path, person_id) -> None:
    answer = call(client_for(admin), method, path, person_id)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if r[0] != "GET"])
def test_a_token_that_only_reads_administers_nothing(
    admin, alice, client_for, method: str, path: str
) -> None:
    client = client_for(None)
    token = tokens.create_token(admin.user_id, "reads", [Scope.READ]).token
    client.headers["authorization"] = f"Bearer {token}"
    answer = call(client, method, path, alice.user_id)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert client.get("/api/people").status_code == 200


def test_a_person_is_added_listed_and_signs_in(admin, client_for) -> None:
    client = client_for(admin)
    made = client.post("/api/people", json={"email": "carol@example.org"})
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    listed = client.get("/api/people", params={"q": "carol"}).json()
    assert [item["email"] for item in listed["items"]] == ["carol@example.org"]
    assert "password" not in listed["items"][0]
    sessions.sign_in("carol@example.org", made.json()["password"], user_agent="", address="")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"email": "admin@example.org"}, 409, "email_taken"),
        ({"email": "nonsense"}, 400, "invalid_email"),
        ({"email": "c@example.org", "password": "short"}, 400, "weak_password"),
        ({}, 422, "validation_failed"),
        ({"email": "c@example.org", "admin": True}, 422, "validation_failed"),
    ],
)
def test_a_person_who_cannot_be_added(admin, client_for, body, status: int, code: str) -> None:
    answer = client_for(admin).post("/api/people", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_list_is_paged(admin, alice, mallory, client_for) -> None:
    client = client_for(admin)
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/people", params={"limit": 1, "cursor": cursor}).json()
        seen += [item["email"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [admin.email, alice.email, mallory.email]
    for query in ({"cursor": "!"}, {"limit": 0}, {"limit": 201}):
        assert client.get("/api/people", params=query).status_code in (400, 422)


def test_a_person_is_disabled_changed_and_deleted(admin, alice, client_for) -> None:
    client, hers = client_for(admin), client_for(alice)
    path = f"/api/people/{alice.user_id}"
    assert client.patch(path, json={"disabled": True}).json()["disabled_at"] is not None
    assert hers.get("/api/account").status_code == 401
    assert client.patch(path, json={"disabled": False}).json()["disabled_at"] is None
    changed = client.patch(path, json={"is_admin": True, "quota_bytes": 5}).json()
    assert (changed["is_admin"], changed["quota_bytes"]) == (True, 5)
    assert client.patch(path, json={"quota_bytes": -1}).status_code == 422
    assert client.post(f"{path}/password").json()["password"]
    assert client.delete(path).status_code == 204
    assert client.get(path).json()["deleting_at"] is not None
    administration.purge_deleted()
    assert client.get(path).status_code == 404


def test_the_last_administrator_stays(admin, client_for) -> None:
    client, path = client_for(admin), f"/api/people/{admin.user_id}"
    for answer in (
        client.patch(path, json={"disabled": True}),
        client.patch(path, json={"is_admin": False}),
        client.delete(path),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")


def test_an_administrator_no_more_is_told_nothing_at_once(admin, make_person, client_for) -> None:
    other = make_person("other@example.org", is_admin=True)
    theirs = client_for(other)
    assert theirs.get("/api/audit").status_code == 200
    path = f"/api/people/{other.user_id}"
    assert client_for(admin).patch(path, json={"is_admin": False}).status_code == 200
    assert theirs.get("/api/audit").status_code == 404


def test_the_trail_says_who_came_from_where(admin, alice, client_for) -> None:
    stranger = client_for(None)
    stranger.headers["user-agent"] = "Firefox/140.0"
    stranger.post("/api/sign-in", data={"email": alice.email, "password": alice.password})
    client = client_for(admin)
    page = client.get("/api/audit", params={"kind": "signed_in", "person": "alice"}).json()
    (event,) = page["items"]
    assert event["email"] == alice.email
    assert (event["address"], event["user_agent"]) == ("127.0.0.1", "Firefox/140.0")
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    "query", [{"kind": "nonsense"}, {"since": "yesterday"}, {"since": "2026-01-01T00:00:00"}]
)
def test_a_filter_that_makes_no_sense_is_refused(admin, client_for, query) -> None:
    answer = client_for(admin).get("/api/audit", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_empty_filters_are_none(admin, client_for) -> None:
    query = {"kind": "", "person": "", "since": "", "until": "", "cursor": ""}
    assert client_for(admin).get("/api/audit", params=query).status_code == 200
