"""Retries: repeat work for as long as a part of imgapp does not answer (exponential backoff)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from imgapp.errors import DatabaseUnavailable, ServiceUnavailable

T = TypeVar("T")

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
_NEVER = threading.Event()


def retry(
    work: Callable[[], T],
    *,
    seconds: float,
    stopping: threading.Event = _NEVER,
    on: type[ServiceUnavailable] = DatabaseUnavailable,
) -> T:
    """What the work returns, tried again while it raises `on`: for so many seconds, and once more
    when `stopping` is set. Raises what the last attempt raised."""
    deadline, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        try:
            return work()
        except on:
            if stopping.is_set() or time.monotonic() >= deadline:
                raise
        stopping.wait(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
