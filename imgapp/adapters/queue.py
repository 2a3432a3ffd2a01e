"""The task queue: enqueues Dramatiq messages in Redis; each is a permit to claim one due row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from uuid import UUID

import dramatiq
from dramatiq.broker import MessageProxy
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.errors import BrokerError
from dramatiq.middleware import TimeLimit
from redis.exceptions import OutOfMemoryError, ReadOnlyError, RedisError, ResponseError

from imgapp.adapters import wake_ups
from imgapp.adapters.redis_clients import redis_client
from imgapp.errors import QueueUnavailable
from imgapp.models import Priority

QUEUE = "analysis"
ACTOR = "describe_image"
DELIVERIES = "deliveries"
DELIVERIES_ACTOR = "send_deliveries"
TRIALS = "trials"
TRIALS_ACTOR = "try_prompt"
_NAMESPACE = "imgapp:queue"
_CHECK = "imgapp:check"
_SECONDS = 1.5
_LONGEST_DELAY = 6 * 24 * 3600.0
"""Dramatiq keeps delayed messages for less than seven days."""
IDLE_SECONDS = 10.0
"""A worker that nobody calls looks at its queues so often. One that says nothing for a minute is
taken for dead."""
_MAINTENANCE_IN_A_MILLION = 20_000
"""Calls of a consumer that look for what dead workers left: calls are few while nothing happens."""


class WakingBroker(RedisBroker):
    """Dramatiq's Redis broker, whose consumers sleep until a message comes (`wake_ups`)."""

    def __init__(self) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=redis_client(_SECONDS),
            middleware=[TimeLimit()],
            namespace=_NAMESPACE,
            maintenance_chance=_MAINTENANCE_IN_A_MILLION,
        )
        self.wake_ups = wake_ups.WakeUps()

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        """What `consume` makes."""
        return _WakingConsumer

    def enqueue(
        self, message: dramatiq.Message[None], *, delay: int | None = None
    ) -> dramatiq.Message[None]:
        """Add a message, and wake up whoever waits for one."""
        enqueued: dramatiq.Message[None] = super().enqueue(message, delay=delay)
        wake_ups.call(enqueued.queue_name)
        return enqueued


class _WakingConsumer(_RedisConsumer):
    """The messages of a queue; instead of asking ten times a second, it waits to be called."""

    def __init__(self, broker: WakingBroker, queue_name: str, prefetch: int, timeout: int) -> None:
        super().__init__(broker, queue_name, prefetch, timeout)  # type: ignore[no-untyped-call]
        self._longest = min(timeout / 1000, IDLE_SECONDS)
        self.timeout = 0  # of the pause that Dramatiq makes after it found nothing
        self._later: dict[str, float] = {}
        """When delayed messages are due that this consumer has, in seconds since 1970."""

    def __next__(self) -> MessageProxy | None:
        self.broker.wake_ups.look(self.queue_name)
        message: MessageProxy | None = super().__next__()  # type: ignore[no-untyped-call]
        if message is None:
            due = min(self._later.values(), default=float("inf"))
            self.broker.wake_ups.wait(
                self.queue_name, max(0.0, min(self._longest, due - time.time()))
            )
        elif eta := message.options.get("eta"):
            self._later[message.message_id] = eta / 1000
        return message

    def ack(self, message: MessageProxy) -> None:
        """Let go of a message that was worked on: there may be room for another one."""
        self._let_go(message)
        super().ack(message)  # type: ignore[no-untyped-call]
        self.broker.wake_ups.wake(self.queue_name)

    def nack(self, message: MessageProxy) -> None:
        """Let go of a message that failed."""
        self._let_go(message)
        super().nack(message)  # type: ignore[no-untyped-call]
        self.broker.wake_ups.wake(self.queue_name)

    def _let_go(self, message: MessageProxy) -> None:
        self._later.pop(message.message_id, None)


@lru_cache(maxsize=1)
def broker() -> WakingBroker:
    """The one broker of this process. No retries and no dead letters: the row is the truth."""
    made = WakingBroker()
    dramatiq.set_broker(made)
    return made


