"""Cross-site request forgery: every route that changes something, called from elsewhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from imgapp.models import new_id
from imgapp.services.accounts import sessions, tokens
from imgapp.services.library import images
from tests.conftest import ORIGIN, Person, shared_api
from tests.support.rows import add_image

SAFE = {"GET", "HEAD", "OPTIONS"}

CHANGING = sorted(
    (method, route.path)
    for route in iter_route_contexts(shared_api().routes)
    for method in route.methods or ()
    if method not in SAFE
)

# What browsers send with a request that another site's page makes, and what is left out by some.
FOREIGN: dict[str, dict[str, str]] = {
    "another site": {"origin": "https://evil.example"},
    "an opaque origin": {"origin": "null"},
    "another port": {"origin": "http://localhost:8001"},
    "another scheme": {"origin": "https://localhost:8000"},
    "a name that ends like ours": {"origin": "http://evil.localhost:8000"},
    "a name that starts like ours": {"origin": "http://localhost:8000.evil.example"},
    "an empty origin": {"origin": ""},
    "another site, and our referrer": {"origin": "https://evil.example", "referer": f"{ORIGIN}/"},
    "another site's referrer": {"referer": "https://evil.example/"},
    "a referrer with our name in it": {"referer": "https://evil.example/http://localhost:8000/"},
    "a referrer with our name as user": {"referer": "http://localhost:8000@evil.example/"},
    "cross-site, no referrer": {"sec-fetch-site": "cross-site"},
    "same-site, no referrer": {"sec-fetch-site": "same-site"},
    "nothing at all": {},
}
FORMS = {"/api/sign-in", "/api/sign-up", "/api/sign-out", "/api/welcome", "/api/account/delete"}
"""Forms of our pages, which take no token."""

# What a page can send without asking first (the Fetch standard's "simple" requests), and JSON.
BODIES = {
    "text/plain": b'{"name": "evil"}',
    "application/json": b'{"name": "evil"}',
    "application/x-www-form-urlencoded": b"email=a%40example.org&password=x",
    "multipart/form-data; boundary=x": b"--x--\r\n",
    "": b"",
}


OF_EACH_KIND = {
    ("POST", "/api/sign-in"),
    ("POST", "/api/upload"),
    ("POST", "/api/images/actions"),
    ("PATCH", "/api/images/{image_id}"),
    ("DELETE", "/api/tokens/{token_id}"),
}
"""A form, files, JSON with and without an item, nothing: these get every header with every body."""


def pairs(route: tuple[str, str], *, every_header: bool) -> list[tuple[str, str]]:
    """Names of headers and media types that a route gets: three, every header, or all."""
    if route in OF_EACH_KIND:
        return list(itertools.product(FOREIGN, BODIES))
    each = list(zip(FOREIGN, itertools.cycle(BODIES), strict=False))
    if every_header:
        return each
    # One after the other, so that neighbours get different ones.
    nth = CHANGING.index(route)
    return [each[0], each[-1], each[nth % len(each)]]


def address(path: str, item_id: object) -> str:
    return re.sub(r"\{\w+_id\}", str(item_id), path)


@pytest.fixture
def hers(admin: Person, client_for: Callable[..., TestClient]) -> TestClient:
    """An administrator's browser: it may do everything. Its requests name no origin."""
    client = client_for(admin)
    del client.headers["origin"]
    return client


def test_the_routes_that_change_something_are_found() -> None:
    assert len(CHANGING) >= 9
    assert set(CHANGING) >= OF_EACH_KIND
    assert len(FOREIGN) >= len(BODIES)
    assert ("POST", "/api/sign-in") in CHANGING


