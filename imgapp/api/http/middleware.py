"""Middleware: request ids, security headers, a limit on bodies around every answer (ASGI)."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.api.http.problems import problem_response
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
"""Of every request but uploads, which are streamed and have their own limit."""

BODY_SECONDS = 30.0
"""By then it is here, whole."""

_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

_SITE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    # Of whatever is no page: pages have policies of their own.
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HTTPS_ONLY = "max-age=31536000"  # a year, RFC 6797

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request being answered, for log lines."""


class SecurityHeaders:
    """Adds the site's security headers to every answer that does not set its own.

    Answers under `/api` are not stored by caches unless they say otherwise.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SITE_HEADERS.items():
                    headers.setdefault(name, value)
                if get_settings().secure_cookies:
                    headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return await self.app(scope, receive, send_with_headers)


class RequestIds:
    """Gives each request an id (a sane incoming one is kept) and answers for what nobody caught."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        given = Headers(scope=scope).get("x-request-id", "")
        this_id = given if _SANE_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        started = False

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message)["X-Request-Id"] = this_id
            await send(message)

        bound = request_id.set(this_id)
        try:
            await self.app(scope, receive, send_with_id)
        except ClientDisconnect:
            log.debug("client_disconnected", extra={"request_id": this_id})
        except Exception:
            log.exception(
                "unhandled_error", extra={"request_id": this_id, "method": scope["method"]}
            )
            if started:
                raise  # the server cuts the connection: half an answer must not look whole
            await problem_response(
                scope, 500, detail="Something went wrong; the request id tells where to look"
            )(scope, receive, send_with_id)
        finally:
            request_id.reset(bound)


class BodyLimit:
    """Reads no more than `MAX_BODY_BYTES`, for no longer than `BODY_SECONDS`.

    Except at the paths that stream and below them, which have limits of their own.
    """

    def __init__(self, app: ASGIApp, streaming: tuple[str, ...] = ()) -> None:
        self.app = app
        self.streaming = streaming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._streams(scope["path"]):
            receive = _LimitedBody(scope, receive).receive
        await self.app(scope, receive, send)

    def _streams(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}/") for one in self.streaming)


class _LimitedBody:
    """The body of one request. It is not touched before somebody reads it: who is calling is
    checked before that."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        declared = Headers(scope=scope).get("content-length", "")
        self._too_large = declared.isdecimal() and int(declared) > MAX_BODY_BYTES
        self._whole = not declared and scope["method"] in ("GET", "HEAD", "OPTIONS")
        self._receive = receive
        self._received = 0
        self._deadline: float | None = None

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        if self._too_large:
            raise HTTPException(413)
        message = await self._receive_in_time()
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY_BYTES:
            raise HTTPException(413)
        self._whole = not message.get("more_body", False)
        return message

    async def _receive_in_time(self) -> Message:
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + BODY_SECONDS
        # Not `asyncio.timeout`: a server need not run a request as a task that can be cancelled.
        receiving = asyncio.ensure_future(self._receive())
        done, _ = await asyncio.wait({receiving}, timeout=max(self._deadline - now, 0))
        if not done:
            receiving.cancel()
            raise HTTPException(408, "The body did not arrive in time")
        return receiving.result()
