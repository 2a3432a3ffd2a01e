"""Evidence: a dated table of who approved which text, and which model wrote it (audit export).

It proves what was in this library when it was made: not that a site shows these texts, nor that
they are good ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from imgapp.adapters.db import transaction
from imgapp.services.common.csv_files import csv_rows
from imgapp.services.library import listing
from imgapp.services.library.image_query import ImageQuery

PAGE = 500
COLUMNS = (
    "image_id", "filename", "sha256", "language", "state", "alt_text", "decorative",
    "alt_text_written_by", "model_version", "prompt_version", "made_from", "approved_alt_text",
    "approved_at", "approved_by", "returned_because", "doubts", "uploaded_at", "made_at",
)  # fmt: skip

_ROWS = text("""
    SELECT i.id AS image_id, i.filename, i.sha256, CAST(:language AS text) AS language,
        coalesce(t.state, 'missing') AS state, t.alt_text, t.decorative,
        t.written_by ->> 'alt_text' AS alt_text_written_by,
        CASE WHEN t.written_by ->> 'alt_text' = 'model' THEN a.model_version END AS model_version,
        CASE WHEN t.written_by ->> 'alt_text' = 'model' THEN a.prompt_version END AS prompt_version,
        t.made_from, t.approved ->> 'alt_text' AS approved_alt_text, t.approved_at,
        coalesce(u.email, t.approved_by::text) AS approved_by, t.note AS returned_because,
        ARRAY(
            SELECT d.one ->> 'rule' FROM jsonb_array_elements(coalesce(t.doubts, '[]')) d (one)
        ) AS doubts,
        i.uploaded_at
    FROM unnest(CAST(:ids AS uuid[])) WITH ORDINALITY AS s (id, place)
    JOIN images i ON i.id = s.id AND i.deleted_at IS NULL
    LEFT JOIN image_texts t ON t.image_id = i.id AND t.language = :language
    LEFT JOIN image_analyses a ON a.id = t.analysis_id
    LEFT JOIN users u ON u.id = t.approved_by
    ORDER BY s.place
""")


def write_evidence(
    user_id: UUID, language: str, wanted: ImageQuery, made_at: datetime
) -> Iterator[bytes]:
    """The table as CSV, a page of pictures at a time; what goes meanwhile is not in it.

    Raises DatabaseUnavailable.
    """
    ids = listing.all_ids(user_id, wanted)
    return csv_rows(COLUMNS, _rows(user_id, language, ids, made_at))


def _rows(
    user_id: UUID, language: str, ids: list[UUID], made_at: datetime
) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(ids), PAGE):
        values = {"ids": ids[start : start + PAGE], "language": language}
        with transaction(user_id) as session:
            rows = session.execute(_ROWS, values).all()
        for row in rows:
            yield (*(_told(value) for value in row), made_at.isoformat())


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
