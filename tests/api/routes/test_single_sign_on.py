"""Away to the provider and back: whose account it is, and everything that is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from imgapp.adapters import oidc, one_time_values
from imgapp.models import Scope
from imgapp.services.accounts import registration, safe_redirects, sessions, single_sign_on, tokens
from imgapp.services.common import audit_trail
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.hostile_provider import AUDIENCE, REMOVED, HostileProvider, query_of, rsa_key

START, CALLBACK = "/api/single-sign-on/start", "/api/single-sign-on/callback"
ClientFor = Callable[..., TestClient]


@pytest.fixture
def idp(database: None, set_env: Callable[..., None]) -> Iterator[HostileProvider]:
    with HostileProvider() as running:
        set_env(**running.settings)
        oidc.reset()
        yield running
    oidc.reset()


@pytest.fixture
def browser(idp: HostileProvider, admin: Person, client_for: ClientFor) -> TestClient:
    """A browser that is signed out, where an administrator has an account already."""
    return client_for(None)


def go(client: TestClient, idp: HostileProvider, **query: str) -> dict[str, str]:
    """Away to the provider; what the person's browser brings back."""
    answer = client.get(START, params=query)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{idp.issuer}/authorize?")
    return idp.authorize(answer.headers["location"])


def come_back(client: TestClient, **answer: str) -> str:
    """Where the provider's answer leads."""
    reply = client.get(CALLBACK, params=answer)
    assert reply.status_code == 303, reply.text
    return str(reply.headers["location"])


def sign_in(client: TestClient, idp: HostileProvider) -> str:
    return come_back(client, **go(client, idp))


def viewer(client: TestClient) -> Any:
    return sessions.viewer_of_cookie(client.cookies.get(get_settings().session_cookie, ""))


def failures(admin: Person) -> list[tuple[str, str]]:
    """What the audit trail says about refused sign-ins, newest first."""
    page = audit_trail.list_events(admin.user_id, kind=audit_trail.AuditKind.SIGN_IN_FAILED)
    return [(one.details["code"], one.details["reason"]) for one in page.items]


def self_registered(user_id: Any, administrator: sa.Engine) -> bool:
    with administrator.connect() as connection:
        query = sa.text("SELECT self_registered FROM users WHERE id = :id")
        return bool(connection.execute(query, {"id": user_id}).scalar_one())


def test_a_new_person_gets_an_account_and_a_session(browser, idp, admin, administrator) -> None:
    assert sign_in(browser, idp) == "/"
    seen = viewer(browser)
    assert (seen.email, seen.is_admin) == ("alice@example.org", False)
    assert not self_registered(seen.user_id, administrator)
    assert [one.auth_method for one in sessions.list_sessions(seen.user_id)] == ["oidc"]
    kinds = {one.kind for one in audit_trail.list_events(admin.user_id, person="alice").items}
    assert {"account_created", "signed_in"} <= kinds


def test_a_known_person_is_known_by_the_subject_whatever_the_address(
    browser, idp, client_for
) -> None:
    sign_in(browser, idp)
    idp.person.email, idp.person.email_verified = "new-name@example.org", False
    other = client_for(None)
    assert sign_in(other, idp) == "/"
    assert viewer(other).user_id == viewer(browser).user_id
    assert viewer(other).email == "alice@example.org"


def test_a_verified_address_links_the_account_that_has_it(browser, idp, alice, admin) -> None:
    idp.person.email = "Alice@Example.org"
    assert sign_in(browser, idp) == "/"
    assert viewer(browser).user_id == alice.user_id
    assert sessions.sign_in(alice.email, alice.password, user_agent="", address="")
    linked = audit_trail.list_events(
        admin.user_id, kind=audit_trail.AuditKind.IDENTITY_LINKED
    ).items
    assert [one.details["took_over"] for one in linked] == [False]


@pytest.mark.parametrize("verified", [False, None, "no", 1])
def test_an_address_that_is_not_verified_links_nothing(
    browser, idp, alice, admin, verified: Any
) -> None:
    idp.person.email_verified = verified
    assert sign_in(browser, idp) == "/sign-in#email-not-verified"
    assert viewer(browser) is None
    assert failures(admin)[0][0] == "email_not_verified"
    assert sessions.list_sessions(alice.user_id) == []


