"""Batches: create, read and list sets of files that a program sends or has fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from imgapp.adapters import wake_ups
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import Conflict, NotFound
from imgapp.models import Batch, BatchItem, FileOutcome, new_id, now
from imgapp.services.batches.schemas import (
    BatchEdit,
    BatchFile,
    BatchFilePage,
    BatchPage,
    BatchPublic,
    BatchSummary,
    FileCounts,
    NewBatch,
    PictureCounts,
)
from imgapp.services.common import idempotency
from imgapp.services.common.idempotency import StoredResponse
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.common.pagination import IdPlace, cut_page, newest_page, read_cursor
from imgapp.services.common.sanitize import clean_line, clean_text

MOST_WAITING = 20_000
"""Files of one person that wait to be fetched."""
MOST_FILES = 100_000
"""In one batch, unless an import made it."""
MOST_BATCHES = 10_000
DAYS_KEPT = 90
"""After the last change."""
_PURGED_AT_ONCE = 20
_UNSETTLED = (FileOutcome.WAITING, FileOutcome.FETCHING)

_PICTURES = text(
    "SELECT analysis_status, count(*) AS pictures, max(completed_at) AS last FROM images"
    " WHERE id IN (SELECT image_id FROM batch_items WHERE batch_id = :batch_id)"
    " AND deleted_at IS NULL GROUP BY analysis_status"
)
_PURGE = text("SELECT imgapp_purge_batches(make_interval(days => :days), :limit)")


def create_batch(user_id: UUID, new: NewBatch, *, key: str | None = None) -> BatchPublic:
    """Make a batch; `key` is an Idempotency-Key. Raises Conflict, InvalidRequest (key)."""

    def make(session: Session) -> UUID:
        _check_room(session, user_id, len(new.urls))
        made = select(func.count()).select_from(Batch)
        if session.execute(made).scalar_one() >= MOST_BATCHES:
            raise Conflict(
                f"You have {MOST_BATCHES:,} batches, which is as many as are kept.",
                code="too_many_batches",
            )
        batch = Batch(user_id=user_id, **_texts(new, {"name", "context"}))
        session.add(batch)
        session.flush()
        _add_urls(session, batch, new.urls)
        return batch.id

    return _once(user_id, key, f"batch {new.model_dump_json()}", make)


def add_urls(
    user_id: UUID, batch_id: UUID, urls: list[str], *, key: str | None = None
) -> BatchPublic:
    """Have more pictures fetched. Raises NotFound, Conflict, InvalidRequest (key)."""

    def add(session: Session) -> UUID:
        _check_room(session, user_id, len(urls))
        batch = _fetch(session, batch_id, lock=True)
        _check_open(batch, len(urls))
        _add_urls(session, batch, urls)
        return batch_id

    return _once(user_id, key, f"urls {batch_id} {urls}", add)


def get_batch(user_id: UUID, batch_id: UUID) -> BatchPublic:
    """How far a batch is. Raises NotFound."""
    with transaction(user_id) as session:
        return _shown(session, _fetch(session, batch_id))


def edit_batch(user_id: UUID, batch_id: UUID, edit: BatchEdit) -> BatchPublic:
    """Change what a batch is called and for; that goes for what is analysed from now on.

    Raises NotFound.
    """
    with transaction(user_id) as session:
        batch = _fetch(session, batch_id, lock=True)
        batch.sqlmodel_update(_texts(edit, edit.model_fields_set))
        session.add(batch)
        session.flush()
        return _shown(session, batch)


def list_batches(user_id: UUID, *, limit: int = 60, cursor: str | None = None) -> BatchPage:
    """One page, newest first. Raises InvalidRequest (cursor)."""
    scope = (user_id, "batches")
    # Row-level security says the same; said here, the index serves the order.
    query = select(Batch).where(col(Batch.user_id) == user_id)
    order = (col(Batch.created_at), col(Batch.id))
    with transaction(user_id) as session:
        rows, further = newest_page(session, query, order, scope, limit=limit, cursor=cursor)
    return BatchPage(items=[_summary(row) for row in rows], next_cursor=further)


def list_files(
    user_id: UUID,
    batch_id: UUID,
    *,
    outcome: FileOutcome | None = None,
    limit: int = 60,
    cursor: str | None = None,
) -> BatchFilePage:
    """One page of a batch's files, as they came. Raises NotFound, InvalidRequest (cursor)."""
    scope = (user_id, "batch", batch_id, outcome)
    query = select(BatchItem).where(col(BatchItem.batch_id) == batch_id)
    if outcome is not None:
        query = query.where(col(BatchItem.outcome) == outcome)
    with transaction(user_id) as session:
        _fetch(session, batch_id)
        if cursor:
            query = query.where(col(BatchItem.id) > read_cursor(IdPlace, cursor, *scope).id)
        found = session.execute(query.order_by(col(BatchItem.id)).limit(limit + 1))
        rows = found.scalars().all()
    page, further = cut_page(rows, limit, lambda last: IdPlace(last.id), *scope)
    items = [BatchFile.model_validate(row.model_dump()) for row in page]
    return BatchFilePage(items=items, next_cursor=further)