def reset() -> None:
    """Forget the broker and its connections, for a process whose settings changed."""
    if broker.cache_info().currsize:
        broker().wake_ups.close()
        broker().client.close()
    broker.cache_clear()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, BrokerError, OSError) as error:
        raise QueueUnavailable(_why_nothing_is_taken(error)) from error


def _why_nothing_is_taken(error: Exception) -> str:
    """In a sentence, if Redis answers and refuses to write; empty if it is something else."""
    if isinstance(error, OutOfMemoryError):
        return "Redis is full, and takes nothing new until it has more memory (maxmemory)."
    if isinstance(error, ReadOnlyError):
        return "This Redis is a read-only copy: REDIS_URL has to name the primary."
    if isinstance(error, ResponseError) and str(error).startswith("MISCONF"):
        return "Redis cannot save to its disk, and takes nothing new until it can."
    if isinstance(error, ResponseError) and str(error).startswith("NOREPLICAS"):
        return "Redis has too few replicas, and takes nothing new until it has more."
    return ""


def enqueue_analysis(
    image_id: UUID, *, priority: Priority = Priority.INTERACTIVE, delay: float = 0
) -> None:
    """Issue a permit, valid after `delay` seconds. Raises QueueUnavailable.

    Image and priority are hints for whoever reads the queue; the claim picks the fairest due row.
    """
    _enqueue(QUEUE, ACTOR, str(image_id), int(priority), delay=delay)


def enqueue_delivery(*, delay: float = 0) -> None:
    """Let a worker look for due deliveries, in `delay` seconds. Raises QueueUnavailable."""
    _enqueue(DELIVERIES, DELIVERIES_ACTOR, delay=delay)


def enqueue_trial(user_id: UUID, trial_id: UUID) -> None:
    """Let a worker answer the next question of a trial. Raises QueueUnavailable."""
    _enqueue(TRIALS, TRIALS_ACTOR, str(user_id), str(trial_id), delay=0)


def issue_permits(count: int = 1) -> None:
    """Issue permits for whichever pictures are next. Raises QueueUnavailable."""
    for _ in range(count):
        enqueue_analysis(UUID(int=0), priority=Priority.BULK)


def pending_permits(queue: str = QUEUE) -> int:
    """Permits that no worker has taken yet, without the delayed ones. Raises QueueUnavailable."""
    with _translated():
        return cast(int, redis_client(_SECONDS).llen(f"{_NAMESPACE}:{queue}"))


def _enqueue(queue: str, actor: str, *args: str | int, delay: float) -> None:
    message = dramatiq.Message[None](
        queue_name=queue, actor_name=actor, args=args, kwargs={}, options={}
    )
    milliseconds = int(min(delay, _LONGEST_DELAY) * 1000)
    with _translated():
        broker().enqueue(message, delay=milliseconds if milliseconds > 0 else None)


@dataclass(frozen=True)
class ServerFacts:
    """What Redis says of itself."""

    version: str
    """Like 7.2.4."""
    evicts: str
    """The policy by which a full server throws away what nobody has read, or nothing."""
    persists: bool
    """Whether a restart keeps what is there; true also where that is not told."""


def server_facts() -> ServerFacts:
    """How the server is made up. Raises QueueUnavailable."""
    with _translated():
        client = redis_client(_SECONDS)
        said = cast("dict[str, object]", client.info())
        try:
            saves = cast("dict[str, str]", client.config_get("save")).get("save") != ""
        except ResponseError:  # servers for hire do not tell
            saves = True
    policy = str(said.get("maxmemory_policy", ""))
    return ServerFacts(
        version=str(said.get("redis_version", "0")),
        evicts=policy if policy.startswith("allkeys-") else "",
        persists=saves or bool(said.get("aof_enabled")),
    )


def check() -> None:
    """Raises QueueUnavailable unless Redis answers and can be written to."""
    with _translated():
        redis_client(_SECONDS).set(_CHECK, 1, ex=60)
