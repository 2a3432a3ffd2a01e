"""Sign in, sign out, sign up, first account: plain forms that answer with 303.

A refusal leads back to the form; the fragment says what was wrong with it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse

from imgapp.api.http.auth import check_origin
from imgapp.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotSignedIn,
    RateLimited,
    ServiceUnavailable,
)
from imgapp.models import Viewer
from imgapp.services.accounts import registration, sessions, sign_in_limits, single_sign_on
from imgapp.services.accounts.safe_redirects import HOME, own_path, with_next
from imgapp.services.accounts.sessions import COOKIE_MAX_AGE, SignedIn
from imgapp.services.common.thread_pools import in_db, in_passwords
from imgapp.settings import get_settings

router = APIRouter(prefix="/api", include_in_schema=False, dependencies=[Depends(check_origin)])

Field = Annotated[str, Form()]


@router.post("/sign-in")
async def sign_in(
    request: Request, email: Field = "", password: Field = "", next: Field = HOME
) -> RedirectResponse:
    """Check e-mail and password and start a session; lead on to `next`, a page of ours."""
    try:
        signed_in = await in_passwords(sessions.sign_in, email, password, **client_of(request))
    except NotSignedIn:
        return _back(with_next("/sign-in", next, "invalid"))
    except RateLimited:
        return _back(with_next("/sign-in", next, "limited"))
    except ServiceUnavailable:
        return _back(with_next("/sign-in", next, "unavailable"))
    return await with_session(request, signed_in, next)


@router.post("/sign-out")
async def sign_out(request: Request) -> RedirectResponse:
    """End the session of this browser, if it has one; then the one at the provider."""
    viewer = await session_of(request)
    there = viewer is not None and await in_db(single_sign_on.signed_in_there, viewer)
    await _end_session(request)
    answer = _back("/api/single-sign-on/signed-out" if there else "/sign-in")
    settings = get_settings()
    answer.delete_cookie(
        settings.session_cookie,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )
    return answer


@router.post("/sign-up")
async def sign_up(
    request: Request, email: Field = "", password: Field = "", next: Field = HOME
) -> RedirectResponse:
    """Make an account and start its session; lead on to `next`, a page of ours."""
    try:
        # The first account is the administrator's, and is not made here.
        if get_settings().signup == "closed" or not await in_db(registration.has_users):
            return _back(with_next("/sign-up", next, "closed"))
        client = client_of(request)
        await in_db(sign_in_limits.sign_up, client["address"])
        user_id = await in_passwords(
            registration.create_user, email, password, self_registered=True
        )
        signed_in = await in_db(sessions.start_session, user_id, **client)
    except Conflict:
        return _back(with_next("/sign-up", next, "taken"))
    except RateLimited:
        return _back(with_next("/sign-up", next, "limited"))
    except InvalidRequest as error:
        return _back(with_next("/sign-up", next, _fragment(error)))
    except ServiceUnavailable:
        return _back(with_next("/sign-up", next, "unavailable"))
    return await with_session(request, signed_in, next)


@router.post("/welcome")
async def welcome(
    request: Request, email: Field = "", password: Field = "", token: Field = ""
) -> RedirectResponse:
    """Make the first account, the administrator's, and start its session."""
    if not registration.may_make_first_account(get_settings(), token):
        return _back("/welcome#token")
    try:
        user_id = await in_passwords(
            registration.create_user, email, password, is_admin=True, only_first=True
        )
        signed_in = await in_db(sessions.start_session, user_id, **client_of(request))
    except Forbidden:
        return _back("/sign-in")
    except InvalidRequest as error:
        return _back(f"/welcome#{_fragment(error)}")
    except ServiceUnavailable:
        return _back("/welcome#unavailable")
    return await with_session(request, signed_in)


async def with_session(
    request: Request, signed_in: SignedIn, wanted: str = HOME
) -> RedirectResponse:
    """Lead to the page that was wanted, the gallery at first, with the session's cookie."""
    await _end_session(request)
    temporary = signed_in.password_is_temporary
    answer = _back("/account#temporary" if temporary else own_path(wanted))
    settings = get_settings()
    answer.set_cookie(
        settings.session_cookie,
        signed_in.cookie,
        max_age=COOKIE_MAX_AGE,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )
    return answer


async def session_of(request: Request) -> Viewer | None:
    """Who is signed in in the browser that asks."""
    cookie = request.cookies.get(get_settings().session_cookie)
    return await in_db(sessions.viewer_of_cookie, cookie) if cookie else None


async def _end_session(request: Request) -> None:
    viewer = await session_of(request)
    if viewer is not None:
        await in_db(sessions.sign_out, viewer)


def client_of(request: Request) -> dict[str, str]:
    return {
        "user_agent": request.headers.get("user-agent", ""),
        "address": request.client.host if request.client else "",
    }


def _fragment(error: InvalidRequest) -> str:
    return "weak" if error.code == "weak_password" else "invalid"


def _back(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)
