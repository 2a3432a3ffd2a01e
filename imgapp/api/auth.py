"""Who is calling, and from where: the dependencies that routes ask."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from imgapp.errors import Forbidden, NotSignedIn
from imgapp.models import Scope, Viewer
from imgapp.services import sessions, tokens
from imgapp.services.pools import in_db
from imgapp.settings import get_settings

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def current_viewer(request: Request) -> Viewer:
    """The caller, by bearer token or session cookie. Raises NotSignedIn, Forbidden."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        # A wrong token is refused whatever cookie comes with it.
        scheme, _, token = authorization.partition(" ")
        viewer = await in_db(tokens.viewer_of_token, token.strip())
        if scheme.lower() != "bearer" or viewer is None:
            raise NotSignedIn("The access token is unknown, revoked or expired")
        return viewer
    cookie = request.cookies.get(sessions.COOKIE)
    viewer = await in_db(sessions.viewer_of_cookie, cookie) if cookie else None
    if viewer is None:
        raise NotSignedIn
    if request.method not in _SAFE_METHODS:
        check_origin(request)
    return viewer


async def require_read(viewer: Annotated[Viewer, Depends(current_viewer)]) -> Viewer:
    """The caller, who may read. Raises Forbidden for a token without that scope."""
    return _with_scope(viewer, Scope.READ)


async def require_write(viewer: Annotated[Viewer, Depends(current_viewer)]) -> Viewer:
    """The caller, who may change things. Raises Forbidden for a token without that scope."""
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


def _with_scope(viewer: Viewer, scope: Scope) -> Viewer:
    if scope not in viewer.scopes:
        raise Forbidden(f"This access token has no {scope.value} scope", code="missing_scope")
    return viewer
