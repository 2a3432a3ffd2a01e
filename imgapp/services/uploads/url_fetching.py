"""URL fetching: claims files of batches, downloads them and ingests them.

The row is the truth, as with analyses: a lease that is renewed while the work goes on, and a file
whose worker is killed goes back. No message is needed: each worker looks for work every second, on
threads of its own, so that a server that hangs holds up neither analyses nor anything else.
"""

from __future__ import annotations

import logging
import random
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Update, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from imgapp.adapters import outbound_http
from imgapp.adapters.db import transaction
from imgapp.errors import (
    FileTooLarge,
    ImgappError,
    LeaseLost,
    NotSignedIn,
    OutboundFailed,
    OutboundRefused,
    RejectedFile,
    ServiceUnavailable,
)
from imgapp.models import BatchItem, FetchRest, FileOutcome, Priority, new_id, now
from imgapp.services.common import metrics
from imgapp.services.common.heartbeat import heartbeat
from imgapp.services.storage.filenames import shown_name
from imgapp.services.storage.spool import SpooledFile, SpoolWriter
from imgapp.services.uploads import quotas
from imgapp.services.uploads.ingest import Ingested, ingest
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

FETCHES_AT_ONCE = 4
"""In one worker."""
FETCHES_PER_HOST = 2
"""In all workers together: nobody's server is to suffer."""
LEASE_SECONDS = 30
HEARTBEAT_SECONDS = 10.0
MAX_ATTEMPTS = 5
MAX_LOST = 3
"""A file whose worker is killed this often may be what kills it."""
_RETRY_SECONDS = (5.0, 30.0, 120.0, 600.0)
_POSTPONED_SECONDS = 10.0
_LONGEST_REST = 3600.0

_CLAIM = text("SELECT * FROM imgapp_claim_fetch(:lease_id, :seconds, :per_host)")
_SWEEP = text("SELECT imgapp_sweep_fetches(:max_lost)")


@dataclass(frozen=True)
class FetchClaim:
    """A file that this process fetches while its lease lasts."""

    lease_id: UUID
    item_id: UUID
    user_id: UUID
    url: str
    host: str
    attempts: int


def attend() -> None:
    """Give back what killed workers held, and see that what is due is fetched.

    Raises DatabaseUnavailable.
    """
    with transaction() as session:
        lost = session.execute(_SWEEP, {"max_lost": MAX_LOST}).scalar_one()
    if lost:
        log.warning("fetches_lost", extra={"files": lost})
    while len(_threads) < FETCHES_AT_ONCE and (taken := _claim()) is not None:
        thread = threading.Thread(target=_work, args=(taken,), name="fetcher", daemon=True)
        _threads.add(thread)
        thread.start()


def stop() -> None:
    """Begin nothing more, and give back at once what is under way."""
    _stopping.set()
    for taken in list(_under_way):
        with suppress(ServiceUnavailable):
            _release(taken, outcome=FileOutcome.WAITING, due_at=now())


def resume() -> None:
    """Fetch files (again)."""
    _stopping.clear()


def _work(taken: FetchClaim | None) -> None:
    """Fetch one file after the other until nothing is due."""
    try:
        while taken is not None:
            _settle(taken)
            taken = _claim()
    except ServiceUnavailable as error:
        # The lease runs out, and the file is fetched again.
        log.warning("fetch_interrupted", extra={"reason": error.code})
    finally:
        _threads.discard(threading.current_thread())


def _claim() -> FetchClaim | None:
    if _stopping.is_set():
        return None
    lease_id = new_id()
    values = {"lease_id": lease_id, "seconds": LEASE_SECONDS, "per_host": FETCHES_PER_HOST}
    with transaction() as session:
        row = session.execute(_CLAIM, values).first()
    if row is None:
        return None
    return FetchClaim(lease_id, row.item_id, row.user_id, row.url, row.host, row.attempts)


def _settle(taken: FetchClaim) -> None:
    _under_way.add(taken)
    try:
        with heartbeat(partial(_renew, taken), HEARTBEAT_SECONDS):
            _attempt(taken)
    finally:
        _under_way.discard(taken)


def _attempt(taken: FetchClaim) -> None:
    try:
        _take_in(taken)
    except LeaseLost:
        log.info("fetch_given_up", extra={"item_id": str(taken.item_id)})
    except (RejectedFile, OutboundRefused) as error:
        _refuse(taken, error.code, error.detail)
    except OutboundFailed as error:
        _fail(taken, error, lasts=error.lasts)
    except NotSignedIn:
        log.info("fetch_for_nobody", extra={"item_id": str(taken.item_id)})
    except ServiceUnavailable as error:
        # Ours, not theirs: no attempt is counted.
        log.warning("fetch_postponed", extra={"reason": error.code})
        _release(taken, outcome=FileOutcome.WAITING, due_at=_after(_POSTPONED_SECONDS))
    except Exception as error:
        if not isinstance(error, ImgappError):
            log.exception("fetch_broke", extra={"item_id": str(taken.item_id)})
            error = ImgappError("Something went wrong while the file was taken in")
        _fail(taken, error, lasts=False)