def test_who_waits_in_somebody_elses_name_is_out_when_they_come(
    browser, idp, client_for, administrator
) -> None:
    waiting = client_for(None)
    fields = {"email": "alice@example.org", "password": "mallory waits for alice"}
    assert waiting.post("/api/sign-up", data=fields).headers["location"] == "/"
    squatter = viewer(waiting)
    assert self_registered(squatter.user_id, administrator)
    token = tokens.create_token(squatter.user_id, "later").token

    assert sign_in(browser, idp) == "/"
    assert viewer(browser).user_id == squatter.user_id
    assert viewer(waiting) is None
    assert tokens.viewer_of_token(token) is None
    again = waiting.post("/api/sign-in", data=fields)
    assert again.headers["location"] == "/sign-in#invalid"
    assert not self_registered(squatter.user_id, administrator)


def test_so_is_who_waits_with_an_unverified_address_at_the_provider(
    browser, idp, client_for
) -> None:
    idp.person.subject, idp.person.email_verified = "sub-mallory", False
    waiting = client_for(None)
    assert sign_in(waiting, idp) == "/"
    idp.person.subject, idp.person.email_verified = "sub-alice", True
    assert sign_in(browser, idp) == "/"
    assert viewer(waiting) is None
    idp.person.subject, idp.person.email_verified = "sub-mallory", False
    assert sign_in(waiting, idp) == "/sign-in#email-not-verified"


def test_without_an_address_there_is_no_account(browser, idp, admin) -> None:
    for email in (None, "", "nobody", "a" * 300 + "@example.org"):
        idp.person.email = email
        assert sign_in(browser, idp) == "/sign-in#email-missing"
    assert failures(admin) == [("email_missing", "no email")] * 4


def test_closed_sign_up_lets_in_who_has_an_account(browser, idp, alice, set_env, admin) -> None:
    set_env(IMGAPP_SIGNUP="closed")
    assert sign_in(browser, idp) == "/"
    idp.person.subject, idp.person.email = "sub-carol", "carol@example.org"
    browser.cookies.clear()
    assert sign_in(browser, idp) == "/sign-in#sign-up-closed"
    assert failures(admin) == [("sign_up_closed", "sign-up is closed")]


def test_a_disabled_account_stays_closed(browser, idp, alice, admin, administrator) -> None:
    assert sign_in(browser, idp) == "/"
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now() WHERE NOT is_admin"))
    assert sign_in(browser, idp) == "/sign-in#account-disabled"
    idp.person.subject = "another subject with the same address"
    assert sign_in(browser, idp) == "/sign-in#account-disabled"
    assert len(failures(admin)) == 2


def test_the_first_account_is_not_made_this_way(idp, client_for) -> None:
    answer = client_for(None).get(START)
    assert (answer.status_code, answer.headers["location"]) == (303, "/welcome")
    assert not registration.has_users()


def test_two_tabs_sign_in_at_once(browser, idp) -> None:
    first, second = go(browser, idp), go(browser, idp)
    assert come_back(browser, **second) == "/"
    assert come_back(browser, **first) == "/"
    assert len(sessions.list_sessions(viewer(browser).user_id)) == 1


def test_the_same_new_person_twice_at_once_is_one_account(browser, idp, client_for) -> None:
    clients = [client_for(None) for _ in range(4)]
    answers = [go(client, idp) for client in clients]
    reached: list[str] = []

    def finish(client: TestClient, answer: dict[str, str]) -> None:
        reached.append(come_back(client, **answer))

    threads = [
        threading.Thread(target=finish, args=pair) for pair in zip(clients, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reached == ["/"] * 4
    assert len({viewer(client).user_id for client in clients}) == 1


def test_an_answer_is_good_once(browser, idp, admin) -> None:
    idp.forgetful = True
    answer = go(browser, idp)
    assert come_back(browser, **answer) == "/"
    browser.cookies.delete(get_settings().session_cookie)
    assert come_back(browser, **answer) == "/sign-in#sign-in-expired"
    assert viewer(browser) is None
    assert idp.paths.count("/token") == 1
    assert failures(admin) == [("sign_in_expired", "state")]


def test_a_code_that_the_provider_saw_before_is_refused(browser, idp, admin, client_for) -> None:
    answer = go(browser, idp)
    come_back(browser, **answer)
    other = client_for(None)
    mine = go(other, idp)
    assert come_back(other, code=answer["code"], state=mine["state"]) == "/sign-in#provider-refused"
    assert failures(admin) == [("provider_refused", "invalid_grant")]


def test_the_answer_counts_in_the_browser_that_asked_only(browser, idp, admin, client_for) -> None:
    answer = go(browser, idp)
    victim = client_for(None)
    assert come_back(victim, **answer) == "/sign-in#sign-in-expired"
    assert viewer(victim) is None
    assert failures(admin) == [("sign_in_expired", "browser")]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"code": "x"},
        {"state": "made up", "code": "x"},
        {"state": "x" * 5000, "code": "x"},
        {"state": "\x00\ud7ff", "code": "\x00"},
        {"error": "access_denied"},
    ],
)
def test_an_answer_to_no_question_is_refused(browser, admin, answer: dict[str, str]) -> None:
    assert come_back(browser, **answer) == "/sign-in#sign-in-expired"
    assert failures(admin) == [("sign_in_expired", "state")]


