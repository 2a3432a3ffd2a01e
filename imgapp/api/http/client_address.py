"""Client addresses: find them behind trusted proxies, for limits and audit (X-Forwarded-For)."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from imgapp.services.common import audit_trail
from imgapp.settings import get_settings

log = logging.getLogger(__name__)
_warned = False


class Sources:
    """Pure ASGI, around everything: puts the caller's own address into the scope.

    `X-Forwarded-For` is believed only from right to left and only as far as trusted proxies wrote
    it: the rest of it is whatever the caller likes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            host, port = scope.get("client") or ("", 0)
            forwarded = headers.getlist("x-forwarded-for")
            address = _behind_proxies(host, forwarded)
            if not forwarded:
                _warn_of_silent_proxies(host, headers.get("origin"))
            scope = {**scope, "client": (address, port)}
            audit_trail.set_source(address, headers.get("user-agent", ""))
        await self.app(scope, receive, send)


def _behind_proxies(host: str, forwarded: list[str]) -> str:
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    while hops and _is_trusted(host):
        found = _address(hops.pop())
        if found is None:
            break
        host = str(found)
    return host


def _warn_of_silent_proxies(host: str, origin: str | None) -> None:
    """Once: a page at our public address did not get here by itself."""
    global _warned
    settings = get_settings()
    if _warned or settings.only_this_machine or origin != settings.origin:
        return
    if settings.on_loopback and _is_trusted(host):
        _warned = True
        log.warning("proxy_names_no_client", extra={"proxy": host})


def _is_trusted(host: str) -> bool:
    address = _address(host)
    return address is not None and any(address in net for net in get_settings().proxy_networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A listener on :: sees IPv4 callers as ::ffff:a.b.c.d.
    return getattr(address, "ipv4_mapped", None) or address
