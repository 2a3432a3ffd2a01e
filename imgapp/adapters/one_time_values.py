"""One-time values: keeps them in Redis, to be taken once within a time (nonces)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import cast

import redis
from redis.exceptions import RedisError

from imgapp.errors import QueueUnavailable
from imgapp.settings import get_settings

_PREFIX = "imgapp:once:"


@lru_cache(maxsize=1)
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=1.5, socket_timeout=1.5)


@contextmanager
def _connected() -> Iterator[redis.Redis]:
    url = get_settings().redis_url
    if url is None:
        raise QueueUnavailable("REDIS_URL is not set")
    try:
        yield _client(url.get_secret_value())
    except (RedisError, OSError) as error:
        raise QueueUnavailable from error


def put(secret: str, value: bytes, *, seconds: int) -> None:
    """Keep `value` for whoever knows the secret. Raises QueueUnavailable."""
    with _connected() as client:
        client.set(_key(secret), value, ex=seconds)


def take(secret: str) -> bytes | None:
    """The value, to one caller only; None if it was taken or its time is over.

    Raises QueueUnavailable.
    """
    with _connected() as client:
        return cast("bytes | None", client.getdel(_key(secret)))


def _key(secret: str) -> str:
    """Who reads Redis learns no secret."""
    return _PREFIX + hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
