"""Heartbeats: renew a lease again and again while the work that it covers goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from imgapp.errors import ImgappError

log = logging.getLogger(__name__)


@contextmanager
def heartbeat(renew: Callable[[], object], every: float) -> Iterator[None]:
    """Call `renew` every so many seconds, on a thread beside the block, until the block has ended.

    A renewal that fails says nothing against the lease: the next one may arrive in time.
    """
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(every):
            try:
                renew()
            except ImgappError as error:
                log.warning("lease_not_renewed", extra={"reason": error.code})
            except Exception:
                log.exception("lease_not_renewed")

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # One that is under way would renew what the caller ends next.
        thread.join()
