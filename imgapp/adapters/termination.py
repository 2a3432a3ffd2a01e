"""Termination: tells when this process is asked to end, beside what its server does (signals)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def on_termination(tell: Callable[[], None]) -> bool:
    """Call `tell` from the signal's handler, and then what handled it before; whether that works.

    Only the main thread of a process can listen.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    for number in _SIGNALS:
        _listen(number, tell)
    return True


def _listen(number: signal.Signals, tell: Callable[[], None]) -> None:
    before = signal.getsignal(number)
    if not callable(before):
        return  # nobody handles it gracefully, so there is no ending to be told of

    def handler(signum: int, frame: FrameType | None) -> None:
        tell()
        before(signum, frame)

    signal.signal(number, handler)
