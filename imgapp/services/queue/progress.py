"""Progress: counts how far a person's pictures are, and lists what failed, to be tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import Row, func, select, text, tuple_, update
from sqlmodel import Session, col

from imgapp.adapters import db, events, queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.models import (
    AnalysisStatus,
    ErrorInfo,
    Image,
    Priority,
    Shape,
    Waiting,
    WaitingReason,
)
from imgapp.services.common.pagination import Place, cut_page, read_cursor
from imgapp.services.library.file_links import signed_urls
from imgapp.services.library.tallies import TALLIES, add_up, by_reason, number, tallies_of
from imgapp.services.queue.concurrency import seconds_a_picture
from imgapp.services.queue.requeueing import waiting_anew
from imgapp.services.queue.waiting_reasons import explain
from imgapp.services.texts import coverage

UNKNOWN = "unknown"
FEW = 60
"""Failures that are tried again as if uploaded by hand; more go behind what is."""
_AT_ONCE = 1_000
_FIRST_PERMITS = 64
_PATIENCE = 20
"""Failures that are tried again in one go, in thousands: nobody waits longer for an answer."""

_NOTE = text("SELECT imgapp_note_progress()")
_AHEAD = text("SELECT imgapp_pictures_ahead()")
_SINCE = text("SELECT since FROM progress")
_OLDEST = text(
    "SELECT min(queued_at) FROM images"
    " WHERE analysis_status IN ('pending', 'in_progress') AND deleted_at IS NULL"
)
_DONE = text("SELECT count(*) FROM images WHERE completed_at >= :since AND deleted_at IS NULL")
_AMONG_FAILED = text(
    "images.id IN (SELECT f.id FROM images f"
    " WHERE f.analysis_status = 'failed' AND f.deleted_at IS NULL"
    " AND (CAST(:code AS text) IS NULL OR coalesce(f.error_code, 'unknown') = :code)"
    " ORDER BY f.completed_at NULLS FIRST, f.id LIMIT :limit FOR UPDATE SKIP LOCKED)"
)


class WaitingFor(Waiting):
    """What some of a person's pictures wait for."""

    images: int


class FailureReason(Shape):
    """A reason for which pictures have failed, and how many did."""

    code: str
    images: int


class ProgressPublic(Shape):
    """How far a person's pictures are, since the last time that none of them waited."""

    since: datetime | None = Field(description="null while nothing waits")
    total: int = Field(description="Those that are done since then, and those that wait")
    done: int = Field(description="Completed or failed since then")
    waiting: int
    in_progress: int
    ahead: int = Field(description="Pictures of others that go before the next one; 10,000 at most")
    seconds_each: float | None = Field(
        default=None, description="Between two pictures, as far as that is known"
    )
    waiting_for: list[WaitingFor]
    failed: int = Field(description="All that have failed, whenever that was")
    failures: list[FailureReason] = Field(description="The same by reason, the most frequent first")


class FailurePublic(Shape):
    """A picture that could not be described."""

    id: UUID
    filename: str
    error: ErrorInfo
    attempts: int
    lost_attempts: int = Field(description="Attempts that ended with their worker")
    queued_at: datetime
    failed_at: datetime | None
    thumbnail: str = Field(description="A signed link, as `urls.thumbnail` of the picture")


class FailurePage(Shape):
    items: list[FailurePublic]
    next_cursor: str | None


class Queued(Shape):
    """How many pictures wait again."""

    queued: int


def read_progress(user_id: UUID) -> ProgressPublic:
    """How far this person's pictures are. Raises DatabaseUnavailable."""
    [rows] = db.read(user_id, (TALLIES, {}))
    tallies = tallies_of(rows)
    waiting, in_progress, failed = (
        number(tallies, status)
        for status in (AnalysisStatus.PENDING, AnalysisStatus.IN_PROGRESS, AnalysisStatus.FAILED)
    )
    since, done, ahead, waiting_for = None, 0, 0, list[WaitingFor]()
    if waiting or in_progress:
        with transaction(user_id) as session:
            since = _since(session)
            done = session.execute(_DONE, {"since": since}).scalar_one() if since else 0
            ahead = session.execute(_AHEAD).scalar_one() if waiting else 0
            reasons = by_reason(tallies, AnalysisStatus.PENDING)
            waiting_for = [_waiting_for(session, *reason) for reason in reasons if reason[0]]
    return ProgressPublic(
        since=since,
        total=done + waiting + in_progress,
        done=done,
        waiting=waiting,
        in_progress=in_progress,
        ahead=ahead,
        seconds_each=seconds_a_picture() if waiting or in_progress else None,
        waiting_for=waiting_for,
        failed=failed,
        failures=[
            FailureReason(code=code, images=images)
            for code, images in by_reason(tallies, AnalysisStatus.FAILED)
        ],
    )


