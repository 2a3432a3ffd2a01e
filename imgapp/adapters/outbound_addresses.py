"""Outbound addresses: tells which ones strangers' URLs may lead to (SSRF allow-list)."""

from __future__ import annotations

import socket
import threading
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from imgapp.errors import OutboundFailed, OutboundRefused
from imgapp.settings import get_settings

Address = IPv4Address | IPv6Address

HTTP_PORTS = (80, 443)
_FIRST_UNPRIVILEGED_PORT = 1024

_UNICAST = ip_network("2000::/3")
"""All of IPv6 that is given out (RFC 4291, 2.4)."""
_NAT64 = ip_network("64:ff9b::/96")
# The IANA registries for special purposes (RFC 6890), where Python's own list, which differs from
# release to release, may let something through.
_SPECIAL: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        ("192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", "2001::/23",
         "2001:db8::/32", "3fff::/20"),
    )
)  # fmt: skip


def resolve(host: str, port: int, timeout: float) -> list[Address]:
    """The addresses of a host that may be reached, in the order of preference.

    Raises OutboundRefused if there are others only, OutboundFailed if there are none or nobody
    answers within `timeout` seconds.
    """
    found = _look_up(host, port, timeout)
    reachable = [address for address in found if may_reach(address, port)]
    if not reachable:
        raise OutboundRefused(
            f"{host} is at an address (port {port}) that imgapp does not reach: it is not public."
            " An administrator can allow it with IMGAPP_OUTBOUND_NETWORKS.",
        )
    return reachable


def may_reach(address: Address, port: int = 443) -> bool:
    """Whether an address is public, wherever it finally leads to, or allowed by the operator."""
    if any(each in network for each in _final(address) for network in _allowed()):
        return True
    usual = port in HTTP_PORTS or port >= _FIRST_UNPRIVILEGED_PORT
    return usual and all(map(_is_public, _final(address)))


def _allowed() -> list[IPv4Network | IPv6Network]:
    return get_settings().allowed_networks


def _final(address: Address) -> list[Address]:
    """The addresses that packets end at where one is wrapped in another."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    special = any(address in network for network in _SPECIAL)
    return address.is_global and not address.is_multicast and not special


def _look_up(host: str, port: int, timeout: float) -> list[Address]:
    found: list[Address] = []
    failure: list[Exception] = []

    def ask() -> None:
        try:
            for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                address = ip_address(place[0])
                if address not in found:
                    found.append(address)
        except Exception as error:
            failure.append(error)

    # The resolver has patience of its own, longer than ours, and no way to be interrupted.
    asking = threading.Thread(target=ask, name="resolver", daemon=True)
    asking.start()
    asking.join(max(timeout, 0))
    if asking.is_alive():
        raise OutboundFailed(f"Nobody knew in time where {host} is", code="timeout", lasts=False)
    if failure or not found:
        again = bool(failure) and getattr(failure[0], "errno", None) == socket.EAI_AGAIN
        raise OutboundFailed(
            f"There is no server named {host}", code="unknown_host", lasts=not again
        )
    return found
