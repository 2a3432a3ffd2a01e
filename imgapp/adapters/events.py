"""Events: publishes and subscribes over Redis, one channel per person (pub/sub)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from uuid import UUID

import redis.asyncio
from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client, redis_url
from imgapp.errors import QueueUnavailable
from imgapp.models import ImageEvent

log = logging.getLogger(__name__)

_PREFIX = "imgapp:events:"
_SECONDS = 2.0


def publish(user_id: UUID, kind: str, image_id: UUID) -> None:
    """Tell the owner's open pages. Never raises: the row is the truth and pages read it again."""
    _publish(user_id, kind, str(image_id))


def publish_many(user_id: UUID) -> None:
    """Tell the owner's open pages that many pictures changed. Never raises."""
    _publish(user_id, "images_changed", None)


def _publish(user_id: UUID, kind: str, image_id: str | None) -> None:
    told = {"kind": kind, "image_id": image_id}
    try:
        redis_client(_SECONDS).publish(f"{_PREFIX}{user_id}", json.dumps(told))
    except (RedisError, QueueUnavailable):
        log.warning("event_not_published", extra=told)


class Subscriber:
    """Listens to the channels of the people who have a page open in this process."""

    def __init__(self) -> None:
        self._redis = redis.asyncio.Redis.from_url(redis_url(), health_check_interval=15)
        self._pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        self._wanted: set[UUID] = set()
        self._changed = asyncio.Event()
        self._lost = False
        # Of two commands at once before there is a connection, one would go to another connection.
        self._one_at_a_time = asyncio.Lock()

    async def follow(self, user_id: UUID) -> None:
        """Start listening to one person's channel."""
        if user_id not in self._wanted:
            self._wanted.add(user_id)
            await self._subscribe(user_id)
            self._changed.set()

    async def unfollow(self, user_id: UUID) -> None:
        """Stop listening to one person's channel."""
        if user_id in self._wanted:
            self._wanted.discard(user_id)
            try:
                async with self._one_at_a_time:
                    await self._pubsub.unsubscribe(f"{_PREFIX}{user_id}")
            except RedisError:
                log.warning("unsubscribe_failed", extra={"user_id": str(user_id)})

    async def _subscribe(self, user_id: UUID) -> None:
        try:
            async with self._one_at_a_time:
                await self._pubsub.subscribe(f"{_PREFIX}{user_id}")
        except RedisError:
            # The listening loop subscribes to everyone again.
            self._lost = True
            log.warning("subscribe_failed", extra={"user_id": str(user_id)})

    async def listen(self) -> AsyncIterator[ImageEvent | None]:
        """Yield events; None each time the connection was lost and is back (events were missed)."""
        while True:
            if not (self._wanted and (self._lost or self._pubsub.subscribed)):
                self._changed.clear()
                await self._changed.wait()
            try:
                if self._lost:
                    async with self._one_at_a_time:
                        everyone = (f"{_PREFIX}{user}" for user in self._wanted)
                        await self._pubsub.subscribe(*everyone)
                    self._lost = False
                    yield None
                message = await self._pubsub.get_message(timeout=5)
            except RedisError:
                self._lost = True
                await asyncio.sleep(0.5)
                continue
            if message is not None:
                yield _event(message)

    async def close(self) -> None:
        """Close the connection."""
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._redis.aclose()


def _event(message: dict[str, bytes]) -> ImageEvent:
    body = json.loads(message["data"])
    user_id = UUID(message["channel"].decode().removeprefix(_PREFIX))
    image_id = body["image_id"]
    return ImageEvent(user_id, body["kind"], UUID(image_id) if image_id else None)
