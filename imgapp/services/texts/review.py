"""Review: hands out the texts that wait for a person, to each somebody else's (leased work queue).

A queue is what an image query finds in one language. Whoever takes a picture out of it has it for
`LEASE`; others get the next one meanwhile, and it as well once the lease has run out.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import Field
from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session

from imgapp.adapters import db
from imgapp.adapters.db import transaction
from imgapp.errors import InvalidRequest
from imgapp.models import (
    ImagePublic,
    Preferences,
    Shape,
    TextAuthor,
    TextPublic,
    TextState,
    Viewer,
)
from imgapp.services.batches import batches
from imgapp.services.library import images
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.library.meaning import terms_of
from imgapp.services.library.serialize import shown
from imgapp.services.texts.texts import first_language, tag_of

LEASE = timedelta(seconds=90)
MOST = 20
"""Pictures that one reviewer has at once."""
_PLACE = re.compile(r"(?:([01])-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_TRIES = 3


class ReviewItem(Shape):
    """A picture with a text that waits for a person."""

    image_id: UUID
    language: str
    place: str = Field(description="Where it is in the queue: `from` begins here")
    etag: str | None = Field(description="For `If-Match`; null where nothing is said yet")
    second: bool = Field(description="Somebody else approved it: what does a second person say?")
    blind: bool = Field(description="The model's text is to be shown when it is asked for")
    image: ImagePublic


class ReviewQueue(Shape):
    """What is next in a queue."""

    items: list[ReviewItem]
    total: int = Field(description="How many wait, whoever has them in front of them")
    leased_seconds: int = Field(description="For how long nobody else gets these")
    leased_until: datetime = Field(description="When that ends")


class Agreement(Shape):
    """How often a second person approved the same words."""

    looked_at: int
    agreed: int
    waiting: int = Field(description="Approved texts that no second person has seen yet")


class Place(NamedTuple):
    """A place in a queue: its part, and a picture."""

    part: int
    id: UUID


def _statement(sql: str) -> Any:
    given = [bindparam(name, type_=JSONB(none_as_null=True)) for name in ("wanted", "place")]
    return text(sql).bindparams(*(param for param in given if f":{param.key}" in sql))


_NEXT = _statement(
    "SELECT image_id, part"
    " FROM imgapp_review_queue(:wanted, :doubtful_first, :place, :reviewer, :who, :limit)"
)
_COUNT = _statement("SELECT imgapp_review_count(:wanted, :who)")
# In the order of their ids, as all do: two who want the same wait for each other in one direction.
_LEASE = text("""
    INSERT INTO review_leases AS l (image_id, language, user_id, reviewer, expires_at)
    SELECT id, :language, :user, :reviewer, now() + :lease
    FROM unnest(CAST(:ids AS uuid[])) AS id ORDER BY id
    ON CONFLICT (image_id, language) DO UPDATE
        SET reviewer = excluded.reviewer, expires_at = excluded.expires_at
        WHERE l.reviewer = excluded.reviewer OR l.expires_at <= now()
    RETURNING image_id
""")
_UNTIL = text("SELECT now() + :lease")
_GIVE_BACK = text("""
    DELETE FROM review_leases
    WHERE reviewer = :reviewer AND image_id <> ALL(CAST(:kept AS uuid[]))
        AND expires_at <= coalesce(:until, 'infinity'::timestamptz) OR expires_at <= now()
""").bindparams(bindparam("until", type_=DateTime(timezone=True)))
_AGREEMENT = """
    SELECT count(*) FILTER (WHERE looked_at IS NOT NULL) AS looked_at,
        count(*) FILTER (WHERE agreed) AS agreed,
        count(*) FILTER (WHERE looked_at IS NULL) AS waiting
    FROM second_looks WHERE language = %(language)s
