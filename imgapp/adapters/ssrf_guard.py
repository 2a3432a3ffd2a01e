"""Guarded connections: connect to checked addresses only, and end in time (SSRF guard)."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2

from imgapp.adapters.outbound_addresses import resolve

_PIECE = 64 * 1024


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
        for address in resolve(host, port, _left(self._deadline, timeout)):
            try:
                stream = self._network.connect_tcp(
                    str(address),
                    port,
                    _left(self._deadline, timeout),
                    local_address,
                    socket_options or (),
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        assert failure is not None
        raise failure


class _TimedStream(httpcore2.NetworkStream):
    """A connection on which everything together ends by the deadline, however it trickles."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            left = _left(self._deadline, timeout)
            self._stream.write(buffer[start : start + _PIECE], left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(self._deadline, timeout)
        return _TimedStream(
            self._stream.start_tls(ssl_context, server_hostname, left), self._deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float, timeout: float | None) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout
    return left if timeout is None else min(left, timeout)
