"""Which page a person is led to, before any page is served."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from imgapp.services.accounts import sessions
from imgapp.settings import get_settings
from imgapp.ui.shell.page_gate import PageGate
from tests.conftest import ORIGIN

PAGES = frozenset({"/", "/account", "/people", "/audit", "/sign-in", "/sign-up", "/welcome"})


def gate(cookie: str = "") -> TestClient:
    client = TestClient(
        PageGate(PlainTextResponse("the page"), PAGES), base_url=ORIGIN, follow_redirects=False
    )
    if cookie:
        client.cookies.set(get_settings().session_cookie, cookie, domain="localhost.local")
    return client


def leads_to(client: TestClient, path: str) -> str:
    answer = client.get(path)
    return answer.headers.get("location", "stays")


@pytest.mark.parametrize("path", ["/account", "/people", "/audit", "/account/"])
def test_signed_out_every_page_leads_to_the_form(alice, path: str) -> None:
    form = f"/sign-in?next={path.rstrip('/')}"
    assert leads_to(gate(), path) == form
    assert leads_to(gate("not a cookie of ours"), path) == form


def test_signed_out_the_first_page_leads_to_the_form_as_it_is(alice) -> None:
    assert leads_to(gate(), "/") == leads_to(gate("not a cookie of ours"), "/") == "/sign-in"


def test_what_was_looked_for_is_not_forgotten_on_the_way(alice) -> None:
    form = "/sign-in?next=/%3Fq%3Dred%2520bike%26picture%3D1"
    assert leads_to(gate(), "/?q=red%20bike&picture=1") == form
    cookie = sessions.start_session(alice.user_id, user_agent="", address="").cookie
    assert leads_to(gate(cookie), form) == "/?q=red%20bike&picture=1"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example", "/api/sign-out"])
def test_mallory_leads_nobody_elsewhere_with_the_address_of_the_form(alice, wanted: str) -> None:
    cookie = sessions.start_session(alice.user_id, user_agent="", address="").cookie
    assert leads_to(gate(cookie), f"/sign-in?next={quote(wanted)}") == "/"
    assert leads_to(gate(), f"/account?next={quote(wanted)}").startswith("/sign-in?next=/account")


@pytest.mark.parametrize("path", ["/", "/account", "/people", "/audit"])
def test_signed_in_the_pages_are_served(alice, path: str) -> None:
    cookie = sessions.start_session(alice.user_id, user_agent="", address="").cookie
    assert leads_to(gate(cookie), path) == "stays"
    assert leads_to(gate(cookie), "/sign-in") == "/"


@pytest.mark.parametrize(("signup", "where"), [("open", "stays"), ("closed", "/sign-in#closed")])
def test_the_form_for_a_new_account_is_there_where_people_make_their_own(
    alice, set_env: Callable[..., None], signup: str, where: str
) -> None:
    set_env(IMGAPP_SIGNUP=signup)
    assert leads_to(gate(), "/sign-up") == where
    assert leads_to(gate(), "/sign-in") == "stays"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/sign-up"])
def test_before_the_first_account_every_page_leads_to_it(
    database: None, set_env: Callable[..., None], path: str
) -> None:
    set_env(IMGAPP_SIGNUP="closed")
    assert leads_to(gate(), path) == ("/sign-in" if path == "/" else "/welcome")
