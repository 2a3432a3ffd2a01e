"""Coverage: counts which texts are missing, drafts, returned and approved, and with which doubts.

Of all of a person's pictures, or of those that a query finds, in one language.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from uuid import UUID

from pydantic import Field
from sqlalchemy import text

from imgapp.adapters.db import transaction
from imgapp.models import Shape
from imgapp.services.common.sanitize import check_language
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.library.meaning import terms_of
from imgapp.services.texts.texts import first_language

DAYS = 90

_COUNT = text("SELECT * FROM imgapp_coverage(CAST(:wanted AS jsonb), :language)")
_DOUBTS = text("SELECT rule, texts FROM imgapp_coverage_doubts(CAST(:wanted AS jsonb), :language)")
_COURSE = text("""
    SELECT (c.at AT TIME ZONE 'UTC')::date AS day, c.kind, count(*) AS texts
    FROM text_changes c
    WHERE c.user_id = :user_id AND c.language = :language AND c.kind IN ('approved', 'returned')
        AND c.at >= now() - make_interval(days => :days)
    GROUP BY 1, 2 ORDER BY 1
""")
_PEOPLE = text("""
    SELECT t.approved_by AS user_id, u.email, count(*) AS texts
    FROM image_texts t LEFT JOIN users u ON u.id = t.approved_by
    WHERE t.user_id = :user_id AND t.language = :language AND t.state = 'approved'
    GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50
""")
_LANGUAGES = text("""
    SELECT language, count(*) AS texts FROM image_texts
    WHERE user_id = :user_id GROUP BY 1 ORDER BY 2 DESC LIMIT 100
""")


class DoubtCount(Shape):
    rule: str
    texts: int


class ReviewerCount(Shape):
    user_id: UUID | None
    email: str | None
    texts: int = Field(description="That this person approved last")


class DayCount(Shape):
    day: date = Field(description="UTC")
    approved: int
    returned: int


class Coverage(Shape):
    """How far the texts of some pictures are, in one language."""

    language: str
    counted_at: datetime
    pictures: int
    missing: int = Field(description="Nothing is said in that language")
    draft: int
    returned: int
    approved: int
    decorative: int = Field(description="Of those approved: the picture carries no information")
    stale: int = Field(description="Drafts with an older wording that is approved and still holds")
    by_model: int = Field(description="Of those approved: the alt text is a model's own words")
    oldest_waiting: datetime | None = Field(description="Since when the oldest draft waits")
    doubts: list[DoubtCount] = Field(description="By rule, the most first")
    reviewers: list[ReviewerCount] = Field(description="Of all pictures")
    course: list[DayCount] = Field(description="Of all pictures, the last 90 days, oldest first")


def coverage(user_id: UUID, language: str | None, wanted: ImageQuery | None = None) -> Coverage:
    """Counts of the pictures that `wanted` finds; None: all. `language` None is the first one.

    Raises InvalidRequest (`unknown_language`).
    """
    terms = json.dumps(terms_of(user_id, wanted) if wanted else {})
    with transaction(user_id) as session:
        language = check_language(language) if language else first_language(session, user_id)
        values = {"wanted": terms, "language": language, "user_id": user_id, "days": DAYS}
        counts = session.execute(_COUNT, values).mappings().one()
        doubts = session.execute(_DOUBTS, values).mappings().all()
        people = session.execute(_PEOPLE, values).mappings().all()
        days: dict[date, dict[str, int]] = {}
        for row in session.execute(_COURSE, values):
            days.setdefault(row.day, {})[row.kind] = row.texts
        return Coverage(
            language=language,
            **counts,
            doubts=[DoubtCount(**row) for row in doubts],
            reviewers=[ReviewerCount(**row) for row in people],
            course=[
                DayCount(day=day, approved=one.get("approved", 0), returned=one.get("returned", 0))
                for day, one in days.items()
            ],
        )


def first_language_of(user_id: UUID) -> str:
    """A person's first language."""
    with transaction(user_id) as session:
        return first_language(session, user_id)


def languages_of(user_id: UUID) -> list[str]:
    """The languages in which anything is said of a person's pictures, the most first."""
    with transaction(user_id) as session:
        return [row.language for row in session.execute(_LANGUAGES, {"user_id": user_id})]
