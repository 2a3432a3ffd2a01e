"""Authentication: who is calling, from where, how often (FastAPI dependencies)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request

from imgapp.api.http import rate_limit_headers
from imgapp.api.http.unknown_parameters import refuse_unknown
from imgapp.errors import Forbidden, NotSignedIn
from imgapp.models import Scope, Viewer
from imgapp.services.accounts import sessions, single_sign_on, tokens
from imgapp.services.common import rate_limits
from imgapp.services.common.rate_limits import Allowance
from imgapp.services.common.thread_pools import in_db, in_provider
from imgapp.settings import get_settings

PERSON_HEADER = "Imgapp-Person"
"""Whose page a request comes from: the cookie is the browser's, and may be another's by now."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_WINDOW = 10.0
"""Seconds over which a person's requests are counted: bursts may be so much above the rate."""

Kind = Literal["requests", "uploads"]


def caller(kind: Kind) -> Callable[[Request], Awaitable[Viewer]]:
    """A dependency: the caller, by bearer token or session cookie, counted as `kind`.

    It raises NotSignedIn, Forbidden (from another origin), RateLimited and, for query parameters
    that the route does not know, RequestValidationError.
    """

    async def counted_caller(request: Request) -> Viewer:
        pool = in_provider if _is_of_provider(request) else in_db
        viewer, allowance = await pool(_authenticate_and_count, request, kind)
        rate_limit_headers.note(request, allowance)
        refuse_unknown(request)
        return viewer

    return counted_caller


current_viewer = caller("requests")
uploading_viewer = caller("uploads")


async def require_read(viewer: Annotated[Viewer, Depends(current_viewer)]) -> Viewer:
    """The caller, who may read. Raises Forbidden for a token without that scope."""
    return _with_scope(viewer, Scope.READ)


async def require_write(viewer: Annotated[Viewer, Depends(current_viewer)]) -> Viewer:
    """The caller, who may change things. Raises Forbidden for a token without that scope."""
    return _with_scope(viewer, Scope.WRITE)


async def require_upload(viewer: Annotated[Viewer, Depends(uploading_viewer)]) -> Viewer:
    """The caller, who may add pictures; uploads are counted apart from other requests."""
    return _with_scope(viewer, Scope.WRITE)


def check_origin(request: Request) -> None:
    """Refuse what another site's page sends with our cookie. Raises Forbidden.

    Browsers put `Origin` on every such request; the others are for those that leave it out.
    """
    headers = request.headers
    if "origin" in headers:
        ours = headers["origin"] in get_settings().allowed_origins
    elif "referer" in headers:
        parts = urlsplit(headers["referer"])
        ours = f"{parts.scheme}://{parts.netloc}" in get_settings().allowed_origins
    else:
        ours = headers.get("sec-fetch-site") == "same-origin"
    if not ours:
        raise Forbidden(
            f"Only pages of {get_settings().origin} may do this (see IMGAPP_PUBLIC_URL)",
            code="origin_not_allowed",
        )


def _authenticate_and_count(request: Request, kind: Kind) -> tuple[Viewer, Allowance]:
    viewer = _authenticate(request)
    settings = get_settings()
    rate = settings.uploads_per_second if kind == "uploads" else settings.requests_per_second
    # A program that sends thousands of files leaves room for what the person uploads by hand.
    name = "bulk-uploads" if kind == "uploads" and "batch" in request.query_params else kind
    allowance = rate_limits.hit(
        name, str(viewer.user_id), limit=round(rate * _WINDOW), per_seconds=_WINDOW
    )
    return viewer, allowance


def _authenticate(request: Request) -> Viewer:
    authorization = request.headers.get("authorization")
    if authorization is not None:
        # A wrong token is refused whatever cookie comes with it.
        scheme, _, token = authorization.partition(" ")
        of_provider = _is_of_provider(request)
        look_up = single_sign_on.viewer_of_access_token if of_provider else tokens.viewer_of_token
        viewer = look_up(token.strip())
        if scheme.lower() != "bearer" or viewer is None:
            raise NotSignedIn("The access token is unknown, revoked or expired")
        return viewer
    cookie = request.cookies.get(get_settings().session_cookie)
    viewer = sessions.viewer_of_cookie(cookie) if cookie else None
    if viewer is None:
        raise NotSignedIn
    if request.method not in _SAFE_METHODS:
        check_origin(request)
    _check_person(request, viewer)
    return viewer


def _check_person(request: Request, viewer: Viewer) -> None:
    """A page that goes on by itself after somebody else signed in must not act for them."""
    named = request.headers.get(PERSON_HEADER)
    if named is not None and named != str(viewer.user_id):
        raise NotSignedIn("Somebody else signed in since in this browser")


def _is_of_provider(request: Request) -> bool:
    """Whether the token is one that the single sign-on provider may have made: a signed one."""
    token = request.headers.get("authorization", "").partition(" ")[2]
    return token.count(".") == 2 and not token.strip().startswith(tokens.PREFIX)


def _with_scope(viewer: Viewer, scope: Scope) -> Viewer:
    if scope not in viewer.scopes:
        raise Forbidden(f"This access token has no {scope.value} scope", code="missing_scope")
    return viewer
