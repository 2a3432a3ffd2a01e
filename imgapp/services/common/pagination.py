"""Pagination: signs and reads cursors, a place in one list of one person (keyset).

A place is a small named tuple of whatever its list is sorted by.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Select, tuple_
from sqlmodel import Session

from imgapp.errors import ConfigurationError, InvalidRequest
from imgapp.settings import get_settings

Row = TypeVar("Row")
AnyPlace = TypeVar("AnyPlace", bound=NamedTuple)

_SIGNATURE_BYTES = 16


class Place(NamedTuple):
    """The last row of a page, in a list sorted by time and id."""

    at: datetime
    id: UUID


class IdPlace(NamedTuple):
    """The same in a list sorted by id alone."""

    id: UUID


class NumberPlace(NamedTuple):
    """The same in a list of numbered things."""

    number: int


class TextPlace(NamedTuple):
    """The same in a list sorted by a text that none has twice."""

    text: str


class KeyPlace(NamedTuple):
    """The same in a list sorted by a key, written as text, and id."""

    key: str
    id: UUID


class AmountPlace(NamedTuple):
    """The same in a list sorted by an exact amount and id."""

    amount: Decimal
    id: UUID


class OffsetPlace(NamedTuple):
    """How many rows came before, in a list that has no keys."""

    rows: int


def write_cursor(place: NamedTuple, *scope: object) -> str:
    """A cursor that is good for this list only; `scope` names the person, the list, the filter."""
    packed = _adapter(type(place)).dump_json(place)
    signed = packed + _signature(packed, type(place), scope)
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def read_cursor(kind: type[AnyPlace], cursor: str, *scope: object) -> AnyPlace:
    """The place a cursor stands for. Raises InvalidRequest unless we wrote it for this list."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    packed, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(packed, kind, scope)):
        raise InvalidRequest("The cursor is not one of this list", code="invalid_cursor")
    place: AnyPlace = _adapter(kind).validate_json(packed)
    return place


def cut_page(
    rows: Sequence[Row], limit: int, place_of: Callable[[Row], NamedTuple], *scope: object
) -> tuple[list[Row], str | None]:
    """The rows of one page, of a row more than that if there are more, and the next's cursor."""
    page = list(rows[:limit])
    more = len(rows) > limit
    return page, write_cursor(place_of(page[-1]), *scope) if more else None


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
        query = query.where(tuple_(*order) < tuple_(*read_cursor(Place, cursor, *scope)))
    query = query.order_by(*(column.desc() for column in order)).limit(limit + 1)
    found = session.execute(query).scalars().all()

    def place_of(row: Row) -> Place:
        return Place(*(getattr(row, column.key) for column in order))

    return cut_page(found, limit, place_of, *scope)


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _signature(packed: bytes, kind: type[Any], scope: tuple[object, ...]) -> bytes:
    secret = get_settings().secret_key
    if secret is None:
        raise ConfigurationError("IMGAPP_SECRET_KEY is not set")
    named = (None if part is None else str(part) for part in scope)
    what = json.dumps(["cursor", kind.__name__, *named])
    message = packed + what.encode()
    digest = hmac.digest(secret.get_secret_value().encode(), message, hashlib.sha256)
    return digest[:_SIGNATURE_BYTES]
