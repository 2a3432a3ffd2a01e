"""S3 CORS probe: asks the bucket whether our pages may send files straight to it."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from imgapp.adapters import storage
from imgapp.errors import ImgappError
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

FRESH_SECONDS = 300.0
"""So old an answer is used while the bucket is asked again."""


@dataclass(frozen=True)
class _Probe:
    asked_at: float
    origin: str | None


_lock = threading.Lock()
_asking = threading.Lock()
_latest: tuple[str, _Probe] | None = None


def page_origin() -> str | None:
    """Where pages may send files: the bucket's origin; None if they may not, or on disk.

    Waits (two seconds at most) only for the first answer of this process; `known` says whether it
    is there.
    """
    answer = _known()
    if answer is None:
        with _asking:
            answer = _known() or _ask()
    elif time.monotonic() - answer.asked_at > FRESH_SECONDS and _asking.acquire(blocking=False):
        threading.Thread(target=_ask_again, name="cors", daemon=True).start()
    return answer.origin


def known() -> bool:
    """Whether `page_origin` answers without waiting."""
    return _known() is not None


def refusal() -> str | None:
    """A sentence if the bucket keeps our pages from sending files there; None if all is well."""
    incoming = storage.get_store().incoming
    if incoming is None or incoming.origin_allowed(get_settings().origin):
        return None
    return (
        f"its CORS rules do not let pages of {get_settings().origin} send files to"
        f" {incoming.origin}, so that uploads go through this server"
    )


def _about() -> str:
    """What the answer depends on."""
    settings = get_settings()
    return f"{settings.origin} {settings.s3_bucket} {settings.s3_public_endpoint}"


def _known() -> _Probe | None:
    if get_settings().s3_bucket is None:
        return _Probe(time.monotonic(), None)
    with _lock:
        return _latest[1] if _latest is not None and _latest[0] == _about() else None


def _ask() -> _Probe:
    global _latest
    about, origin = _about(), None
    try:
        incoming = storage.get_store().incoming
        if incoming is not None and incoming.origin_allowed(get_settings().origin):
            origin = incoming.origin
    except ImgappError as error:
        log.warning("cors_not_probed", extra={"reason": error.code})
    answer = _Probe(time.monotonic(), origin)
    with _lock:
        _latest = (about, answer)
    return answer


def _ask_again() -> None:
    try:
        _ask()
    finally:
        _asking.release()