def _take_in(taken: FetchClaim) -> None:
    quotas.check_room(taken.user_id, 0)
    spooled = _download(taken)
    ingest(
        taken.user_id,
        spooled,
        "url",
        priority=Priority.BULK,
        note=partial(_note, taken, shown_name(spooled.filename)),
    )


def _download(taken: FetchClaim) -> SpooledFile:
    writer = SpoolWriter("")
    try:
        fetched = outbound_http.fetch(taken.url, get_settings().max_upload_bytes, writer.write)
    except BaseException as error:
        writer.discard()
        metrics.FETCHES.labels(outcome=getattr(error, "code", "failed")).inc()
        if isinstance(error, OutboundFailed) and error.code == FileTooLarge.code:
            most = get_settings().max_upload_mb
            raise FileTooLarge(f"The file is larger than {most} MB.") from None
        raise
    metrics.FETCHES.labels(outcome="fetched").inc()
    return replace(writer.finish(), filename=fetched.filename)


def _note(taken: FetchClaim, filename: str, session: Session, found: Ingested) -> None:
    """The picture and its place in the batch are there, or neither. Raises LeaseLost."""
    outcome = FileOutcome.DUPLICATE if found.duplicate else FileOutcome.ADDED
    settled = {"image_id": found.image_id, "filename": filename, "code": None, "detail": None}
    if not _write(session, taken, outcome=outcome, finished_at=now(), **settled):
        raise LeaseLost


def _refuse(taken: FetchClaim, code: str, detail: str) -> None:
    sentence = f"{detail.rstrip('.')}."
    _release(taken, outcome=FileOutcome.REFUSED, finished_at=now(), code=code, detail=sentence)


def _fail(taken: FetchClaim, error: ImgappError, *, lasts: bool) -> None:
    """Refuse the file, or fetch it again later, and leave a server alone that asked for it."""
    attempts = taken.attempts + 1
    if lasts:
        return _refuse(taken, error.code, error.detail)
    if attempts >= MAX_ATTEMPTS:
        sentence = f"{error.detail.rstrip('.')}. imgapp tried {attempts} times"
        return _refuse(taken, error.code, sentence)
    delay = _RETRY_SECONDS[attempts - 1] * random.uniform(0.75, 1.0)  # noqa: S311
    asked = getattr(error, "retry_after", None)
    delay = max(delay, min(asked or 0.0, _LONGEST_REST))
    if asked is not None or getattr(error, "http_status", None) in (429, 503):
        _let_rest(taken, delay)
    return _release(
        taken,
        outcome=FileOutcome.WAITING,
        attempts=attempts,
        due_at=_after(delay),
        code=error.code,
        detail=f"{error.detail.rstrip('.')}.",
    )


def _let_rest(taken: FetchClaim, seconds: float) -> None:
    rest = insert(FetchRest).values(user_id=taken.user_id, host=taken.host, until=_after(seconds))
    rest = rest.on_conflict_do_update(
        index_elements=["user_id", "host"], set_={"until": rest.excluded.until}
    )
    with transaction(taken.user_id) as session:
        session.execute(rest)


def _release(taken: FetchClaim, **settled: Any) -> None:
    with transaction(taken.user_id) as session:
        _write(session, taken, **settled)


def _write(session: Session, taken: FetchClaim, **settled: Any) -> bool:
    """Whether the lease was still ours: only then is anything written, and it ends."""
    values = {"lease_id": None, "lease_expires_at": None, **settled}
    written = session.execute(_ours(taken).values(**values).returning(col(BatchItem.id)))
    return written.first() is not None


def _renew(taken: FetchClaim) -> None:
    with transaction(taken.user_id) as session:
        session.execute(_ours(taken).values(lease_expires_at=_after(LEASE_SECONDS)))


def _ours(taken: FetchClaim) -> Update:
    return update(BatchItem).where(
        col(BatchItem.id) == taken.item_id, col(BatchItem.lease_id) == taken.lease_id
    )


def _after(seconds: float) -> datetime:
    return now() + timedelta(seconds=seconds)


_threads: set[threading.Thread] = set()
_under_way: set[FetchClaim] = set()
_stopping = threading.Event()
