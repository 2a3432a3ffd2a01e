"""Whoever has a page open hears of what happens, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from imgapp.adapters import events
from imgapp.adapters.events import Subscriber
from imgapp.models import ImageEvent, new_id


@pytest.fixture
async def subscriber(database: None) -> AsyncIterator[Subscriber]:
    made = Subscriber()
    yield made
    await made.close()


async def heard(subscriber: Subscriber, count: int) -> set[ImageEvent | None]:
    found: set[ImageEvent | None] = set()
    async with asyncio.timeout(20):
        async for event in subscriber.listen():
            found.add(event)
            if len(found) == count:
                break
    return found


async def test_all_who_come_at_once_are_followed(subscriber: Subscriber) -> None:
    people = [new_id() for _ in range(50)]
    await asyncio.gather(*map(subscriber.follow, people))
    expected = {ImageEvent(user, "image_described", user) for user in people}
    for event in expected:
        assert event.image_id
        events.publish(event.user_id, event.kind, event.image_id)
    assert await heard(subscriber, len(people)) == expected


async def test_nobody_else_is_heard(subscriber: Subscriber) -> None:
    alice, mallory, left = new_id(), new_id(), new_id()
    await subscriber.follow(alice)
    await subscriber.follow(left)
    await subscriber.unfollow(left)
    for user in (mallory, left, alice):
        events.publish(user, "image_described", user)
    assert await heard(subscriber, 1) == {ImageEvent(alice, "image_described", alice)}
