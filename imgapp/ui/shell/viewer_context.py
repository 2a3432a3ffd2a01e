"""The caller of an event: set by the session check, asked for by handlers (context variable)."""

from __future__ import annotations

from contextvars import ContextVar

from starlette.requests import HTTPConnection

from imgapp.errors import NotSignedIn
from imgapp.models import Viewer
from imgapp.services.accounts import sessions
from imgapp.services.common.thread_pools import in_db
from imgapp.settings import get_settings

viewer_in_context: ContextVar[Viewer | None] = ContextVar("viewer", default=None)


def current_viewer() -> Viewer:
    """Who sent the event being handled. Raises NotSignedIn."""
    viewer = viewer_in_context.get()
    if viewer is None:
        raise NotSignedIn
    return viewer


async def viewer_of(connection: HTTPConnection) -> Viewer | None:
    """Who the session cookie of a request or websocket belongs to."""
    cookie = connection.cookies.get(get_settings().session_cookie)
    return await in_db(sessions.viewer_of_cookie, cookie) if cookie else None
