"""Bulk actions: trash, restore, delete and tag many pictures at once.

Each chunk of pictures is one transaction. If the database goes away between two of them, those
that were done stay done and the result says how many are left; doing it again does the rest.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import ServiceUnavailable
from imgapp.services.common import audit_trail, undelete
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.sanitize import clean_line, clean_tags
from imgapp.services.library import listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.library.text_provenance import without_choice

log = logging.getLogger(__name__)

MOST_NAMED = 10_000
"""Pictures by their ids, in one request."""
TOLD_ONE_BY_ONE = 200
"""Of more than so many, pages are told at once that much changed."""
_CHUNK = 1_000

# Locked in the order of their ids, so that two of these never wait for each other.
_MINE = "SELECT id FROM images WHERE id = ANY(CAST(:ids AS uuid[])) AND "
_TRASH = text(
    f"WITH mine AS ({_MINE} deleted_at IS NULL ORDER BY id FOR UPDATE)"  # noqa: S608
    " UPDATE images i SET deleted_at = now() FROM mine WHERE i.id = mine.id RETURNING i.id"
)
_DELETE = text(
    f"WITH mine AS ({_MINE} (NOT :in_trash OR deleted_at IS NOT NULL)"  # noqa: S608
    " ORDER BY id FOR UPDATE)"
    " DELETE FROM images i USING mine WHERE i.id = mine.id RETURNING i.id, i.filename"
)
_TAGS = text(
    "SELECT id, tags, tags_by, choices FROM images"
    " WHERE id = ANY(CAST(:ids AS uuid[])) AND deleted_at IS NULL ORDER BY id FOR UPDATE"
)
_WRITE_TAGS = text(
    "UPDATE images i SET tags = v.tags, tags_by = v.tags_by, choices = v.choices"
    " FROM jsonb_to_recordset(CAST(:rows AS jsonb))"
    " AS v(id uuid, tags text[], tags_by text, choices jsonb) WHERE i.id = v.id"
)


@dataclass(frozen=True)
class ImageSelection:
    """Pictures by their ids or, of all that match `wanted`, all but those ids."""

    ids: tuple[UUID, ...] = ()
    wanted: ImageQuery | None = None

    def resolve(self, user_id: UUID) -> list[UUID]:
        """Their ids. Raises DatabaseUnavailable."""
        if self.wanted is None:
            return list(dict.fromkeys(self.ids))
        left_out = set(self.ids)
        return [one for one in listing.all_ids(user_id, self.wanted) if one not in left_out]


@dataclass
class BulkResult:
    """What became of many pictures. Somebody else's and missing ones are simply not changed."""

    asked: int
    changed: list[UUID] = field(default_factory=list)
    left: int = 0
    """How many were not reached, because a part of imgapp stopped answering."""
    before: list[dict[str, Any]] = field(default_factory=list)
    """Of tags: `id`, `tags`, `tags_by` and `choices` as they were, and `after`, for `undo_tags`."""


def move_to_trash(user_id: UUID, chosen: ImageSelection) -> BulkResult:
    """Raises DatabaseUnavailable if nothing could be done."""

    def step(session: Session, ids: list[UUID]) -> list[UUID]:
        return list(session.execute(_TRASH, {"ids": ids}).scalars())

    return in_chunks(user_id, chosen.resolve(user_id), "image_deleted", step)


def restore(user_id: UUID, ids: Iterable[UUID]) -> BulkResult:
    """Take pictures out of the trash. Raises DatabaseUnavailable if nothing could be done."""

    return in_chunks(user_id, list(dict.fromkeys(ids)), "image_restored", undelete.restore)


