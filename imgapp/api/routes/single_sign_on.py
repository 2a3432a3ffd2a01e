"""Sign-in through the provider: away to it, and back with its answer.

The browser navigates here by itself, so every answer is a page or leads to one. What was wrong
stands in the fragment, and the sign-in page has a message with that id.
"""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse, RedirectResponse, Response

from imgapp.api.routes.login import client_of, session_of, with_session
from imgapp.errors import NotSignedIn, RateLimited, ServiceUnavailable, SignInRefused
from imgapp.services.accounts import single_sign_on
from imgapp.services.accounts.safe_redirects import own_path
from imgapp.services.common.thread_pools import in_provider
from imgapp.settings import get_settings

router = APIRouter(prefix="/api", include_in_schema=False)

_LONGEST = 4096
START = "/api/single-sign-on/start"


@router.get("/sign-in/options")
async def sign_in_options() -> dict[str, Any]:
    """Which ways to sign in there are, and at which addresses: the page is built before anybody
    knows."""
    settings = get_settings()
    offer = {"name": settings.oidc_name, "href": START} if settings.single_sign_on else None
    return {
        "single_sign_on": offer,
        "sign_up": settings.signup == "open",
        "origins": settings.allowed_origins,
    }


@router.get("/single-sign-on/start")
async def start(request: Request, next: str = "/") -> Response:
    """Lead the browser to the provider."""
    settings = get_settings()
    if not settings.single_sign_on:
        return _back("sign-on-off")
    if settings.public_url is None and request.url.hostname == "127.0.0.1":
        # The provider sends people back to `localhost`, where a cookie set here is not known.
        return _to(f"{settings.origin}{START}?{request.url.query}")
    try:
        if await session_of(request) is not None:
            return _to(own_path(next))
        started = await in_provider(single_sign_on.start, next)
    except (NotSignedIn, RateLimited, ServiceUnavailable) as error:
        return _failed(error)
    answer = _to(started.url)
    answer.set_cookie(
        _cookie(started.state),
        started.browser,
        max_age=single_sign_on.FLOW_SECONDS,
        **_cookie_options(),
    )
    return answer


@router.get("/single-sign-on/callback")
async def callback(request: Request) -> Response:
    """Take the provider's answer and start a session."""
    if not get_settings().single_sign_on:
        return _back("sign-on-off")
    given = _once_each(request.query_params)
    cookie = _cookie(given.get("state", ""))
    browser = request.cookies.get(cookie, "")
    try:
        finished = await in_provider(single_sign_on.finish, given, browser, **client_of(request))
        answer = await with_session(request, finished.signed_in, finished.next_path)
    except (NotSignedIn, RateLimited, ServiceUnavailable) as error:
        answer = _failed(error)
    answer.delete_cookie(cookie, **_cookie_options())
    return answer


@router.get("/single-sign-on/signed-out")
async def signed_out() -> Response:
    """Lead on to the provider's page to sign out, if it has one.

    A page between, because a form of ours may not be redirected to another site.
    """
    try:
        url = await in_provider(single_sign_on.sign_out_url)
    except ServiceUnavailable:
        url = None
    if url is None:
        return _to("/sign-in")
    return HTMLResponse(
        _SIGNED_OUT.format(url=escape(url), name=escape(get_settings().oidc_name)),
        headers={"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
    )


_SIGNED_OUT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="0;url={url}">
<title>Signed out · imgapp</title>
<p>You are signed out of imgapp. <a href="{url}">Sign out of {name} too</a>
"""


def _failed(error: NotSignedIn | RateLimited | ServiceUnavailable) -> RedirectResponse:
    if isinstance(error, RateLimited):
        return _back("limited")
    if isinstance(error, SignInRefused) and error.code == "first_account":
        return _to("/welcome")
    if isinstance(error, NotSignedIn):
        return _back(error.code.replace("_", "-"))
    return _back("unavailable" if error.code != "provider_unavailable" else "provider-unavailable")


def _once_each(query: QueryParams) -> dict[str, str]:
    """The parameters of an answer; none if one stands there twice (RFC 6749, 3.1)."""
    given = query.multi_items()
    if len(given) > len(query) or any(len(value) > _LONGEST for _, value in given):
        return {}
    return dict(given)


def _cookie(state: str) -> str:
    """One for each flow, so that two tabs do not end each other's."""
    prefix = "__Host-" if get_settings().secure_cookies else ""
    suffix = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{prefix}imgapp_sign_on_{suffix}"


def _cookie_options() -> dict[str, Any]:
    secure = get_settings().secure_cookies
    return {"path": "/", "httponly": True, "samesite": "lax", "secure": secure}


def _back(fragment: str) -> RedirectResponse:
    return _to(f"/sign-in#{fragment}")


def _to(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)
