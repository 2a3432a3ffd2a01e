"""HEAD and OPTIONS: answer them at every address beside its own methods (RFC 9110, 9.3)."""

from __future__ import annotations

import re
from functools import cached_property, partial

from fastapi.routing import iter_route_contexts
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute, compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.api.http.problems import problem_response


class HeadAndOptions:
    """Answers HEAD as GET without its body, and OPTIONS; completes `Allow` where it is told.

    An address that is spelt out in a route is not the id of another one.
    """

    def __init__(self, app: ASGIApp, routes: list[BaseRoute]) -> None:
        self.app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        if method == "OPTIONS" and (allowed := self._allowed(path)):
            await Response(status_code=204, headers=_allow(allowed))(scope, receive, send)
        elif method == "HEAD" and self._allowed(path) & {"GET", "HEAD"} == {"GET"}:
            await _without_body(self.app, scope, receive, send)
        elif path in self._spelt_out and method not in _everything(self._spelt_out[path]):
            headers = _allow(self._spelt_out[path])
            await problem_response(scope, 405, headers=headers)(scope, receive, send)
        else:
            await self.app(scope, receive, partial(self._send_all_methods, scope, send))

    async def _send_all_methods(self, scope: Scope, send: Send, message: Message) -> None:
        # The framework names the methods of one of an address's routes.
        refused = message["type"] == "http.response.start" and message["status"] == 405
        if refused and (allowed := self._allowed(scope["path"])):
            MutableHeaders(scope=message).update(_allow(allowed))
        await send(message)

    def _allowed(self, path: str) -> set[str]:
        if path in self._spelt_out:
            return self._spelt_out[path]
        found = [methods for pattern, methods in self._patterns if pattern.match(path)]
        return set().union(*found)

    @cached_property
    def _spelt_out(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for route in iter_route_contexts(self._routes):
            if route.path and route.methods and "{" not in route.path:
                found.setdefault(route.path, set()).update(route.methods)
        return found

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], set[str]]]:
        # At the first request: by then all routes are there.
        return [
            (compile_path(route.path)[0], set(route.methods))
            for route in iter_route_contexts(self._routes)
            if route.path and route.methods
        ]


def _everything(methods: set[str]) -> set[str]:
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


def _allow(methods: set[str]) -> dict[str, str]:
    return {"Allow": ", ".join(sorted(_everything(methods)))}


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
