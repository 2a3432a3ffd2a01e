"""Wake-up calls: publish and await that there is something to do, by topic (Redis pub/sub).

A process asks one blocking question for all its topics, instead of looking at each many times a
second. A call is a hint, and may be lost: whoever waits looks again by itself after some seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from contextlib import suppress

from redis.client import PubSub
from redis.exceptions import RedisError

from imgapp.adapters.redis_clients import redis_client
from imgapp.errors import QueueUnavailable

log = logging.getLogger(__name__)

CHORES_TOPIC = "chores"
"""That a worker has something to do in the background."""
_CHANNEL = "imgapp:wake-ups"
_SECONDS = 1.5
_CHECK_SECONDS = 15.0
"""A silent connection is asked whether it is still there, as NAT forgets those that are idle."""
_RECONNECT_SECONDS = 1.0
UNHEARD_SECONDS = 0.2
"""While nobody can be heard, whoever waits looks again so soon."""


def call(topic: str) -> None:
    """Wake up whoever waits for `topic`, in any process. Never raises: it is a hint."""
    with suppress(RedisError, QueueUnavailable):
        redis_client(_SECONDS).publish(_CHANNEL, topic)


def call_for_chores() -> None:
    """Have workers look now for what there is to do in the background. Never raises."""
    call(CHORES_TOPIC)


class WakeUps:
    """Hears the calls of all processes, on a thread that starts with the first who waits."""

    def __init__(self) -> None:
        self._called: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._lock = threading.Lock()
        self._heard = False
        self._closed = threading.Event()
        self._listener: threading.Thread | None = None

    def look(self, topic: str) -> None:
        """To be called before one looks whether there is something: calls from here on count."""
        self._called[topic].clear()

    def wait(self, topic: str, seconds: float) -> None:
        """Return when `topic` was called since the last look, or after so many seconds."""
        self._listen()
        if self._closed.is_set():
            time.sleep(min(seconds, UNHEARD_SECONDS))
        else:
            longest = seconds if self._heard else min(seconds, UNHEARD_SECONDS)
            self._called[topic].wait(longest)

    def wake(self, topic: str) -> None:
        """Call, within this process."""
        self._called[topic].set()

    def wake_all(self) -> None:
        """Whatever may have been called meanwhile."""
        for called in list(self._called.values()):
            called.set()

    def close(self) -> None:
        """End all waits, and hear no more."""
        self._closed.set()
        self.wake_all()

    def _listen(self) -> None:
        with self._lock:
            if self._listener is None:
                self._listener = threading.Thread(target=self._hear, name="wake-ups", daemon=True)
                self._listener.start()

    def _hear(self) -> None:
        while not self._closed.is_set():
            try:
                with self._subscription() as pubsub:
                    self._hear_from(pubsub)
            except Exception:  # a connection that others close raises what it likes
                log.debug("wake_ups_unheard", exc_info=True)
            finally:
                self._heard = False
                self.wake_all()
            self._closed.wait(_RECONNECT_SECONDS)

    @staticmethod
    def _subscription() -> PubSub:
        # Without another attempt: connected again by itself, it would not say what it missed.
        pubsub: PubSub = redis_client(_SECONDS, again=False).pubsub(  # type: ignore[no-untyped-call]
            ignore_subscribe_messages=True
        )
        pubsub.subscribe(_CHANNEL)  # type: ignore[no-untyped-call]
        return pubsub

    def _hear_from(self, pubsub: PubSub) -> None:
        asked = False
        while not self._closed.is_set():
            message = pubsub.get_message(timeout=_CHECK_SECONDS)
            if not self._heard:
                # What was called before the subscription went unheard.
                self._heard = True
                self.wake_all()
            if message is None:
                if asked:
                    raise RedisError("the server does not answer")
                pubsub.ping()
            elif message["type"] == "message":
                self.wake(message["data"].decode())
            asked = message is None
