"""Permits for pictures that are due and have none: theirs was lost, or used too early."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from imgapp.adapters import queue
from imgapp.adapters.db import transaction
from imgapp.models import Priority
from imgapp.services import pacing
from imgapp.services.breaker import server_and_model

SWEEP_SECONDS = 2.0
_MOST = 1_000
_DUE = text("SELECT imgapp_due_count(:server, :model, :local)")


def issue_missing() -> None:
    """See that nothing that may be claimed waits without a permit, as far as the pace allows.

    Raises DatabaseUnavailable, QueueUnavailable.
    """
    missing = min(due_count() - queue.pending_permits(), _MOST)
    if missing > 0 and (capacity := pacing.capacity(SWEEP_SECONDS)) is not None:
        missing = min(missing, capacity)
    for _ in range(missing):
        issue()


def due_count() -> int:
    """Pictures that a worker could take now, counted up to 10,000. Raises DatabaseUnavailable."""
    with transaction() as session:
        return int(session.execute(_DUE, server_and_model()).scalar_one())


def issue() -> None:
    """Issue one, for whichever picture is next. Raises QueueUnavailable."""
    queue.enqueue_analysis(UUID(int=0), priority=Priority.BULK)
