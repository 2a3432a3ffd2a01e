"""`/api/account`: as JSON for programs, as plain forms for the page."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from imgapp.models import Scope
from imgapp.services.accounts import administration, own_account, sessions, sign_in_limits, tokens
from tests.support.rows import add_image

ClientFor = Callable[..., TestClient]
NEW = "another battery staple"


def with_token(client_for: ClientFor, person, *scopes: Scope) -> TestClient:
    client = client_for(None)
    token = tokens.create_token(person.user_id, "program", scopes or tuple(Scope)).token
    client.headers["authorization"] = f"Bearer {token}"
    del client.headers["origin"]
    return client


def test_the_account_is_the_callers_own(alice, mallory, client_for) -> None:
    body = client_for(alice).get("/api/account").json()
    assert (body["id"], body["email"]) == (str(alice.user_id), alice.email)
    assert body["usage"] == {"images": 0, "bytes": 0, "quota_images": None, "quota_bytes": None}
    assert "password_hash" not in body
    assert client_for(mallory).get("/api/account").json()["email"] == mallory.email


def test_sessions_are_listed_and_ended(alice, client_for) -> None:
    here, elsewhere = client_for(alice), client_for(alice)
    listed = here.get("/api/account/sessions").json()
    assert [item["current"] for item in listed["items"]] == [True, False]
    other = listed["items"][1]["id"]
    assert here.delete(f"/api/account/sessions/{other}").status_code == 204
    assert elsewhere.get("/api/account").status_code == 401
    assert here.delete(f"/api/account/sessions/{other}").status_code == 404
    assert here.get("/api/account").status_code == 200


def test_signing_out_everywhere_else(alice, client_for) -> None:
    here, elsewhere = client_for(alice), client_for(alice)
    assert here.delete("/api/account/sessions").status_code == 204
    assert (here.get("/api/account").status_code, elsewhere.get("/api/account").status_code) == (
        200,
        401,
    )
    assert with_token(client_for, alice).delete("/api/account/sessions").status_code == 204
    assert here.get("/api/account").status_code == 401


def test_a_program_changes_the_password(alice, client_for) -> None:
    client = client_for(alice)
    body = {"current_password": alice.password, "new_password": NEW}
    assert client.post("/api/account/password", json=body).status_code == 204
    assert client.get("/api/account").status_code == 200
    sessions.sign_in(alice.email, NEW, user_agent="", address="")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"current_password": "no", "new_password": NEW}, 403, "wrong_password"),
        ({"current_password": None, "new_password": NEW}, 422, "validation_failed"),
        ({"current_password": "", "new_password": "short"}, 400, "weak_password"),
        ({"new_password": NEW}, 422, "validation_failed"),
    ],
)
def test_a_refused_change_is_a_problem_document(alice, client_for, body, status, code) -> None:
    if body.get("current_password") == "":
        body = body | {"current_password": alice.password}
    answer = client_for(alice).post("/api/account/password", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_too_many_guesses_at_the_password_are_a_429(alice, client_for) -> None:
    client = client_for(alice)
    body = {"current_password": "a guess that is wrong", "new_password": NEW}
    for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        assert client.post("/api/account/password", json=body).status_code == 403
    answer = client.post("/api/account/password", json=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 900


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"current_password": "{right}", "new_password": NEW}, "changed"),
        ({"current_password": "no", "new_password": NEW}, "wrong"),
        ({"current_password": "{right}", "new_password": "short"}, "weak"),
        ({"new_password": NEW}, "wrong"),
    ],
)
def test_the_form_leads_back_to_the_page(alice, client_for, fields, fragment: str) -> None:
    fields = {name: value.replace("{right}", alice.password) for name, value in fields.items()}
    answer = client_for(alice).post("/api/account/password", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/account#{fragment}")


def test_the_form_says_when_guessing_is_limited(alice, client_for) -> None:
    for _ in range(sign_in_limits.PER_ACCOUNT_AND_ADDRESS):
        sign_in_limits.begin(alice.email, "127.0.0.1")
    fields = {"current_password": alice.password, "new_password": NEW}
    answer = client_for(alice).post("/api/account/password", data=fields)
    assert answer.headers["location"] == "/account#limited"


@pytest.mark.parametrize("path", ["password", "delete"])
def test_forms_of_other_sites_and_of_nobody_change_nothing(alice, client_for, path: str) -> None:
    fields = {"current_password": alice.password, "new_password": NEW, "email": alice.email}
    client = client_for(alice)
    for origin in ("https://evil.example", "null", "http://localhost:8001"):
        answer = client.post(f"/api/account/{path}", data=fields, headers={"origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    del client.headers["origin"]
    assert client.post(f"/api/account/{path}", data=fields).status_code == 403
    answer = client_for(None).post(f"/api/account/{path}", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    sessions.sign_in(alice.email, alice.password, user_agent="", address="")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/api/account", {"email": "alice@example.org"}),
        ("DELETE", "/api/account/sessions", None),
        ("POST", "/api/account/password", {"current_password": "", "new_password": NEW}),
    ],
)
def test_a_token_that_only_reads_changes_nothing(alice, client_for, method, path, body) -> None:
    client = with_token(client_for, alice, Scope.READ)
    answer = client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert client.get("/api/account").status_code == 200


def test_a_program_deletes_the_account(alice, client_for) -> None:
    client = with_token(client_for, alice)
    answer = client.request("DELETE", "/api/account", json={"email": "mallory@example.org"})
    assert (answer.status_code, answer.json()["code"]) == (400, "email_mismatch")
    assert client.request("DELETE", "/api/account", json={"email": alice.email}).status_code == 204
    assert client.get("/api/account").status_code == 401
    assert administration.purge_deleted() == 1


def test_the_last_administrator_is_told_so(admin, client_for) -> None:
    client = client_for(admin)
    answer = client.request("DELETE", "/api/account", json={"email": admin.email})
    assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")
    answer = client.post("/api/account/delete", data={"email": admin.email})
    assert answer.headers["location"] == "/account#last"


def test_the_form_deletes_the_account(alice, client_for) -> None:
    client = client_for(alice)
    answer = client.post("/api/account/delete", data={"email": "alice"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account#mismatch")
    answer = client.post("/api/account/delete", data={"email": alice.email})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in#deleted")
    assert client.get("/api/account").status_code == 401


def test_the_export_is_one_json_document(monkeypatch, alice, mallory, client_for) -> None:
    monkeypatch.setattr(own_account, "EXPORT_STEP", 2)
    client = client_for(alice)
    empty = client.get("/api/account/export")
    assert empty.json()["images"] == []
    ids = {str(add_image(alice.user_id).id) for _ in range(3)}
    add_image(mallory.user_id)
    answer = client.get("/api/account/export")
    assert answer.headers["content-disposition"].startswith("attachment")
    body = json.loads(answer.content)
    assert body["account"]["email"] == alice.email
    assert {image["id"] for image in body["images"]} == ids


def test_whoever_has_a_one_time_password_is_led_to_choose_another(admin, alice, client_for) -> None:
    password = administration.reset_password(admin.user_id, alice.user_id)
    client = client_for(None)
    fields = {"email": alice.email, "password": password}
    assert client.post("/api/sign-in", data=fields).headers["location"] == "/account#temporary"
    fields = {"current_password": password, "new_password": NEW}
    assert client.post("/api/account/password", data=fields).headers["location"].endswith("changed")
    answer = client.post("/api/sign-in", data={"email": alice.email, "password": NEW})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_after_ten_failures_the_form_says_that_it_is_enough(alice, client_for, email: str) -> None:
    client = client_for(None)
    fields = {"email": email, "password": "a guess that is wrong"}
    answers = [client.post("/api/sign-in", data=fields).headers["location"] for _ in range(11)]
    assert answers == ["/sign-in#invalid"] * 10 + ["/sign-in#limited"]


def test_too_many_accounts_from_one_address_are_refused(admin, client_for) -> None:
    for _ in range(sign_in_limits.SIGN_UPS_PER_ADDRESS):
        sign_in_limits.sign_up("127.0.0.1")
    fields = {"email": "carol@example.org", "password": NEW}
    answer = client_for(None).post("/api/sign-up", data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-up#limited")
