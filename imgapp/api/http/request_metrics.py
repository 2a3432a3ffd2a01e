"""Request metrics: count requests, their time, and who is connected (ASGI)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.services.common import metrics
from imgapp.services.common.thread_pools import in_metrics

_SEEN = "imgapp.seen"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LEFT = "499"
"""The status of a request whose client was gone before the answer, as nginx counts them."""

PAGE, UNKNOWN = "page", "unknown"
"""The routes of whatever is not the API's, and of addresses that the API does not have."""


class RequestMetrics:
    """Counts what passes: requests by route and never by address, and open websockets."""

    def __init__(self, app: ASGIApp, is_page: Callable[[str], bool]) -> None:
        self.app = app
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with metrics.WEBSOCKETS.track_inprogress():
                return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = _Request(scope)
        try:
            await self.app({**scope, _SEEN: request.seen}, receive, request.noting(send))
        except ClientDisconnect:
            request.status = request.status or _LEFT
            raise
        finally:
            request.count(PAGE if self._is_page(scope["path"]) else request.route())
        return None


class Routed:
    """Innermost: remembers the scope in which the API finds its route."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.get(_SEEN, []).append(scope)
        await self.app(scope, receive, send)


class _Request:
    def __init__(self, scope: Scope) -> None:
        self.method = scope["method"] if scope["method"] in _METHODS else "other"
        self.seen: list[dict[str, Any]] = []
        self.status = ""
        self.began = time.perf_counter()
        self.took = 0.0

    def noting(self, send: Send) -> Send:
        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = str(message["status"])
                self.took = time.perf_counter() - self.began
            await send(message)

        return note

    def count(self, route: str) -> None:
        status = self.status or "500"
        metrics.HTTP_REQUESTS.labels(self.method, route, status).inc()
        took = self.took or time.perf_counter() - self.began
        metrics.HTTP_SECONDS.labels(self.method, route).observe(took)

    def route(self) -> str:
        """The route's template, so that no id of anything gets into a label."""
        found = self.seen[-1].get("route") if self.seen else None
        return str(getattr(found, "path", UNKNOWN))


async def report_while_serving() -> None:
    """Let this web process's counts reach the others, until cancelled."""
    metrics.start("web")
    try:
        await asyncio.Event().wait()
    finally:
        await in_metrics(metrics.stop)
