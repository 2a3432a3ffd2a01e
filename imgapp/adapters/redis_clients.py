"""Redis clients of this process: one for each server and patience, shared by all who use it."""

from __future__ import annotations

import os
from functools import lru_cache

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from imgapp.errors import QueueUnavailable
from imgapp.settings import get_settings

_IDLE_SECONDS = 30
"""A connection that was idle for so long is tried before it is used."""


def redis_url() -> str:
    """Where Redis is. Raises QueueUnavailable if no URL is set."""
    url = get_settings().redis_url
    if url is None:
        raise QueueUnavailable("REDIS_URL is not set")
    return url.get_secret_value()


def redis_client(seconds: float, *, again: bool = True) -> redis.Redis:
    """A client that waits so long, to connect and for each answer. Raises QueueUnavailable.

    One attempt more outlives a restarted Redis; `again` is False where a command that ran, but
    whose answer was lost, must not run twice.
    """
    return _client_at(redis_url(), seconds, again)


@lru_cache(maxsize=16)
def _client_at(url: str, seconds: float, again: bool) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        retry=Retry(NoBackoff(), int(again)),
        health_check_interval=_IDLE_SECONDS,
    )


# A forked child has no business with its parent's connections.
os.register_at_fork(after_in_child=_client_at.cache_clear)
