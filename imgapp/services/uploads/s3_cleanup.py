"""S3 upload cleanup: removes abandoned, ended and unknown uploads from the bucket."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, text
from sqlmodel import col

from imgapp.adapters import storage
from imgapp.adapters.db import transaction
from imgapp.adapters.storage.upload_schemas import PREFIX, IncomingObject
from imgapp.models import DirectUpload
from imgapp.services.uploads.s3_uploads import LINK_LIFE

log = logging.getLogger(__name__)

_AT_ONCE = 500
_UNKNOWN_AFTER = LINK_LIFE + timedelta(minutes=5)
"""What is younger may be of an upload that is just being begun."""
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Nothing else that an operator may keep under the same prefix.
_OURS = re.compile(rf"{PREFIX}{_UUID}/({_UUID})")

_EXPIRED = text("SELECT * FROM imgapp_expired_uploads(:limit)")
_KNOWN = text("SELECT upload_id, multipart_id FROM imgapp_known_uploads(CAST(:ids AS uuid[]))")


def sweep_expired() -> int:
    """Remove uploads that nobody may call for any more, with what arrived of them; how many.

    Raises DatabaseUnavailable, StoreUnavailable.
    """
    removed = 0
    while True:
        with transaction() as session:
            found = session.execute(_EXPIRED, {"limit": _AT_ONCE}).all()
        _remove(found)
        removed += len(found)
        if len(found) < _AT_ONCE:
            return removed


def sweep_unknown() -> int:
    """Remove what is in the bucket without a row: sent after its upload had ended, or of people
    who are gone; how much.

    Raises DatabaseUnavailable, StoreUnavailable.
    """
    incoming = storage.get_store().incoming
    if incoming is None:
        return 0
    removed = 0
    left_overs = incoming.left_overs(_UNKNOWN_AFTER)
    while some := list(islice(left_overs, _AT_ONCE)):
        unknown = list(_unknown(some))
        incoming.discard(unknown)
        removed += len(unknown)
    if removed:
        log.info("uploads_swept", extra={"count": removed})
    return removed


def _remove(found: Sequence[Row[Any]]) -> None:
    """Files before rows: whatever interrupts this, what is left is found again."""
    places: dict[str, list[IncomingObject]] = defaultdict(list)
    rows: dict[UUID, list[UUID]] = defaultdict(list)
    for row in found:
        places[row.s3_bucket].append(IncomingObject(row.s3_key, row.multipart_id))
        rows[row.user_id].append(row.upload_id)
    for bucket, ended in places.items():
        incoming = storage.get_store(bucket).incoming
        if incoming is not None:
            incoming.discard(ended)
    for user_id, ids in rows.items():
        with transaction(user_id) as session:
            session.execute(delete(DirectUpload).where(col(DirectUpload.id).in_(ids)))


def _unknown(places: list[IncomingObject]) -> Iterator[IncomingObject]:
    ids = {place: UUID(match[1]) for place in places if (match := _OURS.fullmatch(place.key))}
    with transaction() as session:
        rows = session.execute(_KNOWN, {"ids": list(set(ids.values()))}).all()
    known = {row.upload_id: row.multipart_id for row in rows}
    for place, upload_id in ids.items():
        if upload_id not in known or place.multipart_id not in (None, known[upload_id]):
            yield place
