"""Delivery threads: send webhooks apart from analyses.

A receiver that hangs holds up neither a picture nor, for long, the deliveries of others.
"""

from __future__ import annotations

import logging
import threading
import time

from imgapp.errors import ServiceUnavailable
from imgapp.services.webhooks import delivery_attempts

log = logging.getLogger(__name__)

THREADS = 16
"""In one worker; they wait for receivers most of the time."""
PATIENCE_SECONDS = 2.0
"""A worker that ends waits so long; what is still under way then is sent again."""

_lock = threading.Lock()
_stopping = threading.Event()
_running = 0


def start_one() -> None:
    """Another thread sends what is due, until nothing is, unless enough of them are at it."""
    global _running
    with _lock:
        if _running >= THREADS or _stopping.is_set():
            return
        _running += 1
    threading.Thread(target=_work, name="sender", daemon=True).start()


def resume() -> None:
    """Send (again)."""
    _stopping.clear()


def stop() -> None:
    """Begin nothing more, and give what is under way a moment to end."""
    _stopping.set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _running and time.monotonic() < deadline:
        time.sleep(0.02)


def _work() -> None:
    global _running
    try:
        while not _stopping.is_set() and delivery_attempts.run_one():
            pass
    except ServiceUnavailable as error:
        # The rows are still there: the sweeper lets somebody look again.
        log.warning("sending_postponed", extra={"reason": error.code})
    except Exception:
        log.exception("sending_failed")
    finally:
        with _lock:
            _running -= 1