def test_a_parameter_that_stands_there_twice_is_refused(browser, idp, admin) -> None:
    answer = go(browser, idp)
    query = f"?state={answer['state']}&code={answer['code']}&state={answer['state']}"
    reply = browser.get(CALLBACK + query)
    assert reply.headers["location"] == "/sign-in#sign-in-expired"
    assert failures(admin) == [("sign_in_expired", "state")]


@pytest.mark.parametrize(
    ("error", "fragment"),
    [
        ("access_denied", "sign-in-cancelled"),
        ("server_error", "provider-refused"),
        ("\x00<script>", "provider-refused"),
    ],
)
def test_the_provider_may_refuse(browser, idp, admin, error: str, fragment: str) -> None:
    state = go(browser, idp)["state"]
    assert come_back(browser, state=state, error=error) == f"/sign-in#{fragment}"
    assert failures(admin)[0][0] == fragment.replace("-", "_")


@pytest.mark.parametrize("extra", [{"iss": "https://evil.example"}, {"code": ""}])
def test_an_answer_of_another_provider_or_without_a_code_is_refused(
    browser, idp, admin, extra: dict[str, str]
) -> None:
    assert come_back(browser, **go(browser, idp) | extra) == "/sign-in#sign-in-refused"
    assert "/token" not in idp.paths
    assert len(failures(admin)) == 1


MISBEHAVIOUR: dict[str, tuple[dict[str, Any], str]] = {
    "wrong issuer": ({"claims": {"iss": "https://evil.example"}}, "iss"),
    "wrong audience": ({"claims": {"aud": "another client"}}, "aud"),
    "wrong nonce": ({"claims": {"nonce": "another"}}, "nonce"),
    "no nonce": ({"claims": {"nonce": REMOVED}}, "nonce"),
    "expired": ({"claims": {"exp": int(time.time()) - 3600}}, "exp"),
    "no signature": ({"header": {"alg": "none"}}, "unsupported_algorithm"),
    "a published key as a secret": (
        {"secret": rsa_key("one").as_pem(private=False)},
        "unsupported_algorithm",
    ),
    "somebody else's key": ({"key": RSAKey.generate_key(2048, {"kid": "one"})}, "bad_signature"),
    "unknown key": ({"header": {"kid": "nobody's"}}, "unknown key"),
    "no token": ({"token_answer": (200, b"{}")}, "no token"),
    "rubbish": ({"token_answer": (200, b"\xff\x00")}, "token answer"),
    "another person's userinfo": (
        {"claims": {"email": REMOVED}, "userinfo": {"sub": "sub-mallory"}},
        "userinfo sub",
    ),
}


@pytest.mark.parametrize("what", MISBEHAVIOUR)
def test_a_provider_that_misbehaves_signs_nobody_in(browser, idp, admin, alice, what: str) -> None:
    changes, reason = MISBEHAVIOUR[what]
    for name, value in changes.items():
        setattr(idp, name, value)
    assert sign_in(browser, idp) == "/sign-in#sign-in-refused"
    assert viewer(browser) is None
    assert failures(admin) == [("sign_in_refused", reason)]


def test_a_provider_that_is_down_is_said_to_be(browser, idp, alice) -> None:
    answer = go(browser, idp)
    idp.stop()
    assert come_back(browser, **answer) == "/sign-in#provider-unavailable"
    oidc.reset()
    assert browser.get(START).headers["location"] == "/sign-in#provider-unavailable"
    fields = {"email": alice.email, "password": alice.password}
    assert browser.post("/api/sign-in", data=fields).headers["location"] == "/"


def test_without_redis_it_is_said_too(browser, idp, set_env, tmp_path) -> None:
    set_env(REDIS_URL=f"unix://{tmp_path}/none.sock")
    assert browser.get(START).headers["location"] == "/sign-in#unavailable"
    assert come_back(browser, state="x", code="x") == "/sign-in#unavailable"