def delete_for_good(user_id: UUID, chosen: ImageSelection, *, in_trash: bool = False) -> BulkResult:
    """Remove pictures; their files follow. With `in_trash`, only those that are in the trash.

    Raises DatabaseUnavailable if nothing could be done.
    """

    def step(session: Session, ids: list[UUID]) -> list[UUID]:
        rows = session.execute(_DELETE, {"ids": ids, "in_trash": in_trash}).all()
        for row in rows:
            details = {"image_id": row.id, "filename": row.filename}
            audit_trail.write(session, AuditKind.IMAGE_DELETED, user_id, **details)
        return [row.id for row in rows]

    return in_chunks(user_id, chosen.resolve(user_id), "image_deleted", step)


def add_tags(user_id: UUID, chosen: ImageSelection, tags: Iterable[str]) -> BulkResult:
    """Write tags in addition, as the person. Raises DatabaseUnavailable as the others."""
    added = clean_tags(tags)
    return _edit_tags(user_id, chosen, lambda there: clean_tags([*there, *added]))


def remove_tags(user_id: UUID, chosen: ImageSelection, tags: Iterable[str]) -> BulkResult:
    """Take tags away whatever their case, as the person. Raises as `add_tags`."""
    away = {tag.casefold() for tag in clean_tags(tags)}
    return _edit_tags(
        user_id,
        chosen,
        lambda there: [tag for tag in there if clean_line(tag).casefold() not in away],
    )


def _edit_tags(
    user_id: UUID, chosen: ImageSelection, edit: Callable[[list[str]], list[str]]
) -> BulkResult:
    before: list[dict[str, Any]] = []

    def step(session: Session, ids: list[UUID]) -> list[UUID]:
        rows, were = [], []
        for row in session.execute(_TAGS, {"ids": ids}):
            tags = edit(row.tags or [])
            if tags != (row.tags or []):
                choices = without_choice(row.choices, "tags")
                rows.append({"id": row.id, "tags": tags, "tags_by": "person", "choices": choices})
                were.append({**row._mapping, "after": tags})
        write_tags(session, rows)
        after_commit(session, partial(before.extend, were))
        return [row["id"] for row in rows]

    outcome = in_chunks(user_id, chosen.resolve(user_id), "image_edited", step)
    outcome.before = before
    return outcome


def undo_tags(user_id: UUID, before: Iterable[dict[str, Any]]) -> BulkResult:
    """Put tags back, with who wrote them, where nobody changed them since.

    Raises DatabaseUnavailable if nothing could be done.
    """
    known = {row["id"]: row for row in before}

    def step(session: Session, ids: list[UUID]) -> list[UUID]:
        there = session.execute(_TAGS, {"ids": ids})
        back = [known[row.id] for row in there if row.tags == known[row.id]["after"]]
        write_tags(session, back)
        return [row["id"] for row in back]

    return in_chunks(user_id, list(known), "image_edited", step)


def write_tags(session: Session, rows: list[dict[str, Any]]) -> None:
    """Write `id`, `tags`, `tags_by` and `choices` of each picture."""
    if rows:
        session.execute(_WRITE_TAGS, {"rows": json.dumps(rows, default=str)})


def in_chunks(
    user_id: UUID,
    ids: list[UUID],
    kind: str,
    step: Callable[[Session, list[UUID]], list[UUID]],
) -> BulkResult:
    """Let `step` change a chunk of pictures at a time and say which it did.

    Raises DatabaseUnavailable if nothing could be done.
    """
    outcome, reached = BulkResult(len(ids)), 0
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        try:
            with transaction(user_id) as session:
                changed = step(session, chunk)
                one_by_one = len(ids) <= TOLD_ONE_BY_ONE
                after_commit(session, partial(_tell, user_id, kind, changed, one_by_one))
        except ServiceUnavailable:
            if not reached:
                raise
            log.warning("bulk_not_finished", extra={"left": len(ids) - reached})
            outcome.left = len(ids) - reached
            break
        outcome.changed += changed
        reached += len(chunk)
    return outcome


def _tell(user_id: UUID, kind: str, changed: list[UUID], one_by_one: bool) -> None:
    if not one_by_one and changed:
        events.publish_many(user_id)
        return
    for image_id in changed:
        events.publish(user_id, kind, image_id)
