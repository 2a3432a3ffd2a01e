"""Card rows: read the columns that gallery cards show, in one exchange (read model).

Every tab that opens reads a window of these, and every change is read for every process that has a
tab of its owner: each is one exchange with the server, without a statement to build.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from imgapp.adapters import db
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.library.meaning import terms_of
from imgapp.services.library.total import TOTAL, total_of


class CardRow(NamedTuple):
    """What a card is made of: columns of a picture, and of its text in its owner's language."""

    id: UUID
    user_id: UUID
    filename: str
    mime_type: str
    s3_bucket: str
    s3_key: str
    width: int
    height: int
    uploaded_at: datetime
    analysis_status: str
    waiting_reason: str | None
    error_message: str | None
    alt_text: str | None
    description: str | None
    tags: list[str] | None
    decorative: bool | None
    language: str | None
    placeholder: str | None
    transparent: bool
    """Whether one sees through a part of it."""
    mark: str
    """Of the text that is shown: `a` for approved, `r` for returned, and `d` if it is doubtful."""


# What is shown is in the person's first language; a picture whose own text is in another one may
# have one in that beside it, and only then is that looked up.
_FIRST = "coalesce((SELECT p.language FROM preferences p LIMIT 1), 'en')"
_OFF = "coalesce((SELECT p.rules_off FROM preferences p LIMIT 1), '{}')"
_TEXTS = f"""
    LEFT JOIN image_texts o ON o.image_id = i.id AND o.is_own
    LEFT JOIN LATERAL (
        SELECT x.* FROM image_texts x
        WHERE o.language <> {_FIRST} AND x.image_id = i.id AND x.language = {_FIRST}
            AND (x.alt_text IS NOT NULL OR x.decorative)
    ) f ON true
"""  # noqa: S608
_STATE = "coalesce(f.state, o.state)"
_DOUBTS = "coalesce(f.doubts, o.doubts)"
_COMPUTED = {
    "transparent": "coalesce((i.facts ->> 'has_alpha')::boolean, false) AS transparent",
    "mark": f"""
        CASE WHEN {_STATE} <> 'draft' THEN left({_STATE}, 1) ELSE '' END
        || CASE WHEN {_DOUBTS} <> '[]' AND EXISTS (
            SELECT FROM jsonb_array_elements({_DOUBTS}) d (one)
            WHERE d.one ->> 'rule' <> ALL ({_OFF})
        ) THEN 'd' ELSE '' END AS mark
    """,
    **{
        name: f"CASE WHEN f.language IS NULL THEN i.{name} ELSE f.{name} END AS {name}"
        for name in ("alt_text", "description", "tags", "decorative", "language")
    },
}
_COLUMNS = ", ".join(_COMPUTED.get(name, f"i.{name}") for name in CardRow._fields)
_AMONG = (
    f"SELECT {_COLUMNS} FROM images i {_TEXTS}"  # noqa: S608
    " WHERE i.id = ANY(%(ids)s) AND i.deleted_at IS NULL"
)
# In one statement, or what is removed in between would end the window before its end.
_WINDOW = (
    f"SELECT {_COLUMNS} FROM"  # noqa: S608
    " imgapp_find(%(wanted)s, NULL, %(offset)s, %(limit)s, false)"
    " WITH ORDINALITY AS found(id, ordinality) JOIN images i ON i.id = found.id"
    f" {_TEXTS} ORDER BY ordinality"
)


class FirstWindow(NamedTuple):
    """Where a list begins."""

    rows: list[CardRow]
    total: int
    """All pictures of the person, whether or not they are in the list."""


def read_among(user_id: UUID, ids: Iterable[UUID]) -> list[CardRow]:
    """Those of the pictures `ids` that this person has, in that order, without the trash."""
    wanted = list(ids)
    [rows] = db.read(user_id, (_AMONG, {"ids": wanted}))
    found = {row.id: row for row in rows}
    return [found[image_id] for image_id in wanted if image_id in found]


def read_window(user_id: UUID, wanted: ImageQuery, start: int, count: int) -> list[CardRow]:
    """The pictures of a list from position `start` on (0 is the first), `count` at most."""
    [rows] = db.read(user_id, window_query(terms_of(user_id, wanted), start, count))
    return rows


def read_first(user_id: UUID, wanted: ImageQuery, count: int) -> FirstWindow:
    """The first pictures of a list, `count` at most, and how many the person has."""
    rows, counted = db.read(user_id, window_query(terms_of(user_id, wanted), 0, count), (TOTAL, {}))
    return FirstWindow(rows, total_of(counted))


def window_query(sought: dict[str, Any], start: int, count: int) -> db.Query:
    """As `read_window` asks for it; `sought` are the terms of what is looked for."""
    return _WINDOW, {"wanted": sought, "offset": start, "limit": count}
