"""A person's pictures: read, list, search, edit, delete. Uploads are in `ingest`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlmodel import Session, col

from imgapp.adapters import events, storage
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import NotFound
from imgapp.models import (
    AnalysesPage,
    AnalysisPublic,
    AnalysisStatus,
    AnalysisSummary,
    ErrorInfo,
    Image,
    ImageAnalysis,
    ImageEdit,
    ImagePage,
    ImagePublic,
    ImageStatus,
    WaitingReason,
    WrittenBy,
    now,
)
from imgapp.services import audit
from imgapp.services.audit import Kind
from imgapp.services.cursors import Place, read_cursor, write_cursor
from imgapp.services.files import signed_urls
from imgapp.services.texts import clean_line, clean_tags, clean_text

TEXT_FIELDS = ("alt_text", "description", "tags", "visible_text", "decorative", "language")
"""Each has a column `<field>_by` that says who wrote it."""

_SEARCH = text(
    "SELECT imgapp_search_images(:q, :tag, :status, CAST(:before AS timestamptz),"
    " CAST(:before_id AS uuid), :limit)"
)
_COUNT = text("SELECT imgapp_search_count(:q, :tag, :status)")


def get_image(user_id: UUID, image_id: UUID) -> ImagePublic:
    """One picture. Raises NotFound, also when it is somebody else's or in the trash."""
    with transaction(user_id) as session:
        image = _fetch(session, image_id)
        return _shown(session, [image])[0]


def get_status(user_id: UUID, image_id: UUID) -> ImageStatus:
    """Where a picture is on its way to a description. Raises NotFound."""
    with transaction(user_id) as session:
        return image_status(_fetch(session, image_id))


def public_images(user_id: UUID, ids: Iterable[UUID]) -> list[ImagePublic]:
    """The pictures among `ids` that this person has, in that order, without the trash."""
    with transaction(user_id) as session:
        return _shown(session, _fetch_many(session, list(ids)))


def list_images(
    user_id: UUID,
    *,
    status: AnalysisStatus | None = None,
    q: str | None = None,
    tag: str | None = None,
    limit: int = 60,
    cursor: str | None = None,
) -> ImagePage:
    """One page, newest first; `total` with the first one. Raises InvalidRequest (cursor)."""
    wanted = {
        "q": clean_line(q or "") or None,
        "tag": clean_line(tag or "") or None,
        "status": status.value if status else None,
    }
    scope = (user_id, "images", *wanted.values())
    place = read_cursor(cursor, *scope) if cursor else None
    before = {"before": place and place.at, "before_id": place and place.id}
    with transaction(user_id) as session:
        found = session.execute(_SEARCH, {**wanted, **before, "limit": limit + 1}).scalars()
        images = _fetch_many(session, list(found))
        items = _shown(session, images[:limit])
        total = session.execute(_COUNT, wanted).scalar_one() if place is None else None
    more = len(images) > limit
    last = images[limit - 1] if more else None
    next_cursor = write_cursor(Place(last.uploaded_at, last.id), *scope) if last else None
    return ImagePage(items=items, next_cursor=next_cursor, total=total)


def count_images(user_id: UUID) -> int:
    """How many pictures a person has, without the trash."""
    with transaction(user_id) as session:
        return int(session.execute(_COUNT, {"q": None, "tag": None, "status": None}).scalar_one())


def edit_image(user_id: UUID, image_id: UUID, edit: ImageEdit) -> ImagePublic:
    """Write what a person says of a picture; no model overwrites it. Raises NotFound."""
    with transaction(user_id) as session:
        image = _fetch(session, image_id, lock=True)
        if edit.model_fields_set:
            _apply(image, edit)
            image.updated_at = now()
            session.add(image)
            _publish(session, image, "image_edited")
        return _shown(session, [image])[0]


def delete_image(user_id: UUID, image_id: UUID, *, permanent: bool = False) -> None:
    """Move a picture to the trash or, out of it too, remove it and its files. Raises NotFound."""
    with transaction(user_id) as session:
        image = _fetch(session, image_id, lock=True, trash=permanent)
        if permanent:
            session.delete(image)
            audit.write(
                session, Kind.IMAGE_DELETED, user_id, image_id=image_id, filename=image.filename
            )
            after_commit(session, partial(_delete_files, image.s3_key))
        else:
            image.deleted_at = image.updated_at = now()
            session.add(image)
        _publish(session, image, "image_deleted")