def test_the_cookie_of_a_flow_is_short_lived_and_for_the_server_only(browser, idp) -> None:
    reply = browser.get(START)
    cookie = reply.headers["set-cookie"].lower()
    assert "max-age=600" in cookie
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    value = reply.headers["set-cookie"].partition("=")[2].partition(";")[0]
    answer = idp.authorize(reply.headers["location"])
    back = browser.get(CALLBACK, params=answer)
    ended = [c for c in back.headers.get_list("set-cookie") if "imgapp_sign_on_" in c]
    assert len(ended) == 1
    assert "max-age=0" in ended[0].lower()
    assert value not in str(back.headers)


def test_under_https_the_flow_is_bound_to_the_host(idp, admin, set_env, client_for) -> None:
    set_env(IMGAPP_PUBLIC_URL="https://pictures.example.org")
    reply = client_for(None).get(START, headers={"host": "10.0.0.7:8000"})
    assert reply.headers["set-cookie"].startswith("__Host-imgapp_sign_on_")
    assert "; Secure" in reply.headers["set-cookie"]
    asked = query_of(reply.headers["location"])
    assert asked["redirect_uri"] == "https://pictures.example.org/api/single-sign-on/callback"


def test_what_is_kept_of_a_flow_is_kept_for_ten_minutes_and_not_readable_by_its_name(
    browser, idp, servers
) -> None:
    import redis

    state = go(browser, idp)["state"]
    with redis.Redis.from_url(servers.redis_url) as client:
        names = client.keys("imgapp:once:*")
        assert len(names) == 1
        assert state.encode() not in names[0]
        assert 590 <= client.ttl(names[0]) <= 600
    assert one_time_values.take(state) is not None
    assert one_time_values.take(state) is None


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ("/?image=1", "/?image=1"),
        ("/account#sessions", "/account#sessions"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("/api/single-sign-on/start", "/"),
        ("//[", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_elsewhere(browser, idp, wanted: str, where: str) -> None:
    assert safe_redirects.own_path(wanted) == where
    assert come_back(browser, **go(browser, idp, next=wanted)) == where


def test_who_is_signed_in_already_stays_who_they_are(client_for, idp, alice) -> None:
    client = client_for(alice)
    assert client.get(START).headers["location"] == "/"
    assert viewer(client).user_id == alice.user_id


def test_localhost_by_number_starts_at_the_address_that_people_come_back_to(browser, idp) -> None:
    reply = browser.get("http://127.0.0.1:8000" + START + "?next=/account")
    assert reply.headers["location"] == f"http://localhost:8000{START}?next=/account"


def test_signing_out_goes_on_to_the_provider(browser, idp) -> None:
    sign_in(browser, idp)
    cookie = browser.cookies[get_settings().session_cookie]
    reply = browser.post("/api/sign-out")
    assert reply.headers["location"] == "/api/single-sign-on/signed-out"
    assert sessions.viewer_of_cookie(cookie) is None
    page = browser.get("/api/single-sign-on/signed-out")
    assert page.status_code == 200
    assert f'content="0;url={idp.issuer}/logout?client_id=imgapp&amp;' in page.text
    assert "post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Fsign-in" in page.text
    assert "Sign out of Example Login too" in page.text
    assert "<script" not in page.text


def test_signing_out_of_a_session_with_a_password_stays_here(client_for, idp, alice) -> None:
    assert client_for(alice).post("/api/sign-out").headers["location"] == "/sign-in"


@pytest.mark.parametrize("down", [True, False])
def test_a_provider_without_a_page_to_sign_out_is_left_alone(browser, idp, down: bool) -> None:
    oidc.reset()
    idp.metadata = {"end_session_endpoint": None}
    if down:
        idp.stop()
    assert browser.get("/api/single-sign-on/signed-out").headers["location"] == "/sign-in"


def test_the_page_learns_which_ways_to_sign_in_there_are(browser, idp, set_env) -> None:
    options = browser.get("/api/sign-in/options").json()
    assert len(options.pop("origins")) > 0
    assert options == {
        "single_sign_on": {"name": "Example Login", "href": START},
        "sign_up": True,
    }
    set_env(**dict.fromkeys(idp.settings), IMGAPP_SIGNUP="closed")
    options = browser.get("/api/sign-in/options").json()
    assert (options["single_sign_on"], options["sign_up"]) == (None, False)
    for path in (START, CALLBACK):
        assert browser.get(path).headers["location"] == "/sign-in#sign-on-off"
    assert browser.get("/api/single-sign-on/signed-out").headers["location"] == "/sign-in"


def test_who_fails_too_often_waits(browser, idp, admin, monkeypatch) -> None:
    monkeypatch.setattr(single_sign_on, "_FAILURES", 3)
    for _ in range(3):
        assert come_back(browser, state="x") == "/sign-in#sign-in-expired"
    assert come_back(browser, state="x") == "/sign-in#limited"
    assert len(failures(admin)) == 3
    monkeypatch.setattr(single_sign_on, "_STARTS", 1)
    go(browser, idp)
    assert browser.get(START).headers["location"] == "/sign-in#limited"


def bearer(client: TestClient, token: str, method: str = "GET", **body: Any) -> Any:
    return client.request(
        method, "/api/tokens", headers={"authorization": f"Bearer {token}"}, **body
    )


def test_an_access_token_of_the_provider_speaks_for_the_linked_person(
    browser, idp, client_for, alice, admin
) -> None:
    program = client_for(None)
    assert bearer(program, idp.access_token()).status_code == 401
    sign_in(browser, idp)
    mine = tokens.create_token(alice.user_id, "hers")
    answer = bearer(program, idp.access_token())
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["items"]] == [str(mine.id)]
    used = audit_trail.list_events(admin.user_id, kind=audit_trail.AuditKind.TOKEN_USED).items
    assert [one.email for one in used] == [alice.email]


@pytest.mark.parametrize(
    ("scope", "may_write"),
    [
        ("imgapp.read", False),
        ("openid profile", False),
        (REMOVED, False),
        ("imgapp.write", True),
        ("imgapp.read imgapp.write", True),
        ("imgapp.writeall", False),
    ],
)
def test_it_reads_and_writes_only_when_its_scope_says_so(
    browser, idp, client_for, scope: Any, may_write: bool
) -> None:
    sign_in(browser, idp)
    program, token = client_for(None), idp.access_token({"scope": scope})
    assert bearer(program, token).status_code == 200
    changed = bearer(program, token, "POST", json={"name": "another"})
    assert changed.status_code == (201 if may_write else 403)
    seen = single_sign_on.viewer_of_access_token(token)
    assert seen is not None
    assert (Scope.WRITE in seen.scopes) is may_write


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another service"},
        {"exp": int(time.time()) - 3600},
        {"sub": "sub-mallory"},
    ],
)
def test_a_token_for_something_else_opens_nothing(
    browser, idp, client_for, claims: dict[str, Any]
) -> None:
    sign_in(browser, idp)
    answer = bearer(client_for(None), idp.access_token(claims))
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_id_token_opens_nothing(browser, idp, client_for, set_env) -> None:
    sign_in(browser, idp)
    set_env(IMGAPP_OIDC_AUDIENCE="imgapp")
    program = client_for(None)
    assert bearer(program, idp.sign({"aud": "imgapp", "nonce": "n"})).status_code == 401
    assert bearer(program, idp.access_token({"aud": "imgapp"})).status_code == 200
    assert bearer(program, idp.access_token({"aud": AUDIENCE})).status_code == 401


