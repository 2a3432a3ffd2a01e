"""The circuit breaker: leaves a failing model server alone for a while, for all workers.

Its state is in PostgreSQL, so that all workers share it and it outlives them. It opens after five
failures in a row; then nothing is claimed for that server and model, until one picture tries. The
picture store has one as well. Pictures are not to blame: once it is open, no attempt is counted.
Of Redis, without which nobody is told to claim anything, it is only known that it is down.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, text
from sqlmodel import Session, and_, col, or_, select

from imgapp.adapters import db, queue
from imgapp.adapters.db import Query, transaction
from imgapp.errors import (
    DescriberError,
    ImgappError,
    QueueUnavailable,
    StoreUnavailable,
    TransientDescriberError,
)
from imgapp.models import ProviderState, Shape, now

if TYPE_CHECKING:
    from imgapp.services.queue.leases import ImageClaim

STORE, QUEUE = "store", "queue"
OUTAGES = frozenset(
    {
        "access_denied",
        "key_refused",
        "model_not_found",
        "model_not_running",
        "model_runtime_missing",
        "model_timeout",
        "model_unavailable",
        "model_unreachable",
        "model_unusable",
        "model_without_vision",
        "no_credit",
        "not_configured",
        "rate_limited",
    }
)
"""Failures that say something of the server, and nothing of the picture."""
AT_ONCE = frozenset(
    {
        "access_denied",
        "key_refused",
        "model_not_found",
        "model_runtime_missing",
        "model_unusable",
        "model_without_vision",
        "no_credit",
        "not_configured",
    }
)
"""Those that no other picture would fare better with: all of them wait from the first one on."""
_NO_ANSWER = frozenset({"preview_missing"})

_FAILED = text(
    "SELECT imgapp_provider_failed(:server, :model, :lease_id, :code, :message, :said, :at_once,"
    " CAST(:retry_after AS double precision), :jitter)"
)
_ANSWERED = "SELECT imgapp_provider_answered(%(server)s, %(model)s) AS ended_an_outage"
_NOTE_QUEUE = text("SELECT imgapp_note_queue(:code, :message)")
_QUEUE_FRESH = timedelta(minutes=1)
"""As long the queue is down without anybody who says so again; so it is in SQL."""


class Outage(Shape):
    """A server that is left alone, the picture store, or the queue that is down, and why."""

    model: str | None
    """null: the picture store, or the queue (`queue_unavailable`)."""
    code: str
    message: str
    since: datetime
    until: datetime | None
    """When it is tried again, if that is not now."""


def failed(session: Session, claim: ImageClaim, error: Exception) -> bool:
    """Note a failure; whether it counts against the picture."""
    if isinstance(error, StoreUnavailable):
        _note_failure(session, STORE, "", claim, error)
        return False
    if not isinstance(error, DescriberError) or error.code in _NO_ANSWER or not claim.asks:
        return True
    if error.code in OUTAGES:
        return _note_failure(session, claim.server, claim.model, claim, error)
    answered(session, claim)
    return True


def answered(session: Session, claim: ImageClaim) -> bool:
    """Note that the server answered, whatever it said; whether that ended an outage."""
    [[noted]] = db.execute(session, answer(claim))
    return bool(noted.ended_an_outage)


def answer(claim: ImageClaim) -> Query:
    """The query that notes an answer; its row has `ended_an_outage`."""
    return _ANSWERED, {"server": claim.server, "model": claim.model}


def look_at_the_queue() -> None:
    """Note whether Redis can be used, once it could not be twice. Raises DatabaseUnavailable."""
    code = message = None
    try:
        queue.check()
    except QueueUnavailable as error:
        code, message = error.code, error.detail
    with transaction() as session:
        session.execute(_NOTE_QUEUE, {"code": code, "message": message})


def troubles() -> list[Outage]:
    """What is left alone now, the longest outage first. Raises DatabaseUnavailable."""
    with transaction() as session:
        return troubles_in(session)


def troubles_in(session: Session) -> list[Outage]:
    """As `troubles`, in a transaction."""
    stale = and_(
        col(ProviderState.server) == QUEUE, col(ProviderState.updated_at) < now() - _QUEUE_FRESH
    )
    query = select(ProviderState).where(_left_alone(), ~stale)
    rows = session.exec(query).all()
    return sorted(map(_trouble, rows), key=lambda trouble: trouble.since)


def model_troubles() -> dict[tuple[str, str], dict[str, Any]]:
    """What is wrong with models now, by server and model, with what the servers said.

    For administrators alone. Raises DatabaseUnavailable.
    """
    query = select(ProviderState).where(
        _left_alone(),
        col(ProviderState.server).not_in([STORE, QUEUE]),
    )
    with transaction() as session:
        return {
            (row.server, row.model): {
                "code": row.code or "",
                "message": row.message or "",
                "said": row.said,
                "since": row.opened_at or row.updated_at,
            }
            for row in session.exec(query)
        }


def _left_alone() -> ColumnElement[bool]:
    return or_(col(ProviderState.opened_at).is_not(None), col(ProviderState.held_until) > now())


def _trouble(row: ProviderState) -> Outage:
    until = max(filter(None, (row.open_until, row.held_until)), default=None)
    return Outage(
        model=None if row.server in (STORE, QUEUE) else row.model,
        code=row.code or "",
        message=row.message or "",
        since=row.opened_at or row.updated_at,
        until=until if until and until > now() else None,
    )


def _note_failure(
    session: Session, server: str, model: str, claim: ImageClaim, error: ImgappError
) -> bool:
    asked = error.retry_after if isinstance(error, TransientDescriberError) else None
    values = {
        "server": server,
        "model": model,
        "lease_id": claim.lease_id,
        "code": error.code,
        "message": error.detail,
        "said": getattr(error, "said", None),
        "at_once": error.code in AT_ONCE,
        "retry_after": asked,
        "jitter": random.random(),  # noqa: S311
    }
    return bool(session.execute(_FAILED, values).scalar_one())
