"""Object removals: delete from the store what no row points to (garbage collection).

Whoever stores files first says here that the place is to be emptied, and takes that back in the
transaction that adds the row; the database says it of every row that is removed. So whatever dies
at whatever moment, files without a row are found, and files with one are never removed.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from imgapp.adapters.db import transaction
from imgapp.adapters.storage import get_store
from imgapp.errors import ImgappError, StoreUnavailable
from imgapp.models import Image, StoreRemoval, new_id, now
from imgapp.settings import get_settings

log = logging.getLogger(__name__)

_PATIENCE = timedelta(minutes=10)
_SLOWEST = 1_000_000
"""Bytes a second: a place is left alone for as long as so slow a transfer would take."""
_AT_ONCE = 8
_BATCH = 100
_SWEEP_SECONDS = 10.0

_DUE = sa.text("SELECT * FROM imgapp_due_removals(:local, :limit)")
_END = sa.text("SELECT imgapp_end_removals(CAST(:done AS uuid[]), CAST(:failed AS uuid[]))")


@dataclass(frozen=True)
class Place:
    """Where a picture's three files are, or were, or may be."""

    user_id: UUID
    image_id: UUID
    s3_bucket: str

    @property
    def prefix(self) -> str:
        return f"users/{self.user_id}/images/{self.image_id}/"


def place_of(image: Image) -> Place:
    """Where a picture's files are."""
    return Place(image.user_id, image.id, image.s3_bucket)


def intend(place: Place, size: int) -> None:
    """Say that `size` bytes are about to be stored: unless a row follows, they are removed.

    Waits until a removal of this very place has ended. Raises DatabaseUnavailable.
    """
    with transaction(place.user_id) as session:
        add(session, place, _PATIENCE + timedelta(seconds=size / _SLOWEST))


def add(session: Session, place: Place, delay: timedelta = timedelta()) -> None:
    """Have a place emptied after `delay`, once the transaction is committed."""
    values = {"id": new_id(), "due_at": now() + delay, "attempts": 0, **vars(place)}
    statement = insert(StoreRemoval).values(values)
    session.execute(
        statement.on_conflict_do_update(
            constraint="store_removals_place_key",
            set_={"due_at": statement.excluded.due_at, "attempts": 0},
        )
    )


def take_back(session: Session, place: Place) -> None:
    """A row points to the place now. Raises StoreUnavailable if it was emptied in the meantime."""
    mine = sa.delete(StoreRemoval).where(*_at(place))
    if session.execute(mine.returning(col(StoreRemoval.id))).first() is None:
        raise StoreUnavailable("Storing the picture took too long. Upload it once more.")


def run(place: Place) -> None:
    """Empty a place now if that is still wanted; if it fails, `sweep` does it. Never raises."""
    try:
        with transaction(place.user_id) as session:
            query = select(StoreRemoval).where(*_at(place)).with_for_update(skip_locked=True)
            wanted = session.execute(query).scalar_one_or_none()
            if wanted is None or _is_needed(session, place):
                return
            get_store(place.s3_bucket).delete_prefix(place.prefix)
            session.delete(wanted)
    except ImgappError as error:
        extra = {"image_id": str(place.image_id), "reason": error.code}
        log.warning("removal_postponed", extra=extra)


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
        if not due:
            return 0, False
        places = [Place(row.user_id, row.image_id, row.s3_bucket) for row in due if not row.needed]
        ids = [row.id for row in due if not row.needed]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="removals") as threads:
            outcomes = list(threads.map(_empty, places))
        emptied = [i for i, done in zip(ids, outcomes, strict=True) if done]
        failed = [i for i, done in zip(ids, outcomes, strict=True) if not done]
        needed = [row.id for row in due if row.needed]
        session.execute(_END, {"done": emptied + needed, "failed": failed})
    return len(emptied), len(due) == _BATCH and not failed


def _empty(place: Place) -> bool:
    try:
        get_store(place.s3_bucket).delete_prefix(place.prefix)
    except ImgappError as error:
        extra = {"image_id": str(place.image_id), "reason": error.code}
        log.warning("removal_postponed", extra=extra)
        return False
    return True


def _is_needed(session: Session, place: Place) -> bool:
    query = select(Image.id).where(
        col(Image.id) == place.image_id, col(Image.s3_bucket) == place.s3_bucket
    )
    return session.execute(query).first() is not None


def _at(place: Place) -> list[sa.ColumnElement[bool]]:
    return [
        col(StoreRemoval.user_id) == place.user_id,
        col(StoreRemoval.image_id) == place.image_id,
        col(StoreRemoval.s3_bucket) == place.s3_bucket,
    ]