def cancel_batch(user_id: UUID, batch_id: UUID) -> BatchPublic:
    """Fetch nothing more of a batch; what is there stays. Raises NotFound."""
    with transaction(user_id) as session:
        batch = _fetch(session, batch_id, lock=True)
        batch.cancelled_at = batch.cancelled_at or now()
        session.add(batch)
    # After the commit: nobody can add to it now. What is left if this process dies is swept.
    with transaction(user_id) as session:
        session.execute(
            update(BatchItem)
            .where(col(BatchItem.batch_id) == batch_id, col(BatchItem.outcome).in_(_UNSETTLED))
            .values(
                outcome=FileOutcome.CANCELLED,
                finished_at=now(),
                lease_id=None,
                lease_expires_at=None,
            )
        )
        return _shown(session, _fetch(session, batch_id))


def require_open(user_id: UUID, batch_id: UUID) -> None:
    """Raises NotFound, and Conflict unless files can be added to the batch."""
    with transaction(user_id) as session:
        _check_open(_fetch(session, batch_id), 1)


def require_batch(user_id: UUID, batch_id: UUID) -> None:
    """Raises NotFound."""
    with transaction(user_id) as session:
        _fetch(session, batch_id)


def check(session: Session, batch_id: UUID) -> None:
    """As `require_batch`, within a transaction."""
    _fetch(session, batch_id)


def purge_batches() -> int:
    """Forget batches in which nothing happened for `DAYS_KEPT`; returns how many."""
    gone = 0
    while True:
        with transaction() as session:
            values = {"days": DAYS_KEPT, "limit": _PURGED_AT_ONCE}
            some: int = session.execute(_PURGE, values).scalar_one()
        gone += some
        if some < _PURGED_AT_ONCE:
            return gone


def _once(
    user_id: UUID, key: str | None, what: str, change: Callable[[Session], UUID]
) -> BatchPublic:
    """Change a batch, and keep the answer under the key in the same transaction."""
    if key is not None:
        known = idempotency.begin(user_id, key, hashlib.sha256(what.encode()).hexdigest())
        if known is not None:
            return BatchPublic.model_validate(known.body)
    try:
        with transaction(user_id) as session:
            shown = _shown(session, _fetch(session, change(session)))
            if key is not None:
                idempotency.keep(session, key, StoredResponse(201, shown.model_dump(mode="json")))
    except BaseException:
        if key is not None:
            idempotency.abandon(user_id, key)
        raise
    return shown


def _check_room(session: Session, user_id: UUID, more: int) -> None:
    """Raises Conflict unless so many files more may wait; others who add wait for this one."""
    one_at_a_time(session, user_id, "batches")
    query = (
        select(func.count())
        .select_from(BatchItem)
        .where(
            col(BatchItem.user_id) == user_id, col(BatchItem.outcome) == FileOutcome.WAITING.value
        )
    )
    if more and session.execute(query).scalar_one() + more > MOST_WAITING:
        raise Conflict(
            f"No more than {MOST_WAITING:,} of your files may wait to be fetched. "
            "Send these when some of them have come.",
            code="too_many_waiting",
        )


def _check_open(batch: Batch, more: int) -> None:
    if batch.cancelled_at is not None:
        raise Conflict("The batch was cancelled.", code="batch_cancelled")
    if sum(_counts(batch).model_dump().values()) + more > MOST_FILES:
        raise Conflict(
            f"A batch holds {MOST_FILES:,} files. Make another one for these.", code="batch_full"
        )


def _add_urls(session: Session, batch: Batch, urls: list[str]) -> None:
    if not urls:
        return
    at = now()
    rows = [
        {
            "id": new_id(),
            "batch_id": batch.id,
            "user_id": batch.user_id,
            "url": url,
            "host": (urlsplit(url).hostname or "")[:300],
            "outcome": FileOutcome.WAITING,
            "created_at": at,
            "due_at": at,
        }
        for url in urls
    ]
    # One statement: the files are counted once, not one by one.
    session.execute(insert(BatchItem).values(rows))
    after_commit(session, wake_ups.call_for_chores)
    session.refresh(batch)


def _fetch(session: Session, batch_id: UUID, *, lock: bool = False) -> Batch:
    # Row-level security leaves this person's rows only: fetching is the ownership check.
    query = select(Batch).where(col(Batch.id) == batch_id)
    if lock:
        query = query.with_for_update(key_share=True)
    batch: Batch | None = session.execute(query).scalar_one_or_none()
    if batch is None:
        raise NotFound
    return batch


def _texts(said: NewBatch | BatchEdit, names: Collection[str]) -> dict[str, Any]:
    cleaned = {"name": clean_line(said.name or ""), "context": clean_text(said.context or "")}
    return {name: cleaned[name] or None for name in names}


def _counts(batch: Batch) -> FileCounts:
    return FileCounts(**{name: getattr(batch, name) for name in FileCounts.model_fields})


def _summary(batch: Batch) -> BatchSummary:
    return BatchSummary(
        id=batch.id,
        name=batch.name,
        context=batch.context,
        created_at=batch.created_at,
        updated_at=batch.updated_at,
        cancelled_at=batch.cancelled_at,
        files=_counts(batch),
    )


def _shown(session: Session, batch: Batch) -> BatchPublic:
    states = session.execute(_PICTURES, {"batch_id": batch.id}).all()
    pictures = PictureCounts(**{state.analysis_status: state.pictures for state in states})
    summary = _summary(batch)
    busy = batch.is_open or batch.waiting or batch.fetching
    busy = busy or pictures.pending or pictures.in_progress
    times = [batch.updated_at, *(state.last for state in states if state.last is not None)]
    nothing = not any(summary.files.model_dump().values())
    return BatchPublic(
        **dict(summary),
        pictures=pictures,
        finished_at=None if busy or nothing else max(times),
    )
