"""Model pacing: limits requests and tokens a minute over all workers in Redis (atomic script).

As in `adapters.rate_limits`, the generic cell rate algorithm (ITU-T I.371): a key holds the time at
which the next request is due. A request takes its turn before it is sent, in the future if need be.
A Redis that was wiped starts anew, with a whole allowance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client, redis_url
from imgapp.errors import QueueUnavailable

FIRST_ESTIMATE = 1_500
"""Tokens of an analysis, before one was seen."""
_KEYS = ("imgapp:pacing:requests", "imgapp:pacing:tokens", "imgapp:pacing:estimate")
_TIMEOUT_SECONDS = 0.5
_KEPT_SECONDS = 24 * 3600

# Times are in microseconds. ARGV: requests and tokens a minute (0: no limit), the longest wait,
# the first estimate, the seconds that keys are kept.
#
# A twentieth of a minute's requests may go at once. With `burst` at once and then one each `every`,
# any minute holds at most burst - 1 + minute / every of them: exactly the limit. Tokens are known
# only afterwards, so their rate is a twentieth lower, which leaves room for the burst.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rpm, tpm, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens = tonumber(redis.call('GET', KEYS[3]) or ARGV[4])
local wait, every, of_token = 0, 0, 0
local request, token = 0, 0
if rpm > 0 then
  local burst = math.max(1, math.floor(rpm / 20))
  every = 60000000 / (rpm - burst + 1)
  request = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
  wait = math.max(wait, request - (burst - 1) * every - now)
end
if tpm > 0 then
  of_token = 60000000 / (tpm * 0.95)
  token = math.max(now, tonumber(redis.call('GET', KEYS[2]) or 0))
  wait = math.max(wait, token - 3000000 - now)
end
if wait > longest then
  return {0, string.format('%.0f', wait), '0', '0', '0'}
end
if rpm > 0 then
  redis.call('SET', KEYS[1], string.format('%.0f', request + every), 'EX', ARGV[5])
end
if tpm > 0 then
  redis.call('SET', KEYS[2], string.format('%.0f', token + tokens * of_token), 'EX', ARGV[5])
end
return {1, string.format('%.0f', wait), string.format('%.0f', every),
  string.format('%.0f', tokens), string.format('%.6f', of_token)}
"""

# ARGV: time given back to requests and tokens; the tokens that an answer took (0: none known), the
# first estimate, the seconds that keys are kept. An estimate follows the last ten or so.
_SETTLE = """
for i = 1, 2 do
  local due = redis.call('GET', KEYS[i])
  if due and tonumber(ARGV[i]) ~= 0 then
    redis.call('SET', KEYS[i], string.format('%.0f', due - ARGV[i]), 'EX', ARGV[5])
  end
end
if tonumber(ARGV[3]) > 0 then
  local old = tonumber(redis.call('GET', KEYS[3]) or ARGV[3])
  redis.call('SET', KEYS[3], string.format('%.0f', old + (ARGV[3] - old) / 10), 'EX', ARGV[5])
end
"""


@dataclass(frozen=True)
class PacingPermit:
    """Leave to send one request, `wait` seconds from now; refused if `allowed` is false."""

    allowed: bool
    wait: float
    request_microseconds: float = 0
    tokens: int = 0
    """As estimated."""
    token_microseconds: float = 0


def take(
    requests_per_minute: int | None, tokens_per_minute: int | None, longest: float
) -> PacingPermit:
    """The next turn, unless it is more than `longest` seconds away. Raises QueueUnavailable."""
    allowed, wait, every, tokens, of_token = _run(
        _TAKE,
        requests_per_minute or 0,
        tokens_per_minute or 0,
        int(longest * 1e6),
        FIRST_ESTIMATE,
        _KEPT_SECONDS,
    )
    return PacingPermit(bool(allowed), int(wait) / 1e6, float(every), int(tokens), float(of_token))


def give_back(turn: PacingPermit) -> None:
    """Nothing was sent. Raises QueueUnavailable."""
    _settle(turn.request_microseconds, turn.tokens * turn.token_microseconds, 0)


def settle(turn: PacingPermit, tokens: int) -> None:
    """It took so many tokens, as the server reported, or none. Raises QueueUnavailable."""
    _settle(0, (turn.tokens - tokens) * turn.token_microseconds, tokens)


def estimate() -> int:
    """How many tokens an analysis takes, after the recent ones. Raises QueueUnavailable."""
    try:
        known: Any = redis_client(_TIMEOUT_SECONDS).get(_KEYS[2])
    except RedisError as error:
        raise QueueUnavailable from error
    return int(known) if known else FIRST_ESTIMATE


def _settle(request_time: float, token_time: float, tokens: int) -> None:
    _run(_SETTLE, f"{request_time:.0f}", f"{token_time:.0f}", tokens, FIRST_ESTIMATE, _KEPT_SECONDS)


def _run(script: str, *arguments: str | float) -> Any:
    try:
        return _script(script, redis_url())(keys=_KEYS, args=arguments)
    except RedisError as error:
        raise QueueUnavailable from error


@lru_cache(maxsize=8)
def _script(text: str, _url: str) -> Any:
    return redis_client(_TIMEOUT_SECONDS).register_script(text)
