"""Text export: streams what is known of a person's pictures to other programs (CSV, JSON)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, select, tuple_
from sqlmodel import col

from imgapp.adapters.db import transaction
from imgapp.models import (
    AnalysisStatus,
    Image,
    ImageAnalysis,
    ImageText,
    Shape,
    TextAuthor,
    TextState,
    WrittenBy,
)
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.sanitize import check_language

_PAGE = 500


class ExportedImage(Shape):
    """A picture with its texts; `…_by` says who wrote each of them."""

    id: UUID
    filename: str
    alt_text: str | None
    alt_text_by: TextAuthor | None
    description: str | None
    description_by: TextAuthor | None
    tags: list[str] | None
    tags_by: TextAuthor | None
    visible_text: str | None
    visible_text_by: WrittenBy | None
    decorative: bool | None
    decorative_by: TextAuthor | None
    language: str | None
    language_by: WrittenBy | None
    status: AnalysisStatus
    uploaded_at: datetime
    sha256: str
    width: int
    height: int
    model_version: str | None
    state: TextState | None
    """Of the text in that language; null where nothing is said."""
    approved_at: datetime | None


FIELDS = tuple(ExportedImage.model_fields)
_ELSEWHERE = {
    "status": col(Image.analysis_status).label("status"),
    "model_version": col(ImageAnalysis.model_version),
    "state": col(ImageText.state).label("state"),
    "approved_at": col(ImageText.approved_at),
}
_COLUMNS = [_ELSEWHERE[name] if name in _ELSEWHERE else getattr(Image, name) for name in FIELDS]
_WORDS = ("alt_text", "description", "tags", "decorative")


def export_images(
    user_id: UUID, language: str | None = None, state: TextState | None = None
) -> Iterator[ExportedImage]:
    """Every picture that is not in the trash, newest first; a page in memory at a time.

    With a `language` (BCP 47), those with a text in it; with a `state`, those whose text is in it.
    Of approved ones it is the wording that was approved last, also where a newer one is a draft.
    Pictures that come in meanwhile are not part of it. Raises DatabaseUnavailable, InvalidRequest
    (`unknown_language`).
    """
    language = check_language(language) if language else None
    audit_trail.record(AuditKind.ACCOUNT_EXPORTED, user_id)
    return _pages(user_id, language, state)


def _pages(user_id: UUID, language: str | None, state: TextState | None) -> Iterator[ExportedImage]:
    last: ExportedImage | None = None
    while page := _page(user_id, language, state, last):
        yield from page
        last = page[-1]


def _page(
    user_id: UUID, language: str | None, state: TextState | None, last: ExportedImage | None
) -> list[ExportedImage]:
    which = col(ImageText.is_own) if language is None else col(ImageText.language) == language
    query = (
        select(*_COLUMNS, ImageText)
        .outerjoin(ImageText, and_(col(ImageText.image_id) == col(Image.id), which))
        .outerjoin(
            ImageAnalysis,
            col(ImageAnalysis.id)
            == case(
                (col(ImageText.is_own).is_(False), col(ImageText.analysis_id)),
                else_=col(Image.analysis_id),
            ),
        )
        # Row-level security says the same; said here, the index of the gallery serves the order.
        .where(col(Image.user_id) == user_id, col(Image.deleted_at).is_(None))
        .order_by(col(Image.uploaded_at).desc(), col(Image.id).desc())
        .limit(_PAGE)
    )
    if state is TextState.APPROVED:
        query = query.where(col(ImageText.approved_at).is_not(None))
    elif state is not None:
        query = query.where(col(ImageText.state) == state)
    elif language is not None:
        query = query.where(col(ImageText.image_id).is_not(None))
    if last is not None:
        place = tuple_(col(Image.uploaded_at), col(Image.id))
        query = query.where(place < tuple_(last.uploaded_at, last.id))
    with transaction(user_id) as session:
        rows = session.execute(query).all()
    return [_exported(row, approved=state is TextState.APPROVED) for row in rows]


def _exported(row: Any, *, approved: bool) -> ExportedImage:
    shown = {name: getattr(row, name) for name in FIELDS}
    text: ImageText | None = row.ImageText
    if text is not None and (approved or not text.is_own):
        words = (text.approved or {}) if approved else text.model_dump(include=set(_WORDS))
        shown |= {name: words.get(name) for name in _WORDS}
        shown |= {f"{name}_by": text.written_by.get(name) for name in _WORDS}
        shown |= {"language": text.language}
    return ExportedImage.model_validate(shown)
