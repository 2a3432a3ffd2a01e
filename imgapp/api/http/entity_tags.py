"""Conditional requests: compare entity tags, answer 304 or 412 (RFC 9110, 13)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container
from typing import Annotated, TypeVar

from fastapi import Header
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.services.library.entity_tags import Versioned

T = TypeVar("T")

TAGGED = ("/api/images", "/api/batches", "/api/openapi.json")
"""What is asked for again and again: answers below carry an entity tag."""

CACHE_CONTROL = "private, no-cache"
"""A client may keep the answer, and asks each time whether it still holds."""

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_OF_CONTENT = frozenset({"content-length", "content-type"})

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=1000,
        description="The `ETag` of the answer you have: 304 if it still holds",
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The `ETag` of the answer you read: 412 if it was changed since",
    ),
]


class _Any:
    def __contains__(self, tag: object) -> bool:
        return True


def known_tags(field: str | None) -> Container[str]:
    """The opaque tags of an `If-None-Match`, weak or not; `*` is any."""
    if field is None:
        return ()
    if field.strip() == "*":
        return _Any()
    return frozenset(tag for _, tag in _TAG.findall(field))


def required_tags(field: str | None) -> frozenset[str] | None:
    """The opaque strong tags of an `If-Match`; None asks for nothing: `*`, or no such field."""
    if field is None or field.strip() == "*":
        return None
    return frozenset(tag for weak, tag in _TAG.findall(field) if not weak)


def tagged(found: Versioned[T | None], response: Response) -> T | Response:
    """What was found, its tag in the header of `response`; or 304 to who has it."""
    headers = {"ETag": f'"{found.tag}"'}
    if found.value is None:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return found.value


class EntityTags:
    """Lets clients keep answers below `TAGGED`, and ask whether they still hold.

    A route that knows the tag of its answer without making it sets `ETag` itself; else it is a
    digest of the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and scope["method"] == "GET"
        if not ours or not scope["path"].startswith(TAGGED):
            await self.app(scope, receive, send)
            return
        start: Message | None = None

        async def send_tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                whole = not message.get("more_body", False)
                if start["status"] in (200, 304) and whole:
                    message = _tagged(scope, start, message)
                await send(start)
                start = None
            await send(message)

        await self.app(scope, receive, send_tagged)


def _tagged(scope: Scope, start: Message, body: Message) -> Message:
    """Complete the header; the body to send with it."""
    headers = MutableHeaders(scope=start)
    content = body.get("body", b"")
    headers.setdefault("ETag", f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"')
    headers.setdefault("Cache-Control", CACHE_CONTROL)
    headers.add_vary_header("Authorization, Cookie")
    known = known_tags(Headers(scope=scope).get("if-none-match"))
    if headers["ETag"].strip('"') not in known:
        return body
    start["status"] = 304
    for name in set(headers.keys()) & _OF_CONTENT:
        del headers[name]
    return {**body, "body": b""}
