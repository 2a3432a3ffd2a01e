"""The methods that every address takes beside its own: HEAD and OPTIONS (RFC 9110, 9.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property

from fastapi.routing import iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Methods:
    """Answers HEAD as GET without its body, and OPTIONS; completes `Allow` where it is told."""

    def __init__(self, app: ASGIApp, routes: list[BaseRoute]) -> None:
        self.app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["method"] == "OPTIONS" and (allowed := self._allowed(scope["path"])):
            return await Response(status_code=204, headers=_allow(allowed))(scope, receive, send)
        if scope["method"] == "HEAD" and self._allowed(scope["path"]) & {"GET", "HEAD"} == {"GET"}:
            return await _without_body(self.app, scope, receive, send)

        async def send_with_all(message: Message) -> None:
            # The framework names the methods of one of an address's routes.
            refused = message["type"] == "http.response.start" and message["status"] == 405
            if refused and (allowed := self._allowed(scope["path"])):
                MutableHeaders(scope=message).update(_allow(allowed))
            await send(message)

        return await self.app(scope, receive, send_with_all)

    def _allowed(self, path: str) -> set[str]:
        found = [methods for pattern, methods in self._patterns if pattern.match(path)]
        return set().union(*found)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], set[str]]]:
        # At the first request: by then all routes are there.
        return [
            (compile_path(route.path)[0], set(route.methods))
            for route in iter_route_contexts(self._routes)
            if route.path and route.methods
        ]


def _allow(methods: Iterable[str]) -> dict[str, str]:
    names = {*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return {"Allow": ", ".join(sorted(names))}


async def _without_body(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    started = False

    async def receive_until_started() -> Message:
        # A stream that would not end by itself ends with its header.
        return {"type": "http.disconnect"} if started else await receive()

    async def send_header(message: Message) -> None:
        nonlocal started
        if message["type"] == "http.response.start":
            started = True
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    await app({**scope, "method": "GET"}, receive_until_started, send_header)
