"""Connections to model servers: a request ends in time as a whole, and a refusal by its size.

The limits of the HTTP library run between two bytes, and the SDK reads a refusal whole: a server
that trickles, or answers 500 with a page that has no end, would keep a thread for ever.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import httpcore2
import httpx2

from imgapp.adapters.timed_streams import TimedStream, left

_LONGEST_REFUSAL = 64_000
"""Bytes."""


class ServerTransport(httpx2.HTTPTransport):
    """The limit for reading counts from the request to the last byte of the answer."""

    def __init__(self) -> None:
        super().__init__(verify=_tls())
        # httpx has no argument for it; a test sees that it is what connects.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_tls(),
            max_connections=1000,
            max_keepalive_connections=100,
            keepalive_expiry=5.0,
            network_backend=_Network(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        _until.moment = time.monotonic() + request.extensions["timeout"]["read"]
        answer = super().handle_request(request)
        if answer.is_error:
            answer.stream = _Cut(answer.stream)
        return answer


class _Network(httpcore2.NetworkBackend):
    def __init__(self) -> None:
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = left(_deadline(), timeout)
        stream = self._network.connect_tcp(host, port, seconds, local_address, socket_options or ())
        return TimedStream(stream, _deadline)


class _Cut(httpx2.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        room = _LONGEST_REFUSAL
        for piece in self._stream:
            yield piece[:room]
            room -= len(piece)
            if room <= 0:
                return

    def close(self) -> None:
        self._stream.close()


def _deadline() -> float:
    """Of the request that this thread waits for: a call is a thread's own."""
    return float(_until.moment)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Reading the certificates of authorities takes longer than a request on this machine."""
    return httpx2.create_ssl_context()


_until = threading.local()
