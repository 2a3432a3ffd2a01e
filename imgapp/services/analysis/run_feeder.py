"""The run feeder: queues the pictures of runs a few hundred at a time, and ends runs.

Whoever feeds a run holds its row. A picture's row is locked before its place in the run, as it is
wherever a request ends, so that nobody waits in a circle.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, or_, select, text, update
from sqlmodel import Session, col

from imgapp.adapters import events, queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.models import (
    AnalysisStatus,
    Image,
    ImageAnalysis,
    Priority,
    Run,
    RunItem,
    RunOutcome,
    now,
)
from imgapp.services.analysis import answer_reuse
from imgapp.services.analysis.options import AnalysisOptions, run_of
from imgapp.services.analysis.question import ask_for
from imgapp.services.queue.requeueing import queue_again
from imgapp.services.texts.answers import keep_answer
from imgapp.services.webhooks import deliveries

MOST_QUEUED = 500
"""Of one run."""
AT_ONCE = 100
"""In one transaction."""
_STEPS = 3
"""Of one run, before it is the next one's turn."""
_MOST_RUNS = 1_000
_OPEN = text("SELECT run_id, user_id FROM imgapp_open_runs(:limit)")
_STOOD = ("analysis_status", "completed_at", "attempts", "error_code", "error_message")


def feed() -> None:
    """Give each run that is under way what it may have. Raises DatabaseUnavailable."""
    with transaction() as session:
        found = session.execute(_OPEN, {"limit": _MOST_RUNS}).all()
    for row in found:
        feed_run(row.user_id, row.run_id)


def feed_run(user_id: UUID, run_id: UUID) -> None:
    """Queue some more of a run, or end it. Nothing happens while somebody else is at it."""
    for _ in range(_STEPS):
        if not _step(user_id, run_id):
            return


def _step(user_id: UUID, run_id: UUID) -> bool:
    """Whether there may be more to do right now."""
    open_run = select(Run).where(col(Run.id) == run_id, col(Run.finished_at).is_(None))
    with transaction(user_id) as session:
        run = session.execute(open_run.with_for_update(skip_locked=True)).scalar_one_or_none()
        if run is None:
            return False
        if run.cancelled_at is not None:
            _take_back(session, run)
        room = MOST_QUEUED - _count(session, run, RunOutcome.QUEUED)
        taken = _next(session, run, min(room, AT_ONCE))
        queued = sum([_attend(session, run, item, image) for item, image in taken])
        if queued:
            # Most of them are claimed by permits of this hint; the sweep brings the rest.
            after_commit(session, partial(queue.issue_permits, queued))
        if not taken:
            _end(session, run)
        return len(taken) == AT_ONCE


def _next(session: Session, run: Run, limit: int) -> list[Any]:
    if run.cancelled_at is not None or limit <= 0:
        return []
    query = (
        select(RunItem, Image)
        .join(Image, col(Image.id) == col(RunItem.image_id))
        .where(col(RunItem.run_id) == run.id, col(RunItem.outcome) == RunOutcome.WAITING)
        # What is being analysed now has its turn when that is over.
        .where(col(Image.analysis_status) != AnalysisStatus.IN_PROGRESS)
        .order_by(col(RunItem.image_id).desc())
        .limit(limit)
    )
    return list(session.execute(query.with_for_update(of=Image, skip_locked=True)).all())


def _attend(session: Session, run: Run, item: RunItem, image: Image) -> bool:
    """Whether the picture is in the queue now."""
    if image.deleted_at is not None:
        item.outcome, item.finished_at = RunOutcome.SKIPPED, now()
        return False
    item.was = _standing(image)
    wishes = AnalysisOptions(**{name: getattr(run, name) for name in AnalysisOptions.model_fields})
    with session.no_autoflush:
        image.ask = wishes.as_request(run_id=str(run.id))
        if run.reuse and _reuse(session, run, item, image):
            return False
        item.outcome = RunOutcome.QUEUED
        if image.analysis_status != AnalysisStatus.PENDING:
            queue_again(image, Priority.BULK)
    _publish(session, image, "image_queued")
    return True


def _reuse(session: Session, run: Run, item: RunItem, image: Image) -> bool:
    ask = ask_for(session, image)
    found = answer_reuse.find_answer(session, image, ask)
    if found is None:
        return False
    analysis = answer_reuse.repeated(found, run.id)
    session.execute(insert(ImageAnalysis).values(**analysis.model_dump()))
    keep_answer(session, image, analysis, ask.language, made_from=ask.made_from, use=ask.use)
    image.analysis_status = AnalysisStatus.COMPLETED
    image.completed_at = analysis.completed_at
    image.error_code = image.error_message = image.waiting_reason = image.ask = None
    item.outcome, item.finished_at = RunOutcome.REUSED, analysis.completed_at
    _publish(session, image, "image_described")
    deliveries.send_soon(session, image.user_id)
    return True


def _take_back(session: Session, run: Run) -> None:
    queued = (
        select(RunItem, Image)
        .join(Image, col(Image.id) == col(RunItem.image_id))
        .where(col(RunItem.run_id) == run.id, col(RunItem.outcome) == RunOutcome.QUEUED)
        .where(col(Image.analysis_status) == AnalysisStatus.PENDING)
    )
    taken = session.execute(queued.with_for_update(of=Image)).all()
    ended = or_(
        col(RunItem.outcome) == RunOutcome.WAITING,
        col(RunItem.image_id).in_([image.id for _, image in taken]),
    )
    # Before the pictures' rows: the database notes how each request ended, but not of these.
    session.execute(
        update(RunItem)
        .where(col(RunItem.run_id) == run.id, ended)
        .values(outcome=RunOutcome.CANCELLED, finished_at=now())
    )
    for item, image in taken:
        if run_of(image) == run.id:
            image.ask = None
            _restore(image, item.was or {})
            _publish(session, image, "image_queued")


def _standing(image: Image) -> dict[str, Any]:
    stood = {name: getattr(image, name) for name in _STOOD}
    at = image.completed_at
    return stood | {"completed_at": at.isoformat() if at else None}


def _restore(image: Image, was: dict[str, Any]) -> None:
    if was.get("analysis_status") not in (AnalysisStatus.COMPLETED, AnalysisStatus.FAILED):
        return
    for name in _STOOD:
        setattr(image, name, was.get(name))
    at = was.get("completed_at")
    image.completed_at = datetime.fromisoformat(at) if at else None
    image.waiting_reason = None


def _end(session: Session, run: Run) -> None:
    waiting = _count(session, run, RunOutcome.WAITING, limit=1)
    if not waiting and not _count(session, run, RunOutcome.QUEUED, limit=1):
        run.finished_at = now()


def _count(session: Session, run: Run, outcome: RunOutcome, limit: int = MOST_QUEUED) -> int:
    some = select(col(RunItem.image_id)).where(
        col(RunItem.run_id) == run.id, col(RunItem.outcome) == outcome
    )
    query = select(func.count()).select_from(some.limit(limit).subquery())
    return int(session.execute(query).scalar_one())


def _publish(session: Session, image: Image, kind: str) -> None:
    after_commit(session, partial(events.publish, image.user_id, kind, image.id))
