"""Rate limits: counts in Redis, so that any number of processes share a limit (atomic script).

The generic cell rate algorithm (ITU-T I.371): a key holds the time at which its allowance is whole
again. A caller who was away may use the whole allowance at once, and gets it back evenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from redis.commands.core import Script
from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client, redis_url
from imgapp.errors import QueueUnavailable

_PREFIX = "imgapp:limits:"
_TIMEOUT_SECONDS = 0.5

# Times are in microseconds. KEYS[1]; ARGV: limit, window, cost.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local whole = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local after = whole + window / limit * math.max(cost, 1)
local wait = after - window - now
if wait > 0 then
  return {0, 0, string.format('%.0f', whole - now), string.format('%.0f', wait)}
end
if cost > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
  whole = after
end
local left = math.floor((window - (whole - now)) / (window / limit) + 0.000001)
return {1, left, string.format('%.0f', whole - now), '0'}
"""


@dataclass(frozen=True)
class RateLimitHit:
    """Whether it was allowed; what is left; seconds until all is back, and until the next try."""

    allowed: bool
    remaining: int
    reset_seconds: float
    wait_seconds: float


@lru_cache(maxsize=4)
def _script_at(_url: str) -> Script:
    return redis_client(_TIMEOUT_SECONDS).register_script(_TAKE)


def take(key: str, *, limit: int, per_seconds: float, cost: int = 1) -> RateLimitHit:
    """Take `cost` of what `key` may have; with cost 0, only look. Raises QueueUnavailable."""
    try:
        arguments = [limit, int(per_seconds * 1_000_000), cost]
        allowed, remaining, reset, wait = _script_at(redis_url())(
            keys=[_PREFIX + key], args=arguments
        )
    except RedisError as error:
        raise QueueUnavailable from error
    return RateLimitHit(bool(allowed), int(remaining), int(reset) / 1e6, int(wait) / 1e6)


def forget(key: str) -> None:
    """Give `key` its whole allowance back. Raises QueueUnavailable."""
    try:
        redis_client(_TIMEOUT_SECONDS).delete(_PREFIX + key)
    except RedisError as error:
        raise QueueUnavailable from error
