"""Pictures of one person, one by one: read, edit, delete. Lists and searches are in `listing`."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from imgapp.adapters import db, events
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import NotFound
from imgapp.models import (
    Image,
    ImageEdit,
    ImagePublic,
    WrittenBy,
    now,
)
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.sanitize import check_language, clean_tags, clean_text
from imgapp.services.library import text_provenance
from imgapp.services.library.entity_tags import Versioned, require, tag_of
from imgapp.services.library.serialize import just_added, says, shown
from imgapp.services.library.text_provenance import TEXT_FIELDS
from imgapp.services.library.total import TOTAL, total_of
from imgapp.services.storage import object_removals
from imgapp.services.uploads.ingest import Ingested


def get_image(user_id: UUID, image_id: UUID) -> ImagePublic:
    """One picture. Raises NotFound, also when it is somebody else's or in the trash."""
    with transaction(user_id) as session:
        return shown(session, [fetch(session, image_id)])[0]


def read_image(
    user_id: UUID, image_id: UUID, *, known: Container[str] = ()
) -> Versioned[ImagePublic | None]:
    """As `get_image`, or None for a caller who has it already, under one of the tags `known`."""
    with transaction(user_id) as session:
        image = fetch(session, image_id)
        tag = tag_of(image)
        return Versioned(tag, None if tag in known else shown(session, [image])[0])


def require_image(user_id: UUID, image_id: UUID) -> None:
    """Raises NotFound."""
    with transaction(user_id) as session:
        fetch(session, image_id)


def public_images(user_id: UUID, ids: Iterable[UUID]) -> list[ImagePublic]:
    """The pictures among `ids` that this person has, in that order, without the trash."""
    wanted = list(ids)
    if not wanted:
        return []
    with transaction(user_id) as session:
        return shown(session, fetch_many(session, wanted))


def taken_in(user_id: UUID, taken: Sequence[Ingested]) -> list[ImagePublic]:
    """The pictures that were just taken in, in that order, without any that went since."""
    # What a file says of itself is among the texts by language, which the database keeps.
    silent = [one.added for one in taken if one.added is not None and not says(one.added)]
    added = {image.id: just_added(image) for image in silent}
    known = [one.image_id for one in taken if one.image_id not in added]
    shown_by_id = added | {image.id: image for image in public_images(user_id, known)}
    return [
        shown_by_id[one.image_id].model_copy(update={"duplicate": one.duplicate})
        for one in taken
        if one.image_id in shown_by_id
    ]


def count_images(user_id: UUID) -> int:
    """How many pictures a person has, without the trash."""
    [rows] = db.read(user_id, (TOTAL, {}))
    return total_of(rows)


def edit_image(user_id: UUID, image_id: UUID, edit: ImageEdit) -> ImagePublic:
    """Write what a person says of a picture; no model overwrites it.

    Raises NotFound, InvalidRequest (`unknown_language`).
    """
    return edit_version(user_id, image_id, edit, required=None).value


def edit_version(
    user_id: UUID, image_id: UUID, edit: ImageEdit, *, required: frozenset[str] | None
) -> Versioned[ImagePublic]:
    """As `edit_image`, if the picture's version is among those `required`; None is any.

    Raises NotFound, PreconditionFailed, InvalidRequest (`unknown_language`).
    """
    with transaction(user_id) as session:
        image = fetch(session, image_id, lock=True)
        require(image, required)
        if edit.model_fields_set:
            apply(image, edit)
            session.add(image)
            _publish(session, image, "image_edited")
            session.flush()
            session.refresh(image, ["updated_at"])  # the database has the last word
        return Versioned(tag_of(image), shown(session, [image])[0])


def delete_image(
    user_id: UUID,
    image_id: UUID,
    *,
    permanent: bool = False,
    required: frozenset[str] | None = None,
) -> None:
    """Move a picture to the trash or, out of it too, remove it and its files.

    Raises NotFound and, if `required` are versions of which it has none, PreconditionFailed.
    """
    with transaction(user_id) as session:
        image = fetch(session, image_id, lock=True, trash=permanent)
        require(image, required)
        if permanent:
            session.delete(image)
            audit_trail.write(
                session,
                AuditKind.IMAGE_DELETED,
                user_id,
                image_id=image_id,
                filename=image.filename,
            )
            after_commit(session, partial(object_removals.run, object_removals.place_of(image)))
        else:
            image.deleted_at = now()
            session.add(image)
        _publish(session, image, "image_deleted")


def fetch(session: Session, image_id: UUID, *, lock: bool = False, trash: bool = False) -> Image:
    """One picture's row, in the transaction of its owner. Raises NotFound."""
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


def fetch_many(session: Session, ids: list[UUID]) -> list[Image]:
    """The rows of these pictures that are there, in that order, without the trash."""
    if not ids:
        return []
    query = select(Image).where(col(Image.id).in_(ids), col(Image.deleted_at).is_(None))
    found = {image.id: image for image in session.execute(query).scalars()}
    return [found[image_id] for image_id in ids if image_id in found]


def apply(image: Image, edit: ImageEdit) -> None:
    given = edit.model_dump(include=edit.model_fields_set)
    if given.get("decorative"):
        given["alt_text"] = ""
    elif given.get("alt_text") and "decorative" not in given and image.decorative:
        given["decorative"] = False
    elif "decorative" in given and "alt_text" not in given and image.alt_text == "":
        given["alt_text"] = None
    if given.get("language") is not None:
        given["language"] = check_language(given["language"])
    for field, value in given.items():
        setattr(image, field, _cleaned(value))
        if field in TEXT_FIELDS:
            setattr(image, f"{field}_by", None if value is None else WrittenBy.PERSON)
    image.context = image.context or None
    text_provenance.forget(image, set(given))


def _cleaned(value: str | list[str] | bool | None) -> str | list[str] | bool | None:
    if isinstance(value, str):
        return clean_text(value)
    return clean_tags(value) if isinstance(value, list) else value


def _publish(session: Session, image: Image, kind: str) -> None:
    after_commit(session, partial(events.publish, image.user_id, kind, image.id))
