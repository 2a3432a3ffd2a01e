"""Coverage: counts which texts are missing, drafts, returned and approved, and with which doubts.

Of all of a person's pictures, or of those that a query finds, in one language. Of all, it is read
from the tallies that the database keeps, and the worker adds up.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from pydantic import Field
from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters.db import transaction
from imgapp.models import Shape
from imgapp.services.common.sanitize import check_language
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.library.meaning import terms_of
from imgapp.services.texts.texts import first_language

DAYS = 90

_COUNTS = text(
    "SELECT what, key, texts FROM imgapp_coverage_counts(CAST(:wanted AS jsonb), :language)"
)
_FRAME = text("SELECT * FROM imgapp_coverage_frame(CAST(:wanted AS jsonb), :language)")
_PEOPLE = text("SELECT id, email FROM users WHERE id = ANY(CAST(:ids AS uuid[]))")
_COURSE = text("""
    SELECT what AS kind, CAST(key AS date) AS day, sum(texts)::bigint AS texts FROM (
        SELECT what, key, texts FROM text_tallies
        WHERE user_id = :user_id AND language = :language
            AND what IN ('approved', 'returned') AND key >= :first
        UNION ALL
        SELECT what, key, change FROM text_tally_changes
        WHERE user_id = :user_id AND language = :language
            AND what IN ('approved', 'returned') AND key >= :first
    ) t GROUP BY 1, 2 ORDER BY 2
""")
_LANGUAGES = text("SELECT language FROM imgapp_text_languages()")
_ADD_UP = text("SELECT imgapp_add_up_text_tallies(:most)")
_MOST = 100_000
_MOST_REVIEWERS = 50
_STATES = ("draft", "returned", "approved", "decorative", "stale", "by_model")


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
    reviewers: list[ReviewerCount] = Field(description="Who approved most, first")
    course: list[DayCount] = Field(
        description="Of all pictures, those removed since among them: the last 90 days, oldest "
        "first, without the days on which nothing was approved or returned"
    )


def coverage(user_id: UUID, language: str | None, wanted: ImageQuery | None = None) -> Coverage:
    """Counts of the pictures that `wanted` finds; None: all. `language` None is the first one.

    Raises InvalidRequest (`unknown_language`).
    """
    terms = json.dumps(terms_of(user_id, wanted) if wanted else {})
    with transaction(user_id) as session:
        language = check_language(language) if language else first_language(session, user_id)
        values = {"wanted": terms, "language": language}
        frame = session.execute(_FRAME, values).mappings().one()
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for row in session.execute(_COUNTS, values):
            counts[row.what][row.key] = row.texts
        states = {name: counts["state"][name] for name in _STATES}
        said = states["draft"] + states["returned"] + states["approved"]
        return Coverage(
            language=language,
            **frame,
            **states,
            missing=max(frame["pictures"] - said, 0),
            doubts=[DoubtCount(rule=rule, texts=n) for rule, n in _most_first(counts["doubt"])],
            reviewers=_reviewers(session, counts["reviewer"]),
            course=_course(session, user_id, language),
        )


def _most_first(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _reviewers(session: Session, counts: Counter[str]) -> list[ReviewerCount]:
    first = _most_first(counts)[:_MOST_REVIEWERS]
    ids = [UUID(key) for key, _ in first if key]
    emails = {row.id: row.email for row in session.execute(_PEOPLE, {"ids": ids})}
    found = ((UUID(key) if key else None, texts) for key, texts in first)
    return [ReviewerCount(user_id=one, email=emails.get(one), texts=texts) for one, texts in found]


def _course(session: Session, user_id: UUID, language: str) -> list[DayCount]:
    first = (datetime.now(UTC) - timedelta(days=DAYS)).date().isoformat()
    values = {"user_id": user_id, "language": language, "first": first}
    days: dict[date, Counter[str]] = defaultdict(Counter)
    for row in session.execute(_COURSE, values):
        days[row.day][row.kind] = row.texts
    return [
        DayCount(day=day, approved=one["approved"], returned=one["returned"])
        for day, one in days.items()
    ]


def first_language_of(user_id: UUID) -> str:
    """A person's first language."""
    with transaction(user_id) as session:
        return first_language(session, user_id)


def languages_of(user_id: UUID) -> list[str]:
    """The languages in which anything is said of a person's pictures, the most first."""
    with transaction(user_id) as session:
        return [row.language for row in session.execute(_LANGUAGES)]


def add_up() -> None:
    """Add up what has changed, so that there is little to read. Raises DatabaseUnavailable."""
    with transaction() as session:
        session.execute(_ADD_UP, {"most": _MOST})
