"""Dramatiq actors: each a few lines that call a service."""

from __future__ import annotations

import logging
from uuid import UUID

import dramatiq

from imgapp.adapters import queue
from imgapp.errors import ServiceUnavailable, ShuttingDown
from imgapp.models import Priority
from imgapp.services.analysis import describe, prompt_trial_worker
from imgapp.services.webhooks import delivery_threads

log = logging.getLogger(__name__)

_TIME_LIMIT = 900_000
"""Milliseconds; the service gives up long before."""


@dramatiq.actor(
    broker=queue.broker(),
    queue_name=queue.QUEUE,
    actor_name=queue.ACTOR,
    time_limit=_TIME_LIMIT,
)
def describe_image(image_id: str, priority: int) -> None:
    """A permit to describe one picture: the fairest that is due.

    Which picture it was issued for is for whoever reads the queue; nothing is decided by it.
    """
    try:
        describe.run_one()
    except ShuttingDown:
        # For another worker: without the delay this one would take it again.
        queue.enqueue_analysis(UUID(image_id), priority=Priority(priority), delay=1)
    except ServiceUnavailable as error:
        # The row is still there: the sweeper issues a new permit for it.
        log.warning("permit_lost", extra={"reason": error.code})


@dramatiq.actor(
    broker=queue.broker(),
    queue_name=queue.DELIVERIES,
    actor_name=queue.DELIVERIES_ACTOR,
    time_limit=_TIME_LIMIT,
)
def send_deliveries() -> None:
    """Word that webhooks may be due. Sending has threads of its own: this one is free at once."""
    delivery_threads.start_one()


@dramatiq.actor(
    broker=queue.broker(),
    queue_name=queue.TRIALS,
    actor_name=queue.TRIALS_ACTOR,
    time_limit=_TIME_LIMIT,
    # Somebody looks at the page and waits; the threads are those of analyses.
    priority=-10,
)
def try_prompt(user_id: str, trial_id: str) -> None:
    """Answer the next question of a trial."""
    try:
        prompt_trial_worker.answer_one(UUID(user_id), UUID(trial_id))
    except ServiceUnavailable as error:
        log.warning("trial_lost", extra={"reason": error.code})
