"""Bulk approval: stands behind the texts of many pictures at once, by ids or by a filter."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import wake_ups
from imgapp.adapters.db import after_commit
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
