"""Pagination: signs and reads cursors, a place in one list of one person (keyset)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, tuple_
from sqlmodel import Session

from imgapp.errors import ConfigurationError, InvalidRequest
from imgapp.settings import get_settings

Row = TypeVar("Row")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BYTES, _PLACE_BYTES, _SIGNATURE_BYTES = 8, 24, 16


@dataclass(frozen=True)
class Place:
    """The last row of a page, in a list sorted by time and id, newest first, or by `key` and id."""

    at: datetime
    id: UUID
    key: str = ""


def write_cursor(place: Place, *scope: object) -> str:
    """A cursor that is good for this list only; `scope` names the person, the list, the filter."""
    microseconds = (place.at - _EPOCH) // timedelta(microseconds=1)
    packed = microseconds.to_bytes(_TIME_BYTES, "big", signed=True) + place.id.bytes
    packed += place.key.encode()
    return base64.urlsafe_b64encode(packed + _signature(packed, scope)).decode().rstrip("=")


def read_cursor(cursor: str, *scope: object) -> Place:
    """The place a cursor stands for. Raises InvalidRequest unless we wrote it for this list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    packed, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if len(packed) < _PLACE_BYTES or not hmac.compare_digest(signature, _signature(packed, scope)):
        raise InvalidRequest("The cursor is not one of this list", code="invalid_cursor")
    microseconds = int.from_bytes(packed[:_TIME_BYTES], "big", signed=True)
    key = packed[_PLACE_BYTES:].decode()
    at = _EPOCH + timedelta(microseconds=microseconds)
    return Place(at, UUID(bytes=packed[_TIME_BYTES:_PLACE_BYTES]), key)


def newest_page(
    session: Session,
    query: Select[Row],
    order: tuple[Any, Any],
    scope: tuple[object, ...],
    *,
    limit: int,
    cursor: str | None,
) -> tuple[list[Row], str | None]:
    """The rows of one page, newest first, and the cursor of the next.

    `order` are the columns of the time and the id. Raises InvalidRequest (cursor).
    """
    if cursor:
        place = read_cursor(cursor, *scope)
        query = query.where(tuple_(*order) < tuple_(place.at, place.id))
    query = query.order_by(*(column.desc() for column in order)).limit(limit + 1)
    found = list(session.execute(query).scalars())
    page = found[:limit]
    if len(found) == len(page):
        return page, None
    at, key = (getattr(page[-1], column.key) for column in order)
    return page, write_cursor(Place(at, key), *scope)


def _signature(packed: bytes, scope: tuple[object, ...]) -> bytes:
    secret = get_settings().secret_key
    if secret is None:
        raise ConfigurationError("IMGAPP_SECRET_KEY is not set")
    what = json.dumps(["cursor", *(None if part is None else str(part) for part in scope)])
    message = packed + what.encode()
    digest = hmac.digest(secret.get_secret_value().encode(), message, hashlib.sha256)
    return digest[:_SIGNATURE_BYTES]
