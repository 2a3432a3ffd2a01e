"""RateLimit header fields: tell clients of their limits (IETF draft).

As in draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy` names the limit, so many in so
many seconds; `RateLimit` says how many are left, and in how many seconds all of them are back.
"""

from __future__ import annotations

import math

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgapp.errors import RateLimited
from imgapp.services.common.rate_limits import Allowance


def note(connection: HTTPConnection, allowance: Allowance) -> None:
    """Let the answer to this request say what is left."""
    connection.state.allowance = allowance


def refusal_headers(error: RateLimited) -> dict[str, str]:
    """When to come back, and the limit that was reached."""
    wait = max(1, math.ceil(error.retry_after))
    headers = {"Retry-After": str(wait)}
    if error.limit is not None:
        name, limit, per_seconds = error.limit
        headers |= _headers(name, limit, per_seconds, remaining=0, reset=wait)
    return headers


class RateHeaders:
    """Adds the header fields for what a dependency noted, to answers that are no refusals.

    Refusals stay the same to the byte: somebody else's picture looks like a missing one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        state = scope.setdefault("state", {})

        async def send_with_headers(message: Message) -> None:
            allowance: Allowance | None = state.get("allowance")
            started = message["type"] == "http.response.start" and message["status"] < 400
            if started and allowance is not None:
                headers = MutableHeaders(scope=message)
                said = _headers(
                    allowance.name,
                    allowance.limit,
                    allowance.per_seconds,
                    remaining=allowance.remaining,
                    reset=math.ceil(allowance.reset_seconds),
                )
                for name, value in said.items():
                    headers.setdefault(name, value)
            await send(message)

        return await self.app(scope, receive, send_with_headers)


def _headers(
    name: str, limit: int, per_seconds: float, *, remaining: int, reset: int
) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{name}";q={limit};w={math.ceil(per_seconds)}',
        "RateLimit": f'"{name}";r={remaining};t={reset}',
    }
