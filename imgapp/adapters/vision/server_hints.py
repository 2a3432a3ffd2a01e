"""Server hints: keep what was learnt of vision servers in Redis; losing them costs nothing."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any, cast

from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client
from imgapp.errors import QueueUnavailable

log = logging.getLogger(__name__)

KEPT_SECONDS = 3600
"""A server that was started anew with more context says nothing of it."""
_PREFIX = "imgapp:vision:dialect:"
_TIMEOUT_SECONDS = 0.5


def recall(base_url: str, model: str) -> dict[str, Any] | None:
    """What was remembered of a server and model; None too if Redis does not answer."""
    try:
        kept = redis_client(_TIMEOUT_SECONDS).get(_key(base_url, model))
        found = json.loads(cast(bytes | None, kept) or b"null")
    except QueueUnavailable:
        return None
    except (RedisError, OSError, ValueError):
        log.warning("vision_hint_not_read")
        return None
    return found if isinstance(found, dict) else None


def remember(base_url: str, model: str, found: dict[str, Any]) -> None:
    """Keep what was found for an hour; never raises."""
    key, said = _key(base_url, model), json.dumps(found)
    try:
        redis_client(_TIMEOUT_SECONDS).set(key, said, ex=KEPT_SECONDS)
    except QueueUnavailable:
        pass
    except (RedisError, OSError):
        log.warning("vision_hint_not_kept")


def _key(base_url: str, model: str) -> str:
    # Hashed: the URL may hold credentials.
    return _PREFIX + hashlib.sha256(f"{base_url}\0{model}".encode()).hexdigest()[:32]
