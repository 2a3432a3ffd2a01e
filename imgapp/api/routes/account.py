"""`/api/account`: one's own account, sessions, password, export and deletion."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, StreamingResponse

from imgapp.api.http.auth import check_origin, current_viewer, require_read, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotSignedIn,
    RateLimited,
    ServiceUnavailable,
)
from imgapp.models import Viewer
from imgapp.services.accounts import own_account, sessions
from imgapp.services.accounts.own_account import Account
from imgapp.services.accounts.sessions import SessionPublic
from imgapp.services.common.thread_pools import in_db, in_passwords

router = APIRouter(prefix="/api/account", tags=["account"])
forms = APIRouter(
    prefix="/api/account", include_in_schema=False, dependencies=[Depends(check_origin)]
)
"""Plain forms of the page, which lead back to it. A fragment says what was wrong."""


class SessionList(BaseModel):
    """All of them: nobody has more than fit on a page."""

    items: list[SessionPublic]
    next_cursor: None = None


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current_password: str = Field(max_length=10_000)
    new_password: str = Field(max_length=10_000)


class AccountDeletion(BaseModel):
    """The account's own e-mail address, typed in full."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=1_000)


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]


@router.get("")
async def get_account(viewer: Reader) -> Account:
    """The caller's account, and what its pictures take."""
    return await in_db(own_account.get_account, viewer.user_id)


@router.delete(
    "",
    status_code=204,
    responses=documented("email_mismatch", "last_administrator"),
    openapi_extra=json_body_schema(AccountDeletion, {"email": "you@example.org"}),
)
async def delete_account(
    viewer: Writer, body: Annotated[AccountDeletion, Depends(json_body(AccountDeletion))]
) -> None:
    """Delete the account with all its pictures. Sessions and tokens end at once."""
    await in_db(own_account.delete_account, viewer.user_id, body.email)


@router.get("/sessions")
async def list_sessions(viewer: Reader) -> SessionList:
    """The browsers in which the caller is signed in."""
    return SessionList(items=await in_db(sessions.list_sessions, viewer.user_id, viewer.session_id))


@router.delete("/sessions", status_code=204)
async def revoke_other_sessions(viewer: Writer) -> None:
    """Sign out everywhere but here; with a token, everywhere."""
    await in_db(sessions.revoke_other_sessions, viewer.user_id, viewer.session_id)


@router.delete("/sessions/{session_id}", status_code=204, responses=documented(404))
async def revoke_session(viewer: Writer, session_id: str) -> None:
    """Sign out one browser, at once."""
    await in_db(sessions.revoke_session, viewer.user_id, parse_id(session_id))


@router.get("/export", response_class=Response)
async def export_account(viewer: Reader) -> StreamingResponse:
    """The account and the texts of all pictures as one JSON document, the trash included.

    Each picture names the address of its original.
    """
    return StreamingResponse(
        _export(viewer.user_id),
        media_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="imgapp-export.json"'},
    )


@router.post(
    "/password",
    status_code=204,
    responses=documented("wrong_password", "weak_password", "no_password"),
    openapi_extra=json_body_schema(
        PasswordChange,
        {"current_password": "correct horse", "new_password": "another battery staple"},
    ),
)
async def change_password(request: Request) -> Response:
    """Change the password; all other sessions of the caller end."""
    if _is_form(request):
        return await _change_by_form(request)
    viewer = await require_write(await current_viewer(request))
    body = await json_body(PasswordChange)(request)
    await _change(viewer, body.current_password, body.new_password)
    return Response(status_code=204)


@forms.post("/delete")
async def delete_account_by_form(request: Request) -> RedirectResponse:
    """The form of the page; the cookie is of no use afterwards."""
    try:
        viewer = await require_write(await current_viewer(request))
        fields = await request.form()
        await in_db(own_account.delete_account, viewer.user_id, str(fields.get("email", "")))
    except NotSignedIn:
        return _back("/sign-in")
    except (InvalidRequest, Conflict, ServiceUnavailable) as error:
        return _back(f"/account#{_FRAGMENTS.get(error.code, 'unavailable')}")
    return _back("/sign-in#deleted")


_FRAGMENTS = {
    "wrong_password": "wrong",
    "weak_password": "weak",
    "no_password": "none",
    "email_mismatch": "mismatch",
    "last_administrator": "last",
    "rate_limited": "limited",
}


def _is_form(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in ("application/x-www-form-urlencoded", "multipart/form-data")


async def _change_by_form(request: Request) -> RedirectResponse:
    check_origin(request)
    try:
        viewer = await require_write(await current_viewer(request))
        fields = await request.form()
        given = (str(fields.get(name, "")) for name in ("current_password", "new_password"))
        await _change(viewer, *given)
    except NotSignedIn:
        return _back("/sign-in")
    except (Forbidden, InvalidRequest, Conflict, RateLimited, ServiceUnavailable) as error:
        return _back(f"/account#{_FRAGMENTS.get(error.code, 'unavailable')}")
    return _back("/account#changed")


async def _change(viewer: Viewer, current: str, new: str) -> None:
    await in_passwords(
        own_account.change_password, viewer.user_id, current, new, keep_session=viewer.session_id
    )


async def _export(user_id: UUID) -> AsyncIterator[str]:
    head = json.dumps(await in_db(own_account.export_account, user_id), indent=1)
    yield head.removesuffix("\n}") + ',\n "images": ['
    after, separator = None, "\n"
    while images := await in_db(own_account.export_images, user_id, after):
        for image in images:
            yield separator + json.dumps(image)
            separator = ",\n"
        after = UUID(images[-1]["id"])
    yield "\n]}\n"


def _back(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)
