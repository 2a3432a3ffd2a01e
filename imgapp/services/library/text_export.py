"""Text export: streams what is known of a person's pictures to other programs (CSV, JSON)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlmodel import col

from imgapp.adapters.db import transaction
from imgapp.models import AnalysisStatus, Image, ImageAnalysis, Shape, WrittenBy
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind

_PAGE = 500


class ExportedImage(Shape):
    """A picture with its texts; `…_by` says who wrote each of them."""

    id: UUID
    filename: str
    alt_text: str | None
    alt_text_by: WrittenBy | None
    description: str | None
    description_by: WrittenBy | None
    tags: list[str] | None
    tags_by: WrittenBy | None
    visible_text: str | None
    visible_text_by: WrittenBy | None
    decorative: bool | None
    decorative_by: WrittenBy | None
    language: str | None
    language_by: WrittenBy | None
    status: AnalysisStatus
    uploaded_at: datetime
    sha256: str
    width: int
    height: int
    model_version: str | None


FIELDS = tuple(ExportedImage.model_fields)
_ELSEWHERE = {
    "status": col(Image.analysis_status).label("status"),
    "model_version": col(ImageAnalysis.model_version),
}
_COLUMNS = [_ELSEWHERE[name] if name in _ELSEWHERE else getattr(Image, name) for name in FIELDS]


def export_images(user_id: UUID) -> Iterator[ExportedImage]:
    """Every picture that is not in the trash, newest first; a page in memory at a time.

    Pictures that come in meanwhile are not part of it. Raises DatabaseUnavailable.
    """
    audit_trail.record(AuditKind.ACCOUNT_EXPORTED, user_id)
    last: ExportedImage | None = None
    while page := _page(user_id, last):
        yield from page
        last = page[-1]


def _page(user_id: UUID, last: ExportedImage | None) -> list[ExportedImage]:
    query = (
        select(*_COLUMNS)
        .outerjoin(ImageAnalysis, col(ImageAnalysis.id) == col(Image.analysis_id))
        # Row-level security says the same; said here, the index of the gallery serves the order.
        .where(col(Image.user_id) == user_id, col(Image.deleted_at).is_(None))
        .order_by(col(Image.uploaded_at).desc(), col(Image.id).desc())
        .limit(_PAGE)
    )
    if last is not None:
        place = tuple_(col(Image.uploaded_at), col(Image.id))
        query = query.where(place < tuple_(last.uploaded_at, last.id))
    with transaction(user_id) as session:
        rows = session.execute(query).all()
    return [ExportedImage.model_validate(dict(row._mapping)) for row in rows]
