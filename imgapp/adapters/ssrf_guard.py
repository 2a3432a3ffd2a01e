"""Guarded connections: connect to checked addresses only, and end in time (SSRF guard)."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2

from imgapp.adapters.outbound_addresses import resolve
from imgapp.adapters.timed_streams import TimedStream, left


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Reading the certificates of authorities takes longer than a request on this machine."""
    return httpx2.create_ssl_context()


class CheckedTransport(httpx2.HTTPTransport):
    """No proxy, no connection that is used twice, and no address that was not checked."""

    def __init__(self, deadline: float) -> None:
        super().__init__(verify=_tls(), trust_env=False)
        # httpx has no argument for it; a test sees that it is what connects.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(), max_connections=1, network_backend=_CheckedNetwork(deadline)
        )


class _CheckedNetwork(httpcore2.NetworkBackend):
    """Connects to the address that was checked, whatever the name means a moment later."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception | None = None
        for address in resolve(host, port, left(self._deadline, timeout)):
            try:
                stream = self._network.connect_tcp(
                    str(address),
                    port,
                    left(self._deadline, timeout),
                    local_address,
                    socket_options or (),
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, lambda: self._deadline)
        assert failure is not None
        raise failure
