"""What changed reaches the tabs, or the tabs are told to read again, whatever fails on the way."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from imgapp.errors import DatabaseUnavailable
from imgapp.models import ImageEvent
from imgapp.ui.gallery import live_bridge
from imgapp.ui.gallery.live_bridge import Bridge

ALICE, PICTURE = uuid4(), uuid4()


class Told(Bridge):
    """A bridge whose pushes fail as it is told, and that writes down what would be sent."""

    def __init__(self, *failures: Exception) -> None:
        app: Any = SimpleNamespace(event_namespace=None)
        super().__init__(app)
        self.failures, self.tries = iter(failures), 0
        self.pushed: list[tuple[list[UUID], bool]] = []
        self.reloads = 0

    async def _push(self, user_id: UUID, changed: list[UUID], *, recount: bool) -> None:
        self.tries += 1
        if (failure := next(self.failures, None)) is not None:
            raise failure
        self.pushed.append((changed, recount))

    async def _tell(self, *_: Any) -> None:
        self.reloads += 1

    async def settled(self) -> None:
        """All that it began has ended."""
        while tasks := [*self.pushing.values(), *self.reloading.values()]:
            await asyncio.gather(*tasks)


@pytest.fixture(autouse=True)
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the bridge rested, each time; nobody waits for it."""
    took: list[float] = []
    sleep = asyncio.sleep

    async def rest(seconds: float) -> None:
        took.append(seconds)
        await sleep(0)

    monkeypatch.setattr(live_bridge.asyncio, "sleep", rest)
    return took


def run(bridge: Told, *kinds: str) -> None:
    async def take() -> None:
        for kind in kinds:
            bridge.take(ImageEvent(user_id=ALICE, kind=kind, image_id=PICTURE))
        await bridge.settled()

    asyncio.run(take())


@pytest.mark.parametrize("failure", [DatabaseUnavailable(), KeyError("x")])
def test_what_could_not_be_pushed_is_pushed_after_a_rest(
    rests: list[float], failure: Exception
) -> None:
    bridge = Told(failure)
    run(bridge, "image_uploaded")
    assert bridge.pushed == [([PICTURE], True)]
    assert rests[0] >= 1.0
    assert bridge.reloads == 0


def test_what_cannot_be_pushed_is_read_again_by_the_tabs(rests: list[float]) -> None:
    bridge = Told(*(KeyError("x") for _ in range(3)))
    run(bridge, "image_described")
    assert (bridge.tries, bridge.pushed, bridge.reloads) == (3, [], 1)
    assert min(rests[:3]) >= 1.0, "it does not spin"


def test_tabs_that_could_not_be_told_to_read_again_are_told_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge, failures = Told(), iter([RuntimeError("a socket broke")])

    async def tell(*_: Any) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        bridge.reloads += 1

    monkeypatch.setattr(bridge, "_tell", tell)

    async def take() -> None:
        bridge.take(ImageEvent(user_id=ALICE, kind="images_changed", image_id=None))
        await bridge.settled()

    asyncio.run(take())
    assert bridge.reloads == 1


def test_one_tab_that_fails_keeps_the_push_from_being_done() -> None:
    done: list[int] = []

    async def tell(number: int, *, fails: bool) -> None:
        if fails:
            raise KeyError
        done.append(number)

    with pytest.raises(KeyError):
        asyncio.run(live_bridge._all(tell(n, fails=n == 1) for n in range(3)))
    assert done == [0, 2], "and the others have theirs"
