"""Which addresses are public, however they are written and wrapped."""

from __future__ import annotations

import _socket
import socket
import threading
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest

from imgapp.adapters.outbound_addresses import may_reach, resolve
from imgapp.errors import ConfigurationError, OutboundFailed, OutboundRefused
from imgapp.settings import get_settings

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:808:808::80ff:fffe",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_reached(address: str) -> None:
    assert may_reach(ip_address(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_may_not(address: str) -> None:
    assert not may_reach(ip_address(address))


@pytest.mark.parametrize(
    ("port", "allowed"), [(80, True), (443, True), (8443, True), (25, False), (22, False)]
)
def test_ports_of_other_services_are_not_for_requests(port: int, allowed: bool) -> None:
    assert may_reach(ip_address("1.1.1.1"), port) is allowed


def test_the_operator_allows_networks(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS="10.1.0.0/16, fd00::/8,127.0.0.1")
    for allowed in ("10.1.2.3", "fd12::1", "127.0.0.1", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"):
        assert may_reach(ip_address(allowed), 25)
    for refused in ("10.2.0.1", "127.0.0.2", "fe80::1", "::1"):
        assert not may_reach(ip_address(refused))


def test_what_is_no_network_stops_the_start(set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS="10.0.0.0/8, intranet")
    with pytest.raises(ConfigurationError, match="IMGAPP_OUTBOUND_NETWORKS: 'intranet'"):
        get_settings()


def numeric_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read addresses in every notation that the system knows, and ask no server."""

    def look_up(host: str, port: int, *_: Any, **__: Any) -> Any:
        return _socket.getaddrinfo(
            host,
            port,
            0,
            socket.SOCK_STREAM,
            0,
            0 if host == "localhost" else _socket.AI_NUMERICHOST,
        )

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "0x7f.1", "2130706433", "127.1", "0", "::1", "0177.0.0.1"]
)
def test_however_this_machine_is_written_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    numeric_only(monkeypatch)
    with pytest.raises(OutboundRefused) as refused:
        resolve(host, 8000, 5)
    assert refused.value.code == "address_not_allowed"
    assert "IMGAPP_OUTBOUND_NETWORKS" in refused.value.detail


def named(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Any name is at these addresses."""

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_of_several_addresses_the_public_ones_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "10.0.0.1", "8.8.8.8", "::1", "8.8.8.8")
    assert resolve("both.example", 443, 5) == [ip_address("8.8.8.8")]


def test_an_unknown_name_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(OutboundFailed) as failed:
        resolve("nobody.example", 443, 5)
    assert (failed.value.code, failed.value.lasts) == ("unknown_host", True)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(30) and [])
    with pytest.raises(OutboundFailed) as failed:
        resolve("slow.example", 443, 0.05)
    answered.set()
    assert (failed.value.code, failed.value.lasts) == ("timeout", False)
