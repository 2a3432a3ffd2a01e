"""Permits: issue those that are missing for due pictures (lost messages)."""

from __future__ import annotations

from sqlalchemy import text

from imgapp.adapters import queue
from imgapp.adapters.db import transaction
from imgapp.services.installation import vision_models
from imgapp.services.queue import pacing

SWEEP_SECONDS = 2.0
_MOST = 1_000
_DUE = text("SELECT imgapp_due_count(:models)").bindparams(vision_models.MODELS)


def issue_missing() -> None:
    """See that nothing that may be claimed waits without a permit, as far as the pace allows.

    Raises DatabaseUnavailable, QueueUnavailable.
    """
    missing = min(due_count() - queue.pending_permits(), _MOST)
    if missing > 0 and (capacity := pacing.capacity(SWEEP_SECONDS)) is not None:
        missing = min(missing, capacity)
    queue.issue_permits(missing)


def due_count() -> int:
    """Pictures that a worker could take now, counted up to 10,000. Raises DatabaseUnavailable."""
    with transaction() as session:
        return int(session.execute(_DUE, vision_models.as_parameter()).scalar_one())
