"""Rate limits: count how often somebody does something, for all processes together.

A limit protects the service, and must not become its weakest part: while Redis does not answer,
limits on ordinary work are not kept, and those on guessing are kept by each process for itself.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
from dataclasses import dataclass

from imgapp.adapters import rate_limits
from imgapp.errors import QueueUnavailable, RateLimited

log = logging.getLogger(__name__)

_REST_SECONDS = 2.0
"""So long Redis is not asked again after it did not answer: nobody waits for it twice."""
_MOST_LOCAL = 10_000


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit after a hit. `reset_seconds` is when all of it is back."""

    name: str
    limit: int
    per_seconds: float
    remaining: int
    reset_seconds: float


_down_until = 0.0
_local: dict[str, float] = {}
_lock = threading.Lock()


def hit(
    name: str,
    key: str,
    *,
    limit: int,
    per_seconds: float,
    detail: str = "",
    fail_open: bool = True,
) -> Allowance:
    """Count one use of `name` by `key`. Raises RateLimited, with `retry_after` in seconds.

    A refused use is not counted. While Redis is down all is allowed, unless `fail_open` is false:
    then this process counts for itself. `detail` is the sentence that the person reads.
    """
    return _take(name, key, limit, per_seconds, 1, detail, fail_open)


def check(
    name: str,
    key: str,
    *,
    limit: int,
    per_seconds: float,
    detail: str = "",
    fail_open: bool = True,
) -> Allowance:
    """As `hit`, but counts nothing: for limits on failures. Raises RateLimited."""
    return _take(name, key, limit, per_seconds, 0, detail, fail_open)


def forget(name: str, key: str) -> None:
    """Start anew for `key`. Never raises: what was counted fades by itself."""
    stored = _stored_key(name, key)
    with _lock:
        _local.pop(stored, None)
    try:
        rate_limits.forget(stored)
    except QueueUnavailable:
        log.warning("limit_not_forgotten", extra={"limit": name})


def _take(
    name: str, key: str, limit: int, per_seconds: float, cost: int, detail: str, fail_open: bool
) -> Allowance:
    stored = _stored_key(name, key)
    taken = _ask(stored, limit, per_seconds, cost)
    if taken is None:
        if fail_open:
            return Allowance(name, limit, per_seconds, limit, 0.0)
        taken = _take_here(stored, limit, per_seconds, cost)
    if not taken.allowed:
        wait = taken.wait_seconds
        raise RateLimited(
            detail or f"Too many requests. Try again in {_in_words(wait)}.",
            retry_after=wait,
            limit=(name, limit, per_seconds),
        )
    return Allowance(name, limit, per_seconds, taken.remaining, taken.reset_seconds)


def _ask(stored: str, limit: int, per_seconds: float, cost: int) -> rate_limits.RateLimitHit | None:
    global _down_until
    if time.monotonic() < _down_until:
        return None
    try:
        return rate_limits.take(stored, limit=limit, per_seconds=per_seconds, cost=cost)
    except QueueUnavailable:
        _down_until = time.monotonic() + _REST_SECONDS
        log.warning("limits_unavailable")
        return None


def _take_here(stored: str, limit: int, per_seconds: float, cost: int) -> rate_limits.RateLimitHit:
    """The same rule as in Redis, for this process alone."""
    with _lock:
        now = time.monotonic()
        if len(_local) > _MOST_LOCAL:
            for old in [one for one, whole in _local.items() if whole <= now] or list(_local):
                del _local[old]
        whole = max(now, _local.get(stored, 0.0))
        step = per_seconds / limit
        after = whole + step * max(cost, 1)
        wait = after - per_seconds - now
        if wait > 1e-9:
            return rate_limits.RateLimitHit(False, 0, whole - now, wait)
        if cost:
            _local[stored] = whole = after
        left = int((per_seconds - (whole - now)) / step + 1e-6)
        return rate_limits.RateLimitHit(True, left, whole - now, 0.0)


def _stored_key(name: str, key: str) -> str:
    # Keys are addresses and e-mail addresses too: not left readable in Redis or its files.
    return f"{name}:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _in_words(seconds: float) -> str:
    whole = max(1, math.ceil(seconds))
    if whole < 120:
        return f"{whole} second{'' if whole == 1 else 's'}"
    return f"{math.ceil(whole / 60)} minutes"
