"""Websocket handshakes: bind each to our origin and to a session, and take its cookie out (ASGI).

Reflex stores the headers of a handshake with the state: the session's id takes the cookie's place.
It also stands in front of the tab's token, so the state of a tab is stored under the session that
made it: whoever signs in next in the same tab gets a state of their own.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlencode

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp.settings import get_settings
from imgapp.ui.shell.viewer_context import viewer_of

SESSION_HEADER = "x-imgapp-session"
SIGNED_OUT = "signed-out"
"""In place of the session's id, in the token of a tab without one."""


class SocketBinding:
    """ASGI wrapper: a websocket comes from our origin and carries its session's id, no cookie."""

    def __init__(self, app: ASGIApp, path: str = "/_event") -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("websocket", "http") and scope["path"].startswith(self.path):
            if not _from_our_origin(scope):
                return await _refuse(scope, receive, send)
            scope = await self._bound(scope)
        return await self.app(scope, receive, send)

    async def _bound(self, scope: Scope) -> Scope:
        viewer = await viewer_of(HTTPConnection(scope))
        session = str(viewer.session_id) if viewer else ""
        secret = {b"cookie", b"authorization", SESSION_HEADER.encode()}
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in secret]
        if session:
            headers.append((SESSION_HEADER.encode(), session.encode()))
        query = parse_qs(scope["query_string"].decode("latin-1"))
        if "token" in query:
            # The browser chooses its token; only the last part is its to choose.
            tab = re.sub(r"[^A-Za-z0-9-]", "", query["token"][0].rsplit("~", 1)[-1])[:64]
            query["token"] = [f"{session or SIGNED_OUT}~{tab}"]
        bound = urlencode(query, doseq=True).encode()
        return {**scope, "headers": headers, "query_string": bound}


def _from_our_origin(scope: Scope) -> bool:
    # Browsers always name the origin of a websocket; programs that do not act for themselves.
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    ours = get_settings().allowed_origins
    return all(origin.decode("latin-1") in ours for origin in origins)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        return await PlainTextResponse("Forbidden", 403)(scope, receive, send)
    await receive()
    return await send({"type": "websocket.close", "code": 1008})
