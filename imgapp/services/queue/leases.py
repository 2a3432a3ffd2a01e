"""Leases on pictures: claim for 30 s, renew while work goes on, hand back, sweep expired ones.

While a describer is asked, no database connection is held and nobody blocks on the answer: the
call has a thread of its own, and the worker's thread keeps the lease alive and can walk away.
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

from imgapp.adapters import events, queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.vision import BASIC
from imgapp.errors import (
    DatabaseUnavailable,
    LeaseLost,
    ShuttingDown,
    TransientDescriberError,
)
from imgapp.models import AnalysisStatus, Image, new_id
from imgapp.services.common import metrics
from imgapp.services.installation.vision_models import server_and_model
from imgapp.services.spending import usage

log = logging.getLogger(__name__)

LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 10.0
LONGEST_SECONDS = 150.0
"""After this the call is given up, whatever a server does to keep it open."""
SPARED_SECONDS = 20.0
"""How long after the database came back leases are safe: two heartbeats."""
MAX_LOST = 3
"""A picture whose worker is killed this often may be what kills it."""

T = TypeVar("T")

_CLAIM = text(
    "SELECT image_id, user_id, model"
    " FROM imgapp_claim_image(:lease_id, :seconds, :server, :model, :local, :asking)"
)
_RENEW = text("SELECT imgapp_renew_lease(:lease_id, :seconds)")
_EXPIRED = text("SELECT image_id, user_id, failed FROM imgapp_sweep(:max_lost)")


@dataclass(frozen=True)
class Claim:
    """A picture that this process may work on while its lease lasts."""

    lease_id: UUID
    image_id: UUID
    user_id: UUID
    model: str = BASIC
    """Which one is asked."""

    @property
    def asks(self) -> bool:
        """Whether a server is asked at all."""
        return self.model != BASIC


def claim(*, asking: bool = True) -> Claim | None:
    """Take the fairest due picture that may be analysed now, if there is one.

    Without `asking`, only one that needs no model. Raises DatabaseUnavailable, ShuttingDown.
    """
    if _stopping.is_set():
        raise ShuttingDown
    lease_id = new_id()
    with transaction() as session:
        terms = {"lease_id": lease_id, "seconds": LEASE_SECONDS, "asking": asking}
        row = session.execute(_CLAIM, {**terms, **server_and_model()}).first()
        if row is None:
            return None
        taken = Claim(lease_id, row.image_id, row.user_id, row.model)
        after_commit(
            session, partial(events.publish, taken.user_id, "image_claimed", taken.image_id)
        )
    return taken


def hold(
    taken: Claim, work: Callable[[], T], late: Callable[[Callable[[], T]], None] | None = None
) -> T:
    """Do the work while the lease is kept alive. Raises what the work raises, LeaseLost,
    ShuttingDown, and TransientDescriberError when the work never ends.

    Work whose lease is lost goes on, and ends in `late`.
    """
    job = _Job(work)
    deadline = time.monotonic() + LONGEST_SECONDS
    _jobs.add(job)
    try:
        threading.Thread(target=job.run, name="describer", daemon=True).start()
        while not job.wake.wait(HEARTBEAT_SECONDS):
            if time.monotonic() > deadline:
                raise TransientDescriberError(
                    "The vision model did not answer in time", code="model_timeout"
                )
            if not renew(taken):
                job.abandon(late)
                raise LeaseLost
    finally:
        _jobs.discard(job)
    return job.outcome()


def renew(taken: Claim) -> bool:
    """Whether the lease is still ours. A database that is away says nothing against it."""
    try:
        with transaction() as session:
            renewed = session.execute(
                _RENEW, {"lease_id": taken.lease_id, "seconds": LEASE_SECONDS}
            ).scalar_one()
    except DatabaseUnavailable:
        return True
    return bool(renewed)


def hand_back(taken: Claim) -> None:
    """Return a picture to the queue at once; no attempt is counted."""
    with transaction(taken.user_id) as session:
        usage.drop(session, taken.lease_id)
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

    def abandon(self, late: Callable[[Callable[[], T]], None] | None) -> None:
        """Nobody waits any more: call `late` with the outcome, whenever that is."""
        with self._lock:
            ended, self._late = self._ended, late
        if ended and late is not None:
            late(self.outcome)

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        if not self._result:
            raise ShuttingDown
        return self._result[0]


_jobs: set[_Job[Any]] = set()
_spared_until = [0.0]
_seen_at = [0.0]
_stopping = threading.Event()
