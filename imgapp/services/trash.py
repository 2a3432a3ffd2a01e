"""The trash: what was deleted stays for a month and is then removed for good."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.queue import enqueue_analysis
from imgapp.errors import NotFound
from imgapp.models import AnalysisStatus, Image, Priority, now

DAYS_KEPT = 30
_AT_ONCE = 50
_PURGE = text("SELECT count(*) FROM imgapp_purge_trash(make_interval(days => :days), :limit)")


def restore_image(user_id: UUID, image_id: UUID) -> None:
    """Take a picture out of the trash. Raises NotFound."""
    query = select(Image).where(col(Image.id) == image_id).with_for_update()
    with transaction(user_id) as session:
        image = session.exec(query).one_or_none()
        if image is None:
            raise NotFound
        if image.deleted_at is None:
            return
        image.deleted_at, image.updated_at = None, now()
        session.add(image)
        if image.analysis_status == AnalysisStatus.PENDING:
            permit = partial(enqueue_analysis, image.id, priority=Priority(image.priority))
            after_commit(session, permit)
        after_commit(session, partial(events.publish, user_id, "image_restored", image.id))


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
