"""Quotas: limit pictures and bytes that a person may store, the trash included."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session

from imgapp.adapters import db
from imgapp.adapters.db import transaction
from imgapp.errors import QuotaExceeded
from imgapp.services.common.byte_sizes import size_words
from imgapp.settings import get_settings

USAGE: db.Query = (
    "SELECT u.quota_images, u.quota_bytes, s.images, s.bytes"
    " FROM users u LEFT JOIN storage_usage s ON s.user_id = u.id",
    {},
)
"""What the person of a transaction may store, and does."""


def check_room(user_id: UUID, size: int) -> None:
    """Raise QuotaExceeded unless a picture of `size` bytes would fit now.

    Spares the work on most pictures that have no room; `ingest` says it for sure.
    """
    with transaction(user_id) as session:
        check_promise(session, images=1, size=size)


def check_promise(session: Session, *, images: int, size: int) -> None:
    """Raise QuotaExceeded unless so many more pictures would fit, of so many bytes together."""
    [rows] = db.execute(session, USAGE)
    check_room_for(rows, images=images, size=size)


def check_room_for(rows: list[Any], *, images: int = 0, size: int = 0) -> None:
    """As `check_promise`, of what `USAGE` answered.

    Where it is asked after a picture was added, its row in the usage is locked until the
    transaction ends: of many pictures at once only those go in that fit.
    """
    if not rows:
        return
    [row] = rows
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