def list_failures(
    user_id: UUID, *, code: str | None = None, limit: int = 60, cursor: str | None = None
) -> FailurePage:
    """What has failed, the latest first; for one reason, if named.

    Raises InvalidRequest (cursor).
    """
    scope = (user_id, "failures", code)
    failed_at = func.coalesce(col(Image.completed_at), col(Image.queued_at))
    query = (
        select(Image)
        .where(col(Image.analysis_status) == AnalysisStatus.FAILED, col(Image.deleted_at).is_(None))
        .order_by(failed_at.desc(), col(Image.id).desc())
        .limit(limit + 1)
    )
    if code is not None:
        query = query.where(func.coalesce(col(Image.error_code), UNKNOWN) == code)
    if cursor:
        place = tuple_(*read_cursor(Place, cursor, *scope))
        query = query.where(tuple_(failed_at, col(Image.id)) < place)
    with transaction(user_id) as session:
        rows = session.execute(query).scalars().all()
    page, further = cut_page(rows, limit, _place, *scope)
    return FailurePage(items=[_failure(row) for row in page], next_cursor=further)


def retry_failed(user_id: UUID, code: str | None = None) -> int:
    """Try again what has failed: all, or what failed for one reason; returns how many.

    Raises DatabaseUnavailable.
    """
    failures = read_progress(user_id).failures
    left = sum(one.images for one in failures if code in (None, one.code))
    priority = Priority.INTERACTIVE if left <= FEW else Priority.BULK
    failed = _AMONG_FAILED.bindparams(code=code, limit=_AT_ONCE)
    told: Any = col(Image.id).label("image_id"), col(Image.user_id)
    queued = 0
    # What fails anew meanwhile is not tried a third time.
    for _ in range(min(-(-left // _AT_ONCE), _PATIENCE)):
        with transaction(user_id) as session:
            again = update(Image).where(failed).values(**waiting_anew(priority))
            rows = session.execute(again.returning(*told)).all()
            tell(session, rows)
        queued += len(rows)
    return queued


def tell(session: Session, rows: Sequence[Row[Any]]) -> None:
    """Once they are committed, tell the owners and wake workers for pictures that wait again."""
    for row in rows:
        after_commit(session, partial(events.publish, row.user_id, "image_queued", row.image_id))
    after_commit(session, partial(queue.issue_permits, min(len(rows), _FIRST_PERMITS)))


def note_rounds() -> None:
    """Note who has pictures waiting, since when, and who has none left; and add up what changed.

    Raises DatabaseUnavailable.

    Whatever is over before this runs again was no wait.
    """
    with transaction() as session:
        session.execute(_NOTE)
    add_up()
    coverage.add_up()


def _since(session: Session) -> datetime | None:
    # Noted within two seconds; until then, what waits is all that there is.
    noted: datetime | None = session.execute(_SINCE).scalar_one_or_none()
    return noted or session.execute(_OLDEST).scalar_one()


def _waiting_for(session: Session, reason: str, images: int) -> WaitingFor:
    return WaitingFor(**explain(session, WaitingReason(reason)).model_dump(), images=images)


def _place(row: Image) -> Place:
    return Place(row.completed_at or row.queued_at, row.id)


def _failure(row: Image) -> FailurePublic:
    return FailurePublic(
        id=row.id,
        filename=row.filename,
        error=ErrorInfo(code=row.error_code or UNKNOWN, message=row.error_message or ""),
        attempts=row.attempts,
        lost_attempts=row.lost_attempts,
        queued_at=row.queued_at,
        failed_at=row.completed_at,
        thumbnail=signed_urls(row).thumbnail,
    )
