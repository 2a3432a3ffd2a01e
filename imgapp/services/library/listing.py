"""Listings: find which pictures match, in which order, and at which place each one is (search).

Lists, counts, the timeline of the page, neighbours and places are all of the same pictures: one
condition in the database (`imgapp_wanted_condition`) says which match.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session, col

from imgapp.adapters.db import transaction
from imgapp.errors import NotFound
from imgapp.models import AnalysisStatus, Image, ImagePage
from imgapp.services.batches import batches
from imgapp.services.common.pagination import KeyPlace, OffsetPlace, cut_page, read_cursor
from imgapp.services.library.entity_tags import Versioned, tag_of_page
from imgapp.services.library.image_query import ImageQuery, Sort
from imgapp.services.library.meaning import terms_of
from imgapp.services.library.serialize import shown
from imgapp.services.library.tallies import TALLIES, number_where, tallies_of
from imgapp.services.library.total import TOTAL, total_of

MOST_IDS = 250_000
_Begin = KeyPlace | OffsetPlace
ALL = ImageQuery()
NEEDS_TEXT = ImageQuery(status=AnalysisStatus.COMPLETED, no_alt_text=True)
"""Described, and neither with an alt text nor decorative: nobody has said what they show."""


@dataclass(frozen=True)
class Timeline:
    """How many pictures of a list there are on each day, and the shape of each picture."""

    total: int
    days: list[tuple[date | None, int]]
    """In the order of the list; one without a date where it is not sorted by time."""
    shapes: bytes
    """A byte per picture, in the order of the list: round((log2(width / height) + 2) / 4 * 255)."""


def _statement(sql: str) -> Any:
    given = [bindparam(name, type_=JSONB(none_as_null=True)) for name in ("wanted", "place")]
    return text(sql).bindparams(*(param for param in given if f":{param.key}" in sql))


_FIND = _statement(
    "SELECT id, ordinality FROM imgapp_find(:wanted, :place, :offset, :limit, false)"
    " WITH ORDINALITY AS found(id, ordinality)"
)
_COUNT = _statement("SELECT imgapp_find_count(:wanted)")
_AMONG = _statement("SELECT imgapp_find_among(:wanted, CAST(:ids AS uuid[]))")
_TOTAL = text(TOTAL)
_TALLIES = text(TALLIES)
_POSITION = _statement("SELECT imgapp_find_position(:wanted, :id)")
_TIMELINE = _statement("SELECT days, counts, shapes FROM imgapp_timeline(:wanted, :zone)")


_VERSION = (col(Image.id), col(Image.updated_at), col(Image.s3_bucket))


def list_images(
    user_id: UUID, wanted: ImageQuery = ALL, *, limit: int = 60, cursor: str | None = None
) -> ImagePage:
    """One page of a list; `total` with the first one. Raises InvalidRequest (cursor), NotFound
    (batch, like)."""
    page = read_images(user_id, wanted, limit=limit, cursor=cursor).value
    assert page is not None
    return page


def read_images(
    user_id: UUID,
    wanted: ImageQuery = ALL,
    *,
    limit: int = 60,
    cursor: str | None = None,
    known: Container[str] = (),
) -> Versioned[ImagePage | None]:
    """As `list_images`, or None for a caller who has the page, under one of the tags `known`."""
    scope = (user_id, "images", wanted.to_query())
    place = read_cursor(_kind(wanted), cursor, *scope) if cursor else None
    sought = terms_of(user_id, wanted)
    with transaction(user_id) as session:
        if wanted.batch is not None:
            batches.check(session, wanted.batch)
        if wanted.like is not None:
            _check_picture(session, wanted.like)
        terms = _page(sought, limit=limit + 1, **_after(session, wanted, place))
        total = None if place else _count(session, wanted, sought)
        if known and (tag := tag_of_page(_find(session, terms, *_VERSION), total, limit)) in known:
            return Versioned(tag, None)
        images = [row.Image for row in _find(session, terms, Image)]
        items = shown(session, images[:limit])
    _, further = cut_page(images, limit, lambda last: _end(wanted, last, place, limit), *scope)
    page = ImagePage(items=items, next_cursor=further, total=total)
    return Versioned(tag_of_page(images, total, limit), page)


def _kind(wanted: ImageQuery) -> type[_Begin]:
    # Ranks are no keys: the place is how many came before.
    return OffsetPlace if wanted.by_relevance else KeyPlace


def _after(session: Session, wanted: ImageQuery, place: _Begin | None) -> dict[str, Any]:
    """Where a page begins, as `imgapp_find` takes it."""
    if place is None:
        return {}
    if isinstance(place, OffsetPlace):
        return {"offset": place.rows}
    key = place.key
    if wanted.sort is Sort.NAME:
        # As the index has it: how names are sorted is the database's to say.
        key = session.execute(select(func.imgapp_name_key(key))).scalar_one()
    return {"place": {"key": key, "id": str(place.id)}}


def _end(wanted: ImageQuery, last: Image, begun: _Begin | None, limit: int) -> _Begin:
    if wanted.by_relevance:
        before = begun.rows if isinstance(begun, OffsetPlace) else 0
        return OffsetPlace(before + limit)
    keys = {Sort.NAME: last.filename, Sort.LARGEST: str(last.file_size)}
    return KeyPlace(keys.get(wanted.sort, last.uploaded_at.isoformat()), last.id)


def count(user_id: UUID, wanted: ImageQuery) -> int:
    """How many pictures match."""
    sought = terms_of(user_id, wanted)
    with transaction(user_id) as session:
        return _count(session, wanted, sought)


def read_timeline(user_id: UUID, wanted: ImageQuery, time_zone: str) -> Timeline:
    """The timeline of a list, by the days of a time zone (IANA name; UTC if it is none)."""
    terms = {"wanted": terms_of(user_id, wanted), "zone": time_zone}
    with transaction(user_id) as session:
        row = session.execute(_TIMELINE, terms).one()
    shapes = bytes(row.shapes)
    days: list[tuple[date | None, int]] = list(zip(row.days or (), row.counts or (), strict=True))
    if shapes and not days:
        days = [(None, len(shapes))]
    return Timeline(total=len(shapes), days=days, shapes=shapes)


def neighbours(
    user_id: UUID, wanted: ImageQuery, image_id: UUID
) -> tuple[UUID | None, UUID | None]:
    """The pictures before and after one; None at an end, and if it does not match."""
    sought = terms_of(user_id, wanted)
    with transaction(user_id) as session:
        at = _position(session, sought, image_id)
        if at is None:
            return None, None
        start = max(at - 1, 0)
        ids = _ids(session, sought, offset=start, limit=3 if at else 2)
    before = ids[0] if at else None
    after = ids[at - start + 1 :]
    return before, after[0] if after else None


def ids_between(user_id: UUID, wanted: ImageQuery, first_id: UUID, last_id: UUID) -> list[UUID]:
    """The pictures from one to another, both included, whichever comes first in the list."""
    sought = terms_of(user_id, wanted)
    with transaction(user_id) as session:
        places = [_position(session, sought, image_id) for image_id in (first_id, last_id)]
        known = sorted(place for place in places if place is not None)
        if len(known) < 2:
            return []
        return _ids(session, sought, offset=known[0], limit=known[1] - known[0] + 1)


def all_ids(user_id: UUID, wanted: ImageQuery, limit: int = MOST_IDS) -> list[UUID]:
    """The pictures that match, in the order of the list."""
    sought = terms_of(user_id, wanted)
    with transaction(user_id) as session:
        return _ids(session, sought, offset=0, limit=limit)


def matching(user_id: UUID, wanted: ImageQuery, ids: Iterable[UUID]) -> set[UUID]:
    """Those of the pictures `ids` that match."""
    terms = {"wanted": terms_of(user_id, wanted), "ids": list(ids)}
    with transaction(user_id) as session:
        return set(session.execute(_AMONG, terms).scalars())


def _page(
    sought: dict[str, Any], *, limit: int, offset: int = 0, place: dict[str, str] | None = None
) -> dict[str, Any]:
    return {"wanted": sought, "place": place, "offset": offset, "limit": limit}


def _find(session: Session, terms: dict[str, Any], *what: Any) -> list[Any]:
    # In one statement, or what is removed in between would end the list before its end.
    found = _FIND.columns(id=Uuid).subquery("found")
    query = select(*what).join(found, found.c.id == col(Image.id)).order_by(text("ordinality"))
    return list(session.execute(query, terms))


def _ids(session: Session, sought: dict[str, Any], *, offset: int, limit: int) -> list[UUID]:
    terms = _page(sought, offset=offset, limit=limit)
    return list(session.execute(_FIND.columns(id=Uuid), terms).scalars())


def _count(session: Session, wanted: ImageQuery, sought: dict[str, Any]) -> int:
    if not wanted.filtered:
        return total_of(session.execute(_TOTAL).all())
    if wanted.by_state:
        tallies = tallies_of(session.execute(_TALLIES).all())
        return number_where(tallies, lambda one: wanted.takes(one.status, one.no_alt_text))
    return int(session.execute(_COUNT, {"wanted": sought}).scalar_one())


def _position(session: Session, sought: dict[str, Any], image_id: UUID) -> int | None:
    terms = {"wanted": sought, "id": image_id}
    place: int | None = session.execute(_POSITION, terms).scalar_one()
    return place


def _check_picture(session: Session, image_id: UUID) -> None:
    """Raises NotFound unless the person has it, outside the trash."""
    query = select(col(Image.id)).where(col(Image.id) == image_id, col(Image.deleted_at).is_(None))
    if session.execute(query).first() is None:
        raise NotFound