@pytest.mark.parametrize(
    "every_header",
    [False, pytest.param(True, marks=pytest.mark.long)],
    ids=["some headers", "every header"],
)
def test_no_other_site_changes_anything_with_our_cookie(
    hers: TestClient, admin: Person, subtests: pytest.Subtests, every_header: bool
) -> None:
    image = add_image(admin.user_id)
    token = tokens.create_token(admin.user_id, "laptop")
    for method, path in CHANGING:
        where = address(path, token.id if "{token_id}" in path else image.id)
        with subtests.test(f"{method} {path}"):
            for name, media_type in pairs((method, path), every_header=every_header):
                sent = FOREIGN[name] | ({"content-type": media_type} if media_type else {})
                answer = hers.request(method, where, headers=sent, content=BODIES[media_type])
                assert answer.status_code == 403, name
                assert answer.json()["code"] == "origin_not_allowed", name
                assert "set-cookie" not in answer.headers, name
            assert images.get_image(admin.user_id, image.id).alt_text is None
            assert [one.id for one in tokens.list_tokens(admin.user_id)] == [token.id]
            assert sessions.viewer_of_cookie(hers.cookies["imgapp_session"]) is not None


def test_our_own_page_is_let_in(
    admin: Person,
    client_for: Callable[..., TestClient],
    unhurried: None,
    subtests: pytest.Subtests,
) -> None:
    client = None
    for method, path in CHANGING:
        if client is None or "imgapp_session" not in client.cookies:
            client = client_for(admin)
            del client.headers["origin"]
        with subtests.test(f"{method} {path}"):
            for ours in (
                {"origin": ORIGIN},
                {"origin": "http://127.0.0.1:8000"},
                {"referer": f"{ORIGIN}/sign-in"},
                {"sec-fetch-site": "same-origin"},
            ):
                answer = client.request(method, address(path, new_id()), headers=ours, content=b"x")
                assert "origin_not_allowed" not in answer.text, ours
                if path == "/api/sign-out":
                    break


def test_a_program_with_a_token_needs_no_origin_and_another_sites_page_has_none(
    admin: Person,
    client_for: Callable[..., TestClient],
    unhurried: None,
    subtests: pytest.Subtests,
) -> None:
    client = client_for(None)
    del client.headers["origin"]
    for method, path in CHANGING:
        headers = {"authorization": f"Bearer {tokens.create_token(admin.user_id, 'script').token}"}
        with subtests.test(f"{method} {path}"):
            answer = client.request(method, address(path, new_id()), headers=headers, content=b"x")
            plain_form = answer.status_code == 403 and answer.json()["code"] == "origin_not_allowed"
            assert plain_form == (path in FORMS), answer.text


def test_reading_changes_nothing_whatever_method_it_claims_to_be(
    hers: TestClient, admin: Person
) -> None:
    image = add_image(admin.user_id)
    for header in ("x-http-method-override", "x-method-override", "x-http-method"):
        assert hers.get(f"/api/images/{image.id}", headers={header: "DELETE"}).status_code == 200
    assert hers.get(f"/api/images/{image.id}?_method=DELETE").status_code == 422
    assert images.get_image(admin.user_id, image.id)


def test_another_site_cannot_read_either(hers: TestClient) -> None:
    answer = hers.get("/api/images", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    asked = hers.options(
        "/api/images",
        headers={"origin": "https://evil.example", "access-control-request-method": "DELETE"},
    )
    assert not [name for name in asked.headers if name.startswith("access-control-")]


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    alice: Person, client_for: Callable[..., TestClient], set_env: Callable[..., None]
) -> None:
    form = {"email": alice.email, "password": alice.password}
    cookie = client_for(None).post("/api/sign-in", data=form).headers["set-cookie"]
    assert cookie.startswith("imgapp_session=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    set_env(IMGAPP_PUBLIC_URL="https://pictures.example.org")
    client = client_for(None)
    client.headers["origin"] = "https://pictures.example.org"
    answer = client.post("/api/sign-in", data=form)
    parts = answer.headers["set-cookie"].split("; ")
    assert parts[0].startswith("__Host-imgapp_session=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(parts)
    assert not any(part.lower().startswith("domain") for part in parts)
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    out = client.post("/api/sign-out", headers={"cookie": parts[0]}).headers["set-cookie"]
    assert out.startswith('__Host-imgapp_session=""')
    assert "Secure" in out
