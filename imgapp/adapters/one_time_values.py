"""One-time values: keeps them in Redis, to be taken once within a time (nonces)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import redis
from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client
from imgapp.errors import QueueUnavailable

_PREFIX = "imgapp:once:"
_SECONDS = 1.5


@contextmanager
def _connected() -> Iterator[redis.Redis]:
    try:
        yield redis_client(_SECONDS)
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
