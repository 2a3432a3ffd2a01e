"""Bulk approval: stands behind the texts of many pictures at once, by ids or by a filter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import wake_ups
from imgapp.adapters.db import after_commit, transaction
from imgapp.services.common.sanitize import check_language
from imgapp.services.library import bulk
from imgapp.services.library.bulk import BulkResult, ImageSelection

# The pictures first, in the order of their ids, as whoever changes one locks it before its texts.
_APPROVE = text("""
    WITH mine AS MATERIALIZED (
        SELECT id FROM images
        WHERE id = ANY(CAST(:ids AS uuid[])) AND deleted_at IS NULL ORDER BY id FOR UPDATE
    )
    UPDATE image_texts t SET state = 'approved' FROM mine
    WHERE t.image_id = mine.id AND t.state <> 'approved'
        AND (t.alt_text <> '' OR t.decorative)
        AND CASE WHEN CAST(:language AS text) IS NULL THEN t.is_own
            ELSE t.language = :language END
    RETURNING t.image_id
""")

# As they were: what was returned with these words is returned again, and the wording approved
# before holds again. What was changed or approved later stays.
_TAKE_BACK = text("""
    WITH mine AS MATERIALIZED (
        SELECT id FROM images
        WHERE id = ANY(CAST(:ids AS uuid[])) AND deleted_at IS NULL ORDER BY id FOR UPDATE
    ), before AS (
        SELECT t.image_id, t.language, held.words AS approved, held.at, held.actor_id,
            CASE WHEN was.kind = 'returned' AND was.words = t.approved THEN was.note END AS note
        FROM mine JOIN image_texts t ON t.image_id = mine.id
        LEFT JOIN LATERAL (
            SELECT c.kind, c.words, c.note FROM text_changes c
            WHERE c.image_id = t.image_id AND c.language = t.language AND c.at < t.approved_at
            ORDER BY c.at DESC, c.id DESC LIMIT 1
        ) was ON true
        LEFT JOIN LATERAL (
            SELECT c.words, c.at, c.actor_id FROM text_changes c
            WHERE c.image_id = t.image_id AND c.language = t.language AND c.at < t.approved_at
                AND c.kind = 'approved'
            ORDER BY c.at DESC, c.id DESC LIMIT 1
        ) held ON true
        WHERE t.state = 'approved' AND t.approved_at <= :until
            AND CASE WHEN CAST(:language AS text) IS NULL THEN t.is_own
                ELSE t.language = :language END
    )
    UPDATE image_texts t SET
        state = CASE WHEN b.note IS NULL THEN 'draft' ELSE 'returned' END, note = b.note,
        approved = b.approved, approved_at = b.at, approved_by = b.actor_id
    FROM before b WHERE t.image_id = b.image_id AND t.language = b.language
    RETURNING t.image_id
""")


def approve(user_id: UUID, chosen: ImageSelection, language: str | None = None) -> BulkResult:
    """Approve what is said in a language; None: each picture's own text.

    What says nothing, and what is approved, stays as it is. Raises InvalidRequest
    (`unknown_language`), and DatabaseUnavailable if nothing could be done.
    """
    language = check_language(language) if language else None

    def step(session: Session, ids: list[UUID]) -> list[UUID]:
        found = session.execute(_APPROVE, {"ids": ids, "language": language})
        after_commit(session, wake_ups.call_for_chores)  # webhooks may be told
        return list(found.scalars())

    return bulk.in_chunks(user_id, chosen.resolve(user_id), "image_edited", step)


def take_back(
    user_id: UUID, ids: Iterable[UUID], language: str | None, until: datetime
) -> BulkResult:
    """Undo an `approve` that was over at `until`, by the clock of the database: what was approved
    before it is not told apart, so give those that it changed.

    Raises DatabaseUnavailable if nothing could be done.
    """

    def step(session: Session, ids: list[UUID]) -> list[UUID]:
        values = {"ids": ids, "language": language, "until": until}
        return list(session.execute(_TAKE_BACK, values).scalars())

    return bulk.in_chunks(user_id, list(ids), "image_edited", step)


def database_time(user_id: UUID) -> datetime:
    """What time it is for the database."""
    with transaction(user_id) as session:
        found: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found
