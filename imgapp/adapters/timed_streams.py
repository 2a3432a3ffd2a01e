"""Timed streams: connections on which everything together ends by a deadline."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Any

import httpcore2

_PIECE = 64 * 1024


class TimedStream(httpcore2.NetworkStream):
    """Reads and writes end by `deadline()` (of the monotonic clock), however they trickle."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Callable[[], float]) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, left(self._deadline(), timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            seconds = left(self._deadline(), timeout)
            self._stream.write(buffer[start : start + _PIECE], seconds)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        seconds = left(self._deadline(), timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def left(deadline: float, timeout: float | None) -> float:
    """Seconds until the deadline, at most `timeout`. Raises httpcore2.ReadTimeout if it is over."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore2.ReadTimeout
    return seconds if timeout is None else min(seconds, timeout)
