"""The plain forms, and who a request comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.errors import NotSignedIn
from imgapp.services.accounts import registration, sessions, tokens

GOOD = "correct horse battery staple"
ClientFor = Callable[..., TestClient]


def answer_of(client: TestClient, path: str, **fields: str) -> tuple[int, str]:
    answer = client.post(path, data=fields)
    return answer.status_code, answer.headers.get("location", "")


def viewer(client: TestClient) -> Any:
    return sessions.viewer_of_cookie(client.cookies.get("imgapp_session", ""))


@pytest.fixture
def stranger(client_for: ClientFor) -> TestClient:
    return client_for(None)


def test_signing_in_leads_into_the_gallery_with_a_cookie(alice, stranger) -> None:
    answer = stranger.post("/api/sign-in", data={"email": alice.email, "password": alice.password})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=lax", "path=/", "max-age="):
        assert attribute in cookie
    assert "secure" not in cookie
    assert "domain" not in cookie
    assert viewer(stranger).user_id == alice.user_id


def test_signing_in_leads_to_where_one_wanted_to_go(alice, stranger) -> None:
    fields = {"email": alice.email, "password": alice.password, "next": "/?picture=1"}
    assert answer_of(stranger, "/api/sign-in", **fields) == (303, "/?picture=1")
    refused = answer_of(stranger, "/api/sign-in", **fields | {"password": "a guess"})
    assert refused == (303, "/sign-in?next=/%3Fpicture%3D1#invalid")


def test_signing_up_leads_to_where_one_wanted_to_go(admin, stranger) -> None:
    fields = {"email": "carol@example.org", "password": "short", "next": "/usage"}
    assert answer_of(stranger, "/api/sign-up", **fields) == (303, "/sign-up?next=/usage#weak")
    assert answer_of(stranger, "/api/sign-up", **fields | {"password": GOOD}) == (303, "/usage")


@pytest.mark.parametrize("wanted", ["//evil.example", "/\\evil.example", "https://evil.example"])
def test_mallory_leads_nobody_elsewhere_by_signing_in(alice, stranger, wanted: str) -> None:
    fields = {"email": alice.email, "password": "a guess", "next": wanted}
    assert answer_of(stranger, "/api/sign-in", **fields) == (303, "/sign-in#invalid")
    fields["password"] = alice.password
    assert answer_of(stranger, "/api/sign-in", **fields) == (303, "/")


def test_under_https_the_cookie_is_secure(alice, set_env, client_for) -> None:
    set_env(IMGAPP_PUBLIC_URL="https://pictures.example.org")
    answer = client_for(None).post(
        "/api/sign-in",
        data={"email": alice.email, "password": alice.password},
        headers={"origin": "https://pictures.example.org"},
    )
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "alice@example.org", "password": "wrong horse battery staple"},
        {"email": "nobody@example.org", "password": GOOD},
        {"email": "alice@example.org"},
        {"email": "alice@example.org\x00", "password": GOOD},
        {},
    ],
)
def test_a_failed_sign_in_leads_back_to_the_form(alice, stranger, fields) -> None:
    assert answer_of(stranger, "/api/sign-in", **fields) == (303, "/sign-in#invalid")
    assert viewer(stranger) is None


def test_signing_in_again_ends_the_session_before(alice, client_for) -> None:
    client = client_for(alice)
    before = client.cookies["imgapp_session"]
    client.post("/api/sign-in", data={"email": alice.email, "password": alice.password})
    assert viewer(client).user_id == alice.user_id
    assert sessions.viewer_of_cookie(before) is None


def test_signing_out_ends_the_session_and_clears_the_cookie(alice, client_for) -> None:
    client = client_for(alice)
    cookie = client.cookies["imgapp_session"]
    assert answer_of(client, "/api/sign-out") == (303, "/sign-in")
    assert sessions.viewer_of_cookie(cookie) is None
    assert "imgapp_session" not in client.cookies
    assert answer_of(client, "/api/sign-out") == (303, "/sign-in")


@pytest.mark.parametrize("path", ["/api/sign-in", "/api/sign-out", "/api/sign-up", "/api/welcome"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8001"])
def test_forms_of_other_sites_are_refused(client_for, alice, path: str, origin: str) -> None:
    client = client_for(alice)
    fields = {"email": "new@example.org", "password": GOOD}
    answer = client.post(path, data=fields, headers={"origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert viewer(client).user_id == alice.user_id


def test_a_form_from_another_address_leads_to_a_page_that_says_the_right_one(
    client_for, alice
) -> None:
    client = client_for(alice)
    browser = {"origin": "http://192.0.2.7:8000", "accept": "text/html,*/*;q=0.8"}
    # A proxy may give the host another name; then the browser says that it is its own page.
    for sign in ({"host": "192.0.2.7:8000"}, {"sec-fetch-site": "same-origin"}):
        for path in ("/api/sign-in", "/api/sign-out", "/api/account/delete"):
            form = {"email": alice.email}
            answer = client.post(path, data=form, headers=browser | sign)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in#address")
            assert "set-cookie" not in answer.headers
    # A page of another site is led nowhere, and a program reads what was wrong.
    for foreign in (browser, browser | sign | {"accept": "*/*"}, browser | {"origin": "null"}):
        answer = client.post("/api/sign-out", headers=foreign)
        assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")
    assert viewer(client).user_id == alice.user_id
    options = client.get("/api/sign-in/options").json()
    assert options["origins"] == ["http://localhost:8000", "http://127.0.0.1:8000"]


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"origin": "http://localhost:8000"}, True),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"referer": "http://localhost:8000/sign-in"}, True),
        ({"referer": "http://localhost:8000.evil.example/sign-in"}, False),
        ({"referer": "https://evil.example/http://localhost:8000"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, False),
        ({}, False),
    ],
)
def test_where_a_form_comes_from(alice, stranger, headers, allowed: bool) -> None:
    del stranger.headers["origin"]
    fields = {"email": alice.email, "password": alice.password}
    answer = stranger.post("/api/sign-in", data=fields, headers=headers)
    assert answer.status_code == (303 if allowed else 403)


def test_signing_up_makes_an_ordinary_account_and_signs_in(admin, stranger) -> None:
    fields = {"email": "carol@example.org", "password": GOOD}
    assert answer_of(stranger, "/api/sign-up", **fields) == (303, "/")
    assert (viewer(stranger).email, viewer(stranger).is_admin) == ("carol@example.org", False)


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"email": "ADMIN@example.org", "password": GOOD}, "taken"),
        ({"email": "carol@example.org", "password": "short"}, "weak"),
        ({"email": "carol", "password": GOOD}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_a_refused_sign_up_says_why(admin, stranger, fields, fragment: str) -> None:
    assert answer_of(stranger, "/api/sign-up", **fields) == (303, f"/sign-up#{fragment}")
    assert viewer(stranger) is None


def test_signing_up_can_be_closed(admin, set_env, client_for) -> None:
    set_env(IMGAPP_SIGNUP="closed")
    fields = {"email": "carol@example.org", "password": GOOD}
    assert answer_of(client_for(None), "/api/sign-up", **fields) == (303, "/sign-up#closed")


def test_the_first_account_is_not_made_by_signing_up(stranger) -> None:
    fields = {"email": "carol@example.org", "password": GOOD}
    assert answer_of(stranger, "/api/sign-up", **fields) == (303, "/sign-up#closed")
    assert not registration.has_users()


def test_the_first_account_is_the_administrator(stranger) -> None:
    fields = {"email": "first@example.org", "password": GOOD}
    assert answer_of(stranger, "/api/welcome", **fields) == (303, "/")
    assert (viewer(stranger).email, viewer(stranger).is_admin) == ("first@example.org", True)


def test_there_is_no_second_first_account(alice, stranger) -> None:
    fields = {"email": "second@example.org", "password": GOOD}
    assert answer_of(stranger, "/api/welcome", **fields) == (303, "/sign-in")
    assert viewer(stranger) is None


@pytest.mark.parametrize(
    ("fields", "fragment"),
    [
        ({"email": "first@example.org", "password": "short"}, "weak"),
        ({"email": "first", "password": GOOD}, "invalid"),
    ],
)
def test_a_refused_first_account_says_why(stranger, fields, fragment: str) -> None:
    assert answer_of(stranger, "/api/welcome", **fields) == (303, f"/welcome#{fragment}")
    assert not registration.has_users()


@pytest.mark.parametrize(("token", "where"), [("", "/welcome#token"), ("sesame", "/")])
def test_beyond_loopback_the_first_account_needs_the_printed_link(
    database: None, set_env, client_for, token: str, where: str
) -> None:
    set_env(IMGAPP_HOST="0.0.0.0", IMGAPP_FIRST_ACCOUNT_TOKEN="sesame")
    fields = {"email": "first@example.org", "password": GOOD, "token": token}
    assert answer_of(client_for(None), "/api/welcome", **fields) == (303, where)
    assert registration.has_users() is (where == "/")


@pytest.mark.parametrize("form", ["sign-in", "sign-up", "welcome"])
def test_without_a_database_the_forms_say_so(set_env, client_for, tmp_path, form: str) -> None:
    set_env(DATABASE_URL=f"postgresql://imgapp_app@/imgapp?host={tmp_path}")
    fields = {"email": "carol@example.org", "password": GOOD}
    where = f"/{form}#unavailable"
    assert answer_of(client_for(None), f"/api/{form}", **fields) == (303, where)


def test_a_cookie_or_a_token_says_who_is_calling(alice, client_for, stranger) -> None:
    token = tokens.create_token(alice.user_id, "laptop").token
    assert client_for(alice).get("/api/tokens").status_code == 200
    bearer = {"authorization": f"Bearer {token}"}
    assert stranger.get("/api/tokens", headers=bearer).json()["items"][0]["name"] == "laptop"
    assert stranger.get("/api/tokens").status_code == 401


@pytest.mark.parametrize(
    "authorization", ["Bearer imgapp_wrong", "Bearer ", "Basic YTpi", "imgapp_x", "Bearer \xe9"]
)
def test_a_wrong_token_is_refused_whatever_the_cookie(alice, client_for, authorization) -> None:
    headers = {"authorization": authorization.encode("latin-1")}
    answer = client_for(alice).get("/api/tokens", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_with_a_cookie_changes_are_made_from_our_pages_only(alice, client_for) -> None:
    client = client_for(alice)
    elsewhere = {"origin": "https://evil.example"}
    body = {"name": "stolen"}
    assert client.post("/api/tokens", json=body, headers=elsewhere).status_code == 403
    assert client.get("/api/tokens", headers=elsewhere).json()["items"] == []
    assert client.post("/api/tokens", json=body).status_code == 201


def test_with_a_token_changes_are_made_from_anywhere(alice, stranger) -> None:
    headers = {"authorization": f"bearer {tokens.create_token(alice.user_id, 'n').token}"}
    del stranger.headers["origin"]
    assert stranger.post("/api/tokens", json={"name": "two"}, headers=headers).status_code == 201


def test_the_password_is_checked_off_the_event_loop(alice, stranger, monkeypatch) -> None:
    import threading

    names: list[str] = []

    def noting(*args: Any, **kwargs: Any) -> Any:
        names.append(threading.current_thread().name)
        raise NotSignedIn

    monkeypatch.setattr(sessions, "sign_in", noting)
    answer_of(stranger, "/api/sign-in", email=alice.email, password=alice.password)
    assert names[0].startswith("passwords")
