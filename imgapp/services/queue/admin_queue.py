"""The administrator's queue: counts everybody's waiting work and its reasons, nobody's pictures."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import counters
from imgapp.errors import QueueUnavailable
from imgapp.models import Priority, Shape, WaitingReason, now
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.installation.runtime_settings import read
from imgapp.services.queue.circuit_breaker import Outage, troubles_in
from imgapp.services.queue.progress import tell

FRESH_SECONDS = 1.9
"""However many administrators look, the database is asked once in this time."""
_AT_ONCE = 1_000
_PATIENCE = 20

_QUEUE = text("SELECT imgapp_queue()")
_RETRY = text("SELECT image_id, user_id FROM imgapp_retry_failed(:code, :limit)")


class QueueLane(Shape):
    """What waits for a worker."""

    priority: str = Field(description="`interactive` goes first, then `bulk`")
    waiting: int
    delayed: int = Field(description="Of these, those whose next attempt is not due yet")
    people: int
    oldest_at: datetime | None = Field(description="When the one that waits longest was queued")


class QueueReason(Shape):
    """Why pictures are not taken though workers are there."""

    reason: WaitingReason
    images: int
    people: int


class QueueFailure(Shape):
    """What has failed for one reason, whenever that was."""

    code: str
    images: int
    people: int
    latest_at: datetime | None


class Throughput(Shape):
    """Analyses that ended lately."""

    completed_last_minute: int
    failed_last_minute: int
    completed_last_5_minutes: int
    failed_last_5_minutes: int


class QueuePublic(Shape):
    """The queue of everybody together."""

    at: datetime = Field(description="When this was so")
    paused: bool
    paused_at: datetime | None
    max_in_flight: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    workers: int | None = Field(description="Worker processes that live; null if nobody knows")
    waiting: int
    in_flight: int
    oldest_in_flight_at: datetime | None
    lanes: list[QueueLane]
    waiting_for: list[QueueReason]
    troubles: list[Outage] = Field(description="Servers that are left alone for now, and why")
    throughput: Throughput
    failed: int
    failures: list[QueueFailure] = Field(description="The most frequent first, 100 at most")


def read_queue(user_id: UUID) -> QueuePublic:
    """The queue as it was two seconds ago at most.

    Raises NotFound unless the caller is an administrator, and DatabaseUnavailable.
    """
    with as_administrator(user_id):
        pass
    with _one_at_a_time:
        known = _known.get("read")
        if known is None or time.monotonic() - known[0] > FRESH_SECONDS:
            workers = _workers()
            with as_administrator(user_id) as session:
                known = _known["read"] = (time.monotonic(), _read(session, workers))
        return known[1]


def retry_failures(user_id: UUID, code: str | None = None) -> int:
    """Try again what has failed, of everybody, for one reason or for any; returns how many.

    Raises NotFound unless the caller is an administrator, and DatabaseUnavailable.
    """
    with as_administrator(user_id) as session:
        found = session.execute(_QUEUE).scalar_one()["failures"]
    left = sum(one["images"] for one in found if code in (None, one["code"]))
    queued = 0
    # What fails anew meanwhile is not tried a third time.
    for _ in range(min(-(-left // _AT_ONCE), _PATIENCE)):
        with as_administrator(user_id) as session:
            rows = session.execute(_RETRY, {"code": code, "limit": _AT_ONCE}).all()
            tell(session, rows)
        queued += len(rows)
    if queued:
        audit_trail.record(AuditKind.FAILURES_RETRIED, user_id, reason=code or "any", images=queued)
    forget()
    return queued


def forget() -> None:
    """Read the queue anew the next time."""
    _known.clear()


def _read(session: Session, workers: int | None) -> QueuePublic:
    found: dict[str, Any] = session.execute(_QUEUE).scalar_one()
    pace = read(session)
    lanes = {lane["priority"]: lane for lane in found["lanes"]}
    failures = [QueueFailure(**one, latest_at=one["latest"]) for one in found["failures"]]
    troubles = troubles_in(session)
    if any(one.code == QueueUnavailable.code for one in troubles):
        workers = None  # they may well live, and cannot say so
    return QueuePublic(
        at=now(),
        paused=pace.paused,
        paused_at=pace.paused_at,
        max_in_flight=pace.max_in_flight,
        requests_per_minute=pace.requests_per_minute,
        tokens_per_minute=pace.tokens_per_minute,
        workers=workers,
        waiting=sum(lane["images"] for lane in lanes.values()),
        in_flight=found["flying"]["images"],
        oldest_in_flight_at=found["flying"]["oldest"],
        lanes=[_lane(priority, lanes.get(int(priority))) for priority in Priority],
        waiting_for=[QueueReason(**one) for one in found["reasons"]],
        troubles=troubles,
        throughput=_throughput(found["recent"]),
        failed=sum(one.images for one in failures),
        failures=failures,
    )


def _lane(priority: Priority, lane: dict[str, Any] | None) -> QueueLane:
    lane = lane or {"images": 0, "later": 0, "people": 0, "oldest": None}
    return QueueLane(
        priority=priority.name.lower(),
        waiting=lane["images"],
        delayed=lane["later"],
        people=lane["people"],
        oldest_at=lane["oldest"],
    )


def _throughput(recent: dict[str, int]) -> Throughput:
    return Throughput(
        completed_last_minute=recent["completed_1"],
        failed_last_minute=recent["failed_1"],
        completed_last_5_minutes=recent["completed_5"],
        failed_last_5_minutes=recent["failed_5"],
    )


def _workers() -> int | None:
    try:
        return counters.processes()["worker"]
    except QueueUnavailable:
        return None


_known: dict[str, tuple[float, QueuePublic]] = {}
_one_at_a_time = threading.Lock()