"""


def reviewer_of(viewer: Viewer) -> UUID:
    """Who that is among those who share an account: the session, or the access token."""
    return viewer.session_id or viewer.token_id or viewer.user_id


def next_items(
    viewer: Viewer,
    wanted: ImageQuery,
    reviewer: UUID,
    *,
    begin: str | None = None,
    doubtful_first: bool = False,
    limit: int = 6,
) -> ReviewQueue:
    """What is next, and leased to `reviewer`; what they had before and is not among it, is given
    back.

    Without a `state` in `wanted`, drafts and what a second person is asked of. `begin` is the
    `place` of an item, or a picture's id: the queue begins with it, or where it was. Raises
    InvalidRequest (`invalid_cursor`), NotFound (batch).
    """
    user_id, place = viewer.user_id, _place(begin)
    with transaction(user_id) as session:
        language = wanted.language or first_language(session, user_id)
        if wanted.batch is not None:
            batches.check(session, wanted.batch)
    terms = terms_of(user_id, wanted.model_copy(update={"language": language}))
    who = {"wanted": terms, "who": reviewer_of(viewer)}
    with transaction(user_id) as session:
        asked = who | {
            "doubtful_first": doubtful_first,
            "place": None if place is None else {"part": place.part, "id": str(place.id)},
            "reviewer": reviewer,
            "limit": min(limit, MOST),
        }
        parts = _take(session, asked, language, user_id)
        session.execute(_GIVE_BACK, {"reviewer": reviewer, "kept": list(parts), "until": None})
        until = session.execute(_UNTIL, {"lease": LEASE}).scalar_one()
        total = session.execute(_COUNT, who).scalar_one()
        found = shown(session, images.fetch_many(session, list(parts)))
        share = _share(session, user_id)
    items = [_item(image, language, parts[image.id], share) for image in found]
    seconds = int(LEASE.total_seconds())
    return ReviewQueue(items=items, total=total, leased_seconds=seconds, leased_until=until)


def give_back(user_id: UUID, reviewer: UUID, until: datetime | None = None) -> None:
    """Let others have at once what this reviewer has in front of them.

    With `until`, leases that end later stay: a page that is left does not take them from the one
    that comes in its place.
    """
    with transaction(user_id) as session:
        session.execute(_GIVE_BACK, {"reviewer": reviewer, "kept": [], "until": until})


def agreement(user_id: UUID, language: str) -> Agreement:
    """What second persons said of approved texts in a language."""
    [rows] = db.read(user_id, (_AGREEMENT, {"language": language}))
    return Agreement.model_validate(rows[0]._asdict())


def chosen(image_id: UUID, language: str, share: int, salt: str) -> bool:
    """Whether a text is in a share of a hundred: the same for each who asks."""
    return zlib.crc32(f"{salt} {image_id} {language}".encode()) % 100 < share


def _take(session: Session, asked: dict[str, Any], language: str, user_id: UUID) -> dict[UUID, int]:
    """The pictures that are leased now, in the order of the queue, each with its part."""
    parts: dict[UUID, int] = {}
    for _ in range(_TRIES):
        rows = session.execute(_NEXT, asked).all()
        wanted = [row.image_id for row in rows]
        given = {
            "ids": wanted,
            "language": language,
            "user": user_id,
            "reviewer": asked["reviewer"],
            "lease": LEASE,
        }
        got = set(session.execute(_LEASE, given).scalars()) if wanted else set()
        parts = {row.image_id: row.part for row in rows if row.image_id in got}
        if parts or not wanted:
            break  # else others were quicker: there may be more behind
    return parts


def _share(session: Session, user_id: UUID) -> int:
    said = session.get(Preferences, user_id)
    return said.review_blind_share if said else 0


def _item(image: ImagePublic, language: str, part: int, blind_share: int) -> ReviewItem:
    said = image.texts.get(language)
    return ReviewItem(
        image_id=image.id,
        language=language,
        place=f"{part}-{image.id}",
        etag=tag_of(said) if said else None,
        second=said is not None and said.state is TextState.APPROVED,
        blind=said is not None
        and _of_a_model(said)
        and chosen(image.id, language, blind_share, "blind"),
        image=image,
    )


def _of_a_model(said: TextPublic) -> bool:
    is_draft = said.state is TextState.DRAFT
    return is_draft and said.written_by.get("alt_text") == TextAuthor.MODEL


def _place(begin: str | None) -> Place | None:
    if not begin:
        return None
    said = _PLACE.fullmatch(begin)
    if said is None:
        raise InvalidRequest("This is no place in a queue", code="invalid_cursor")
    return Place(int(said[1] or 0), UUID(said[2]))