def list_analyses(
    user_id: UUID, image_id: UUID, *, limit: int = 60, cursor: str | None = None
) -> AnalysesPage:
    """A picture's history, newest first. Raises NotFound, InvalidRequest (cursor)."""
    scope = (user_id, "analyses", image_id)
    query = (
        select(ImageAnalysis)
        .where(col(ImageAnalysis.image_id) == image_id)
        .order_by(col(ImageAnalysis.created_at).desc(), col(ImageAnalysis.id).desc())
        .limit(limit + 1)
    )
    with transaction(user_id) as session:
        _fetch(session, image_id)
        if cursor:
            place = read_cursor(cursor, *scope)
            row = tuple_(col(ImageAnalysis.created_at), col(ImageAnalysis.id))
            query = query.where(row < tuple_(place.at, place.id))
        rows = list(session.execute(query).scalars())
    page = rows[:limit]
    last = page[-1] if len(rows) > limit else None
    return AnalysesPage(
        items=[AnalysisPublic.model_validate(row.model_dump()) for row in page],
        next_cursor=write_cursor(Place(last.created_at, last.id), *scope) if last else None,
    )


def image_status(image: Image) -> ImageStatus:
    """The status shape of a row."""
    return ImageStatus(
        id=image.id,
        status=AnalysisStatus(image.analysis_status),
        waiting_reason=_waiting_reason(image),
        attempts=image.attempts,
        error=_error(image),
        queued_at=image.queued_at,
        started_at=image.started_at,
        completed_at=image.completed_at,
    )


def _fetch(session: Session, image_id: UUID, *, lock: bool = False, trash: bool = False) -> Image:
    # Row-level security leaves this person's rows only: fetching is the ownership check.
    query = select(Image).where(col(Image.id) == image_id)
    if not trash:
        query = query.where(col(Image.deleted_at).is_(None))
    if lock:
        query = query.with_for_update()
    image: Image | None = session.execute(query).scalar_one_or_none()
    if image is None:
        raise NotFound
    return image


def _fetch_many(session: Session, ids: list[UUID]) -> list[Image]:
    if not ids:
        return []
    query = select(Image).where(col(Image.id).in_(ids), col(Image.deleted_at).is_(None))
    found = {image.id: image for image in session.execute(query).scalars()}
    return [found[image_id] for image_id in ids if image_id in found]


def _shown(session: Session, images: list[Image]) -> list[ImagePublic]:
    newest = [image.analysis_id for image in images if image.analysis_id]
    analyses: dict[UUID, AnalysisSummary] = {}
    if newest:
        fields = [getattr(ImageAnalysis, name) for name in AnalysisSummary.model_fields]
        rows = session.execute(select(*fields).where(col(ImageAnalysis.id).in_(newest)))
        analyses = {row.id: AnalysisSummary.model_validate(dict(row._mapping)) for row in rows}
    return [
        _public(image, analyses.get(image.analysis_id) if image.analysis_id else None)
        for image in images
    ]


def _public(image: Image, analysis: AnalysisSummary | None) -> ImagePublic:
    return ImagePublic(
        id=image.id,
        filename=image.filename,
        mime_type=image.mime_type,
        file_size=image.file_size,
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
        facts=image.facts,
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


def _apply(image: Image, edit: ImageEdit) -> None:
    given = edit.model_dump(include=edit.model_fields_set)
    if given.get("decorative"):
        given["alt_text"] = ""
    elif given.get("alt_text") and "decorative" not in given and image.decorative:
        given["decorative"] = False
    elif "decorative" in given and "alt_text" not in given and image.alt_text == "":
        given["alt_text"] = None
    for field, value in given.items():
        setattr(image, field, _cleaned(value))
        setattr(image, f"{field}_by", None if value is None else WrittenBy.PERSON)


def _cleaned(value: str | list[str] | bool | None) -> str | list[str] | bool | None:
    if isinstance(value, str):
        return clean_text(value)
    return clean_tags(value) if isinstance(value, list) else value


def _publish(session: Session, image: Image, kind: str) -> None:
    after_commit(session, partial(events.publish, image.user_id, kind, image.id))


def _delete_files(s3_key: str) -> None:
    storage.get_store().delete_prefix(s3_key.rpartition("/")[0] + "/")
