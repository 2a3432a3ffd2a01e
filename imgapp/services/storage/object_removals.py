"""Object removals: delete from the store what no row points to (garbage collection).

Whoever stores files first says here that the place is to be emptied, and takes that back in the
transaction that adds the row; the database says it of every row that is removed. So whatever dies
at whatever moment, files without a row are found, and files with one are never removed.

No transaction is open while a store is asked. Whoever empties a place has counted an attempt before
and says afterwards that it is done; in between, and until a later attempt succeeds, nothing new
gets into that place.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from imgapp.adapters import db
from imgapp.adapters.db import transaction
from imgapp.adapters.storage import get_store
from imgapp.errors import DatabaseUnavailable, ImgappError, StoreUnavailable
from imgapp.models import Image, StoreRemoval, new_id, now
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

_PATIENCE = timedelta(minutes=10)
_SLOWEST = 1_000_000
"""Bytes a second: a place is left alone for as long as so slow a transfer would take."""
_AT_ONCE = 8
_BATCH = 100
_SWEEP_SECONDS = 10.0
_AGAIN_AFTER = timedelta(seconds=30)
_NOT_BEGUN = col(StoreRemoval.attempts) == 0

_ADD = """
    INSERT INTO store_removals AS r (id, user_id, image_id, s3_bucket, due_at, attempts)
    VALUES (%(id)s, %(user_id)s, %(image_id)s, %(s3_bucket)s, %(due_at)s, 0)
    ON CONFLICT ON CONSTRAINT store_removals_place_key
    DO UPDATE SET due_at = excluded.due_at WHERE r.attempts = 0
    RETURNING r.id
"""
_TAKE_BACK = """
    DELETE FROM store_removals WHERE user_id = %(user_id)s AND image_id = %(image_id)s
    AND s3_bucket = %(s3_bucket)s AND attempts = 0 RETURNING id
"""
_DUE = sa.text("SELECT * FROM imgapp_due_removals(:local, :limit)")
_END = sa.text("SELECT imgapp_end_removals(CAST(:done AS uuid[]), CAST(:failed AS uuid[]))")


@dataclass(frozen=True)
class RenditionKeys:
    """Where a picture's three files are, or were, or may be."""

    user_id: UUID
    image_id: UUID
    s3_bucket: str

    @property
    def prefix(self) -> str:
        return f"users/{self.user_id}/images/{self.image_id}/"


def place_of(image: Image) -> RenditionKeys:
    """Where a picture's files are."""
    return RenditionKeys(image.user_id, image.id, image.s3_bucket)


def intend(session: Session, place: RenditionKeys, size: int) -> None:
    """Say that `size` bytes are about to be stored: unless a row follows, they are removed.

    Raises StoreUnavailable while this very place is emptied.
    """
    add(session, place, _PATIENCE + timedelta(seconds=size / _SLOWEST))


def forget(place: RenditionKeys) -> None:
    """Nothing was stored there after all. Never raises: `sweep` empties an empty place, too."""
    try:
        with transaction(place.user_id) as session:
            session.execute(sa.delete(StoreRemoval).where(*_at(place), _NOT_BEGUN))
    except DatabaseUnavailable as error:
        _note_postponed(place, error)


def add(session: Session, place: RenditionKeys, delay: timedelta = timedelta()) -> None:
    """Have a place emptied after `delay`, once the transaction is committed.

    Raises StoreUnavailable while it is emptied: what is put there now may be removed, too.
    """
    values = {"id": new_id(), "due_at": now() + delay, **vars(place)}
    [rows] = db.execute(session, (_ADD, values))
    if not rows:
        raise StoreUnavailable("Older files of the picture are still being removed. Wait a moment.")


def take_back(session: Session, place: RenditionKeys) -> None:
    """A row points to the place now. Raises StoreUnavailable if it was emptied in the meantime."""
    [rows] = db.execute(session, taking_back(place))
    require_taken_back(rows)


def taking_back(place: RenditionKeys) -> db.Query:
    """What `take_back` asks, for who asks more in the same exchange."""
    return _TAKE_BACK, vars(place)


def require_taken_back(rows: list[Any]) -> None:
    """Raise StoreUnavailable if the place was emptied before `taking_back`."""
    if not rows:
        raise StoreUnavailable("Storing the picture took too long. Upload it once more.")


def run(place: RenditionKeys) -> None:
    """Empty a place now if that is still wanted; if it fails, `sweep` does it. Never raises."""
    try:
        begun = _begin(place)
        if begun is not None and _empty(place):
            with transaction(place.user_id) as session:
                ours = (*_at(place), col(StoreRemoval.due_at) == begun)
                session.execute(sa.delete(StoreRemoval).where(*ours))
    except DatabaseUnavailable as error:
        _note_postponed(place, error)


def sweep() -> int:
    """Empty the places that are due, for ten seconds at most; returns how many.

    Several workers share the work. Raises DatabaseUnavailable.
    """
    emptied, started = 0, time.monotonic()
    while time.monotonic() - started < _SWEEP_SECONDS:
        some, more = _sweep_some()
        emptied += some
        if not more:
            break
    return emptied


def _sweep_some() -> tuple[int, bool]:
    """How many places were emptied, and whether there may be more that can be."""
    with transaction() as session:
        wanted = {"local": get_settings().pictures_dir.is_dir(), "limit": _BATCH}
        due = session.execute(_DUE, wanted).all()
        needed = [row.id for row in due if row.needed]
        places = {
            row.id: RenditionKeys(row.user_id, row.image_id, row.s3_bucket)
            for row in due
            if not row.needed
        }
        # Counted as failed before they are begun: whatever dies meanwhile, they are due again.
        session.execute(_END, {"done": needed, "failed": list(places)})
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="removals") as threads:
        outcomes = list(threads.map(_empty, places.values()))
    emptied = [i for i, done in zip(places, outcomes, strict=True) if done]
    if emptied:
        with transaction() as session:
            session.execute(_END, {"done": emptied, "failed": []})
    return len(emptied), len(due) == _BATCH and len(emptied) == len(places)


def _empty(place: RenditionKeys) -> bool:
    try:
        get_store(place.s3_bucket).delete_prefix(place.prefix)
    except ImgappError as error:
        _note_postponed(place, error)
        return False
    return True


def _note_postponed(place: RenditionKeys, error: ImgappError) -> None:
    extra = {"image_id": str(place.image_id), "reason": error.code}
    log.warning("removal_postponed", extra=extra)


def _begin(place: RenditionKeys) -> datetime | None:
    """Count an attempt, unless one was counted or a row points to the place; when it is due again
    if nothing comes of this one."""
    needed = select(Image.id).where(
        col(Image.id) == place.image_id, col(Image.s3_bucket) == place.s3_bucket
    )
    wanted = sa.update(StoreRemoval).where(*_at(place), _NOT_BEGUN, ~needed.exists())
    begun = wanted.values(due_at=now() + _AGAIN_AFTER, attempts=1)
    with transaction(place.user_id) as session:
        due_at: datetime | None = session.execute(
            begun.returning(col(StoreRemoval.due_at))
        ).scalar_one_or_none()
    return due_at


def _at(place: RenditionKeys) -> list[sa.ColumnElement[bool]]:
    return [
        col(StoreRemoval.user_id) == place.user_id,
        col(StoreRemoval.image_id) == place.image_id,
        col(StoreRemoval.s3_bucket) == place.s3_bucket,
    ]
