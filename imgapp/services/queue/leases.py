"""Leases on pictures: claim for 30 s, renew while work goes on, hand back, sweep expired ones.

While a describer is asked, no database connection is held and nobody blocks on the answer: the
call has a thread of its own, and the worker's thread, which renews the lease, can walk away.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import text, update
from sqlmodel import col

from imgapp.adapters import db, events, queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.vision import BASIC
from imgapp.errors import AnswerOverdue, DatabaseUnavailable, LeaseLost, ShuttingDown
from imgapp.models import AnalysisStatus, Image, new_id
from imgapp.services.common import metrics
from imgapp.services.common.retries import retry
from imgapp.services.installation import vision_models

log = logging.getLogger(__name__)

LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 10.0
GRACE_SECONDS = 10.0
"""So much later than it should have ended a call is given up, whatever keeps it open."""
LONGEST_SECONDS = 150.0
"""Of work that asks no server."""
SPARED_SECONDS = 20.0
"""How long after the database came back leases are safe: two heartbeats."""
_PATIENCE_SECONDS = 600.0
MAX_LOST = 3
"""A picture whose worker is killed this often may be what kills it."""

T = TypeVar("T")

_RENEW = text("SELECT imgapp_renew_lease(:lease_id, :seconds)")
_EXPIRED = text("SELECT image_id, user_id, failed FROM imgapp_sweep(:max_lost)")


@dataclass(frozen=True)
class ImageClaim:
    """A picture that this process may work on while its lease lasts."""

    lease_id: UUID
    image_id: UUID
    user_id: UUID
    model: str = BASIC
    """Which one is asked."""
    server: str = ""
    """Where, as the circuit breaker knows it."""

    @property
    def asks(self) -> bool:
        """Whether a server is asked at all."""
        return self.model != BASIC


def claim(*, asking: bool = True) -> ImageClaim | None:
    """Take the fairest due picture that may be analysed now, if there is one.

    Without `asking`, only one that needs no model. Raises DatabaseUnavailable, ShuttingDown.
    """
    if _stopping.is_set():
        raise ShuttingDown
    lease_id, models = new_id(), vision_models.routes().as_parameter
    row = db.call("imgapp_claim_image", lease_id, LEASE_SECONDS, models, asking)
    if row is None:
        return None
    events.publish(row.user_id, "image_claimed", row.image_id)
    return ImageClaim(lease_id, row.image_id, row.user_id, row.model, row.server)


def hold(taken: ImageClaim, work: Callable[[], T], late: Callable[[Callable[[], T]], None]) -> T:
    """Do the work while the lease is kept alive. Raises what the work raises, LeaseLost,
    ShuttingDown, and AnswerOverdue when the work never ends.

    Work that nobody waits for any more goes on, and ends in `late`.
    """
    job = _Job(work)
    deadline = time.monotonic() + _longest(taken)
    _jobs.add(job)
    try:
        threading.Thread(target=job.run, name="describer", daemon=True).start()
        ours, left = True, _longest(taken)
        while ours and left > 0 and not job.wake.wait(min(left, HEARTBEAT_SECONDS)):
            left = deadline - time.monotonic()
            ours = _renewed(taken)
    finally:
        _jobs.discard(job)
    if not job.abandon(late):
        return job.outcome()
    if _stopping.is_set():
        raise ShuttingDown
    raise AnswerOverdue if ours else LeaseLost


def _longest(taken: ImageClaim) -> float:
    """Seconds that the work may take: what its server may, and a little more."""
    model = vision_models.find(taken.model)
    return LONGEST_SECONDS if model is None else model.server.seconds + GRACE_SECONDS


def renew(taken: ImageClaim) -> bool:
    """Whether the lease is still ours. A database that is away says nothing against it."""
    try:
        with transaction() as session:
            renewed = session.execute(
                _RENEW, {"lease_id": taken.lease_id, "seconds": LEASE_SECONDS}
            ).scalar_one()
    except DatabaseUnavailable:
        return True
    return bool(renewed)


def _renewed(taken: ImageClaim) -> bool:
    """Whether the lease is not known to be lost: a renewal that fails says nothing against it."""
    try:
        return renew(taken)
    except Exception:
        log.exception("lease_not_renewed")
        return True


def hand_back(taken: ImageClaim) -> None:
    """Return a picture to the queue at once; no attempt is counted.

    What was set aside for the call stays so for as long as the lease would have lasted: the server
    was asked, and may still answer.
    """
    with transaction(taken.user_id) as session:
        released = session.execute(
            update(Image)
            .where(col(Image.id) == taken.image_id, col(Image.lease_id) == taken.lease_id)
            .values(
                analysis_status=AnalysisStatus.PENDING,
                lease_id=None,
                lease_expires_at=None,
            )
            .returning(col(Image.id))
        ).first()
        if released is not None:
            after_commit(session, partial(queue.enqueue_analysis, taken.image_id))
            after_commit(
                session, partial(events.publish, taken.user_id, "image_queued", taken.image_id)
            )


def return_expired() -> None:
    """Put pictures whose worker went away back into the queue; some have failed for good.

    Not right after the database was away: workers that live could not renew their leases.
    """
    if time.monotonic() < _spared_until[0]:
        return
    with transaction() as session:
        for row in session.execute(_EXPIRED, {"max_lost": MAX_LOST}):
            kind = "image_failed" if row.failed else "image_queued"
            log.warning("lease_expired", extra={"image_id": str(row.image_id)})
            after_commit(session, partial(events.publish, row.user_id, kind, row.image_id))
            after_commit(session, partial(metrics.analysis_ended, "lost"))


def spare() -> None:
    """Let no lease run out for a while: the database is away, and renewals with it."""
    _spared_until[0] = time.monotonic() + SPARED_SECONDS


def look_at_the_clock() -> None:
    """Spare leases if this machine slept: everybody's heart stood still, and beats again."""
    before, _seen_at[0] = _seen_at[0], time.time()
    if before and _seen_at[0] - before > SPARED_SECONDS:
        spare()


def insist_on(write: Callable[[], T]) -> T:
    """Write what was paid for: outlive a database that is away for minutes, but not a shutdown.

    Raises DatabaseUnavailable.
    """
    return retry(write, seconds=_PATIENCE_SECONDS, stopping=_stopping)


def stopping() -> bool:
    """Whether this worker takes no more pictures."""
    return _stopping.is_set()


def stop() -> None:
    """Take no more pictures, and walk away from the calls in flight."""
    _stopping.set()
    for job in list(_jobs):
        job.wake.set()


def resume() -> None:
    """Take pictures (again)."""
    _stopping.clear()


def pause(seconds: float) -> None:
    """Sleep, but not into a shutdown."""
    _stopping.wait(seconds)


class _Job(Generic[T]):
    """Work on a thread of its own: one that nothing waits for when the process ends."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.wake = threading.Event()
        self._work = work
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._ended = False
        self._late: Callable[[Callable[[], T]], None] | None = None
        self._lock = threading.Lock()

    def run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:
            self._error = error
        finally:
            with self._lock:
                self._ended, late = True, self._late
            self.wake.set()
            if late is not None:
                late(self.outcome)

    def abandon(self, late: Callable[[Callable[[], T]], None]) -> bool:
        """Unless the work has ended, call `late` with the outcome, whenever that is."""
        with self._lock:
            if not self._ended:
                self._late = late
            return not self._ended

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result[0]


_jobs: set[_Job[Any]] = set()
_spared_until = [0.0]
_seen_at = [0.0]
_stopping = threading.Event()
