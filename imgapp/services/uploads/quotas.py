"""Quotas: limit pictures and bytes that a person may store, the trash included."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from imgapp.adapters.db import transaction
from imgapp.errors import QuotaExceeded
from imgapp.models import StorageUsage, User
from imgapp.services.common.byte_sizes import size_words
from imgapp.settings import get_settings


def check_room(user_id: UUID, size: int) -> None:
    """Raise QuotaExceeded unless a picture of `size` bytes would fit now.

    Spares the work on most pictures that have no room; `check` says it for sure.
    """
    with transaction(user_id) as session:
        _check(session, images=1, size=size)


def check_promise(session: Session, *, images: int, size: int) -> None:
    """Raise QuotaExceeded unless so many more pictures would fit, of so many bytes together."""
    _check(session, images=images, size=size)


def check(session: Session) -> None:
    """Raise QuotaExceeded if the person of this transaction stores too much.

    Ask after the picture was added: its row in the usage is locked until the transaction ends, so
    that of many pictures at once only those go in that fit.
    """
    _check(session, images=0, size=0)


def _check(session: Session, *, images: int, size: int) -> None:
    usage = sa.outerjoin(User, StorageUsage, col(StorageUsage.user_id) == col(User.id))
    row = session.execute(
        select(
            User.quota_images, User.quota_bytes, StorageUsage.images, StorageUsage.bytes
        ).select_from(usage)
    ).one_or_none()
    if row is None:
        return
    settings = get_settings()
    most_images = settings.quota_images if row[0] is None else row[0]
    most_bytes = settings.quota_bytes if row[1] is None else row[1]
    if most_images is not None and (row[2] or 0) + images > most_images:
        raise QuotaExceeded(
            f"You have as many pictures as you may have ({most_images:,}, those in the trash "
            "included). Remove some for good to add others."
        )
    if most_bytes is not None and (row[3] or 0) + size > most_bytes:
        raise QuotaExceeded(
            f"There is no room for this picture: you may store {size_words(most_bytes)}, the trash "
            "included. Remove some pictures for good to add others."
        )
