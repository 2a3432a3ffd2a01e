"""Server hints: keep what was learnt of vision servers in Redis; losing them costs nothing."""

from __future__ import annotations

import hashlib
import json
import logging
from functools import lru_cache
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from imgapp.settings import get_settings

log = logging.getLogger(__name__)

KEPT_SECONDS = 7 * 24 * 3600
_PREFIX = "imgapp:vision:dialect:"
_TIMEOUT_SECONDS = 0.5


def recall(base_url: str, model: str) -> dict[str, Any] | None:
    """What was remembered of a server and model; None too if Redis does not answer."""
    client = _client()
    if client is None:
        return None
    try:
        found = json.loads(cast(bytes | None, client.get(_key(base_url, model))) or b"null")
    except (RedisError, OSError, ValueError):
        log.warning("vision_hint_not_read")
        return None
    return found if isinstance(found, dict) else None


def remember(base_url: str, model: str, found: dict[str, Any]) -> None:
    """Keep what was found for a week; never raises."""
    client = _client()
    if client is None:
        return
    try:
        client.set(_key(base_url, model), json.dumps(found), ex=KEPT_SECONDS)
    except (RedisError, OSError):
        log.warning("vision_hint_not_kept")


def _key(base_url: str, model: str) -> str:
    # Hashed: the URL may hold credentials.
    return _PREFIX + hashlib.sha256(f"{base_url}\0{model}".encode()).hexdigest()[:32]


def _client() -> redis.Redis | None:
    url = get_settings().redis_url
    return None if url is None else _client_at(url.get_secret_value())


@lru_cache(maxsize=4)
def _client_at(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),
    )
