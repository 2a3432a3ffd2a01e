"""Sign in, sign out, sign up, first account: plain forms that answer with 303.

A refusal leads back to the form; the fragment says what was wrong with it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse

from imgapp.api.auth import check_origin
from imgapp.errors import Conflict, Forbidden, InvalidRequest, NotSignedIn, ServiceUnavailable
from imgapp.services import sessions, users
from imgapp.services.pools import in_db, in_passwords
from imgapp.services.sessions import COOKIE_MAX_AGE, SignedIn
from imgapp.settings import get_settings

router = APIRouter(prefix="/api", include_in_schema=False, dependencies=[Depends(check_origin)])

Field = Annotated[str, Form()]


@router.post("/sign-in")
async def sign_in(request: Request, email: Field = "", password: Field = "") -> RedirectResponse:
    """Check e-mail and password and start a session."""
    try:
        signed_in = await in_passwords(sessions.sign_in, email, password, **_client(request))
    except NotSignedIn:
        return _back("/sign-in#invalid")
    except ServiceUnavailable:
        return _back("/sign-in#unavailable")
    return await _into_gallery(request, signed_in)


@router.post("/sign-out")
async def sign_out(request: Request) -> RedirectResponse:
    """End the session of this browser, if it has one."""
    await _end_session(request)
    answer = _back("/sign-in")
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
async def sign_up(request: Request, email: Field = "", password: Field = "") -> RedirectResponse:
    """Make an account and start its session."""
    try:
        # The first account is the administrator's, and is not made here.
        if get_settings().signup == "closed" or not await in_db(users.has_users):
            return _back("/sign-up#closed")
        user_id = await in_passwords(users.create_user, email, password)
        signed_in = await in_db(sessions.start_session, user_id, **_client(request))
    except Conflict:
        return _back("/sign-up#taken")
    except InvalidRequest as error:
        return _back(f"/sign-up#{_fragment(error)}")
    except ServiceUnavailable:
        return _back("/sign-up#unavailable")
    return await _into_gallery(request, signed_in)


@router.post("/welcome")
async def welcome(
    request: Request, email: Field = "", password: Field = "", token: Field = ""
) -> RedirectResponse:
    """Make the first account, the administrator's, and start its session."""
    if not users.may_make_first_account(get_settings(), token):
        return _back("/welcome#token")
    try:
        user_id = await in_passwords(
            users.create_user, email, password, is_admin=True, only_first=True
        )
        signed_in = await in_db(sessions.start_session, user_id, **_client(request))
    except Forbidden:
        return _back("/sign-in")
    except InvalidRequest as error:
        return _back(f"/welcome#{_fragment(error)}")
    except ServiceUnavailable:
        return _back("/welcome#unavailable")
    return await _into_gallery(request, signed_in)


async def _into_gallery(request: Request, signed_in: SignedIn) -> RedirectResponse:
    await _end_session(request)
    answer = _back("/")
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


async def _end_session(request: Request) -> None:
    cookie = request.cookies.get(get_settings().session_cookie)
    viewer = await in_db(sessions.viewer_of_cookie, cookie) if cookie else None
    if viewer is not None:
        await in_db(sessions.sign_out, viewer)


def _client(request: Request) -> dict[str, str]:
    return {
        "user_agent": request.headers.get("user-agent", ""),
        "address": request.client.host if request.client else "",
    }


def _fragment(error: InvalidRequest) -> str:
    return "weak" if error.code == "weak_password" else "invalid"


def _back(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)
