"""Serialisation: turns a row and its newest analysis into the public schema of a picture."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from imgapp.models import (
    AnalysisStatus,
    AnalysisSummary,
    ErrorInfo,
    Image,
    ImageAnalysis,
    ImagePublic,
    ImageStatus,
    ImageText,
    TextPublic,
    Waiting,
    WaitingReason,
    WrittenBy,
)
from imgapp.services.library.file_links import signed_urls
from imgapp.services.library.text_provenance import TEXT_FIELDS, restored_from


def image_status(image: Image, waiting: Waiting | None = None) -> ImageStatus:
    """The status shape of a row; `waiting` says why it waits."""
    return ImageStatus(
        id=image.id,
        status=AnalysisStatus(image.analysis_status),
        waiting_reason=_waiting_reason(image),
        waiting=waiting,
        attempts=image.attempts,
        error=_error(image),
        queued_at=image.queued_at,
        started_at=image.started_at,
        completed_at=image.completed_at,
    )


def shown(session: Session, images: list[Image]) -> list[ImagePublic]:
    """The pictures of these rows."""
    newest = [image.analysis_id for image in images if image.analysis_id]
    analyses: dict[UUID, AnalysisSummary] = {}
    if newest:
        fields = [getattr(ImageAnalysis, name) for name in AnalysisSummary.model_fields]
        rows = session.execute(select(*fields).where(col(ImageAnalysis.id).in_(newest)))
        analyses = {row.id: AnalysisSummary.model_validate(dict(row._mapping)) for row in rows}
    texts = texts_of(session, [image.id for image in images])
    return [
        _public(
            image,
            analyses.get(image.analysis_id) if image.analysis_id else None,
            texts.get(image.id, {}),
        )
        for image in images
    ]


def just_added(image: Image) -> ImagePublic:
    """A picture as its row was when it was added."""
    return _public(image, None, {})


def says(image: Image) -> bool:
    """Whether anything is said of a picture."""
    return any(getattr(image, field) is not None for field in ("alt_text", "description", "tags"))


def texts_of(session: Session, ids: list[UUID]) -> dict[UUID, dict[str, TextPublic]]:
    """What is said of these pictures, by language."""
    found: dict[UUID, dict[str, TextPublic]] = {}
    if not ids:
        return found
    query = (
        select(ImageText, col(ImageAnalysis.model_version), col(ImageAnalysis.prompt_version))
        .outerjoin(ImageAnalysis, col(ImageAnalysis.id) == col(ImageText.analysis_id))
        .where(col(ImageText.image_id).in_(ids))
        .order_by(col(ImageText.is_own).desc(), col(ImageText.language))
        .execution_options(populate_existing=True)
    )
    for row, model, prompt in session.execute(query):
        by_model = "model" in row.written_by.values()
        found.setdefault(row.image_id, {})[row.language] = TextPublic.model_validate(
            row.model_dump()
            | {
                "model_version": model if by_model else None,
                "prompt_version": prompt if by_model else None,
            }
        )
    return found


def _public(
    image: Image, analysis: AnalysisSummary | None, texts: dict[str, TextPublic]
) -> ImagePublic:
    return ImagePublic(
        id=image.id,
        filename=image.filename,
        mime_type=image.mime_type,
        file_size=image.file_size,
        sha256=image.sha256,
        width=image.width,
        height=image.height,
        uploaded_at=image.uploaded_at,
        status=AnalysisStatus(image.analysis_status),
        waiting_reason=_waiting_reason(image),
        alt_text=image.alt_text,
        description=image.description,
        tags=image.tags,
        visible_text=image.visible_text,
        decorative=image.decorative,
        language=image.language,
        written_by={
            field: WrittenBy(by)
            for field in TEXT_FIELDS
            if (by := getattr(image, f"{field}_by")) and getattr(image, field) is not None
        },
        restored_from=restored_from(image),
        texts=texts,
        context=image.context,
        never_cloud=image.never_cloud,
        facts=image.facts,
        placeholder=image.placeholder,
        analysis=analysis,
        error=_error(image),
        urls=signed_urls(image),
    )


def _waiting_reason(image: Image) -> WaitingReason | None:
    return WaitingReason(image.waiting_reason) if image.waiting_reason else None


def _error(image: Image) -> ErrorInfo | None:
    if image.error_code is None:
        return None
    return ErrorInfo(code=image.error_code, message=image.error_message or "")
