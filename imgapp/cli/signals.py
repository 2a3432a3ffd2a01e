"""Signals: turn Ctrl-C and SIGTERM into an exception, so that `finally` cleans up anywhere."""

from __future__ import annotations

import signal
from types import FrameType

STOPPED_BY_A_SIGNAL = 130
"""The exit code of commands that were stopped, as shells have it for Ctrl-C."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked this process to end."""


def stop_on_signals() -> None:
    """From now on the first signal raises Stopped in the main thread, and later ones do nothing."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        ignore_signals()
        raise StopRequested

    for number in _SIGNALS:
        # `nohup` asks to outlive the terminal. A script's `&` ignores Ctrl-C too, but who sends
        # that signal to a job in the background means it.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def ignore_signals() -> None:
    """Nothing interrupts the clean-up."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