def test_a_disabled_person_has_no_access_tokens(browser, idp, client_for, administrator) -> None:
    sign_in(browser, idp)
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now() WHERE NOT is_admin"))
    assert bearer(client_for(None), idp.access_token()).status_code == 401


def test_without_an_audience_the_providers_tokens_are_strangers(
    browser, idp, client_for, set_env
) -> None:
    sign_in(browser, idp)
    set_env(IMGAPP_OIDC_AUDIENCE=None)
    assert bearer(client_for(None), idp.access_token()).status_code == 401


def test_while_the_provider_is_down_its_tokens_cannot_be_checked(
    browser, idp, client_for, alice
) -> None:
    sign_in(browser, idp)
    token, own = idp.access_token(), tokens.create_token(alice.user_id, "own").token
    idp.stop()
    program = client_for(None)
    assert bearer(program, token).status_code == 200  # the keys are known
    oidc.reset()
    refused = bearer(program, token)
    assert (refused.status_code, refused.json()["code"]) == (503, "provider_unavailable")
    assert "retry-after" in refused.headers
    assert bearer(program, own).status_code == 200


def test_no_refusal_says_what_went_on_inside(browser, idp, admin) -> None:
    idp.claims = {"nonce": "another"}
    answer = go(browser, idp)
    reply = browser.get(CALLBACK, params=answer)
    assert reply.text == ""
    shown = str(reply.headers)
    assert answer["code"] not in shown
    assert answer["state"] not in shown
    assert "nonce" not in shown
