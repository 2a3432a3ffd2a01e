"""The trash: lists, restores and purges what was deleted, after a month (soft delete)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, text
from sqlalchemy import select as sa_select
from sqlmodel import col

from imgapp.adapters.db import transaction
from imgapp.models import Image, ImagePublic, Shape
from imgapp.services.common.pagination import newest_page
from imgapp.services.library.bulk import BulkResult, ImageSelection, delete_for_good, restore
from imgapp.services.library.images import fetch
from imgapp.services.library.serialize import shown

DAYS_KEPT = 30
_AT_ONCE = 50
_PURGE = text("SELECT count(*) FROM imgapp_purge_trash(make_interval(days => :days), :limit)")


def restore_image(user_id: UUID, image_id: UUID) -> None:
    """Take a picture out of the trash. Raises NotFound."""
    if not restore(user_id, [image_id]).changed:
        with transaction(user_id) as session:
            fetch(session, image_id, trash=True)


class TrashedImage(Shape):
    """A picture in the trash."""

    image: ImagePublic
    deleted_at: datetime
    purged_at: datetime = Field(description="When it is removed for good, by itself")


class TrashPage(Shape):
    items: list[TrashedImage]
    next_cursor: str | None
    total: int | None = Field(description="With the first page only")


def list_trash(user_id: UUID, *, limit: int = 60, cursor: str | None = None) -> TrashPage:
    """One page, what was deleted last first. Raises InvalidRequest (cursor)."""
    in_trash = (col(Image.user_id) == user_id, col(Image.deleted_at).is_not(None))
    order = (col(Image.deleted_at), col(Image.id))
    with transaction(user_id) as session:
        rows, further = newest_page(
            session,
            sa_select(Image).where(*in_trash),
            order,
            (user_id, "trash"),
            limit=limit,
            cursor=cursor,
        )
        count = sa_select(func.count()).select_from(Image).where(*in_trash)
        total = None if cursor else session.execute(count).scalar_one()
        pictures = shown(session, rows)
    items = [
        TrashedImage(image=one, deleted_at=at, purged_at=at + timedelta(days=DAYS_KEPT))
        for one, row in zip(pictures, rows, strict=True)
        if (at := row.deleted_at) is not None
    ]
    return TrashPage(items=items, next_cursor=further, total=total)


def empty_trash(user_id: UUID) -> BulkResult:
    """Remove for good what is in the trash now. Raises DatabaseUnavailable."""
    # What somebody restored meanwhile stays.
    return delete_for_good(user_id, ImageSelection(_all_ids(user_id)), in_trash=True)


def restore_all(user_id: UUID) -> BulkResult:
    """Take everything out of the trash. Raises DatabaseUnavailable."""
    return restore(user_id, _all_ids(user_id))


def _all_ids(user_id: UUID) -> tuple[UUID, ...]:
    query = sa_select(col(Image.id)).where(
        col(Image.user_id) == user_id, col(Image.deleted_at).is_not(None)
    )
    with transaction(user_id) as session:
        return tuple(session.execute(query).scalars())


def purge_trash() -> int:
    """Remove pictures whose month is over; returns how many. Raises DatabaseUnavailable.

    Their files are to be removed from that moment on.
    """
    removed = 0
    while (some := _purge_some()) > 0:
        removed += some
    return removed


def _purge_some() -> int:
    with transaction() as session:
        wanted = {"days": DAYS_KEPT, "limit": _AT_ONCE}
        return int(session.execute(_PURGE, wanted).scalar_one())
