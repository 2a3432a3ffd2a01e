"""Undelete: take pictures out of the trash, by hand, many at once, or sent again (soft delete)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import queue
from imgapp.adapters.db import after_commit
from imgapp.models import AnalysisStatus

_PERMITS = 100
"""Issued at once for what comes back unanalysed; the sweeper issues the others."""

# Locked in the order of their ids, so that two of these never wait for each other.
_RESTORE = text(
    "WITH mine AS (SELECT id FROM images WHERE id = ANY(CAST(:ids AS uuid[]))"
    " AND deleted_at IS NOT NULL ORDER BY id FOR UPDATE)"
    " UPDATE images i SET deleted_at = NULL FROM mine WHERE i.id = mine.id"
    " RETURNING i.id, i.analysis_status"
)


def restore(session: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Take those of a person's pictures out of the trash that are in it; which they were.

    Once this is committed, workers hear of those that wait; pages hear of them from the caller.
    """
    rows = session.execute(_RESTORE, {"ids": list(ids)}).all()
    waiting = sum(row.analysis_status == AnalysisStatus.PENDING for row in rows)
    after_commit(session, partial(queue.issue_permits, min(waiting, _PERMITS)))
    return [row.id for row in rows]
