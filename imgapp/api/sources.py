"""Tells the services where a request comes from, for the audit trail and for limits."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp.services import audit


class Sources:
    """Pure ASGI: around everything that calls services."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            client = scope.get("client")
            user_agent = Headers(scope=scope).get("user-agent", "")
            audit.set_source(client[0] if client else "", user_agent)
        await self.app(scope, receive, send)
