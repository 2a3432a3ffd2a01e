"""Ingest: decodes, stores and queues every picture, wherever it comes from (the one entrance)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from imgapp.adapters import db, events, imaging, storage
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.imaging import DecodedImage, EmbeddedCaptions
from imgapp.adapters.languages import known_language
from imgapp.adapters.queue import enqueue_analysis
from imgapp.adapters.storage.upload_schemas import ArrivedObject
from imgapp.errors import Conflict, EmptyFile, NotSignedIn
from imgapp.models import Image, Priority, WrittenBy, new_id
from imgapp.services.common import undelete
from imgapp.services.storage import object_removals
from imgapp.services.storage.filenames import safe_name, shown_name
from imgapp.services.storage.object_removals import RenditionKeys
from imgapp.services.storage.spool import SpooledFile, new_spool_path
from imgapp.services.uploads import quotas
from imgapp.services.uploads.upload_metrics import UploadSource, counted

_KNOWN = "SELECT id FROM images WHERE sha256 = %(sha256)s FOR UPDATE"
_COLUMNS = tuple(Image.model_fields)
_INSERT = f"""
    INSERT INTO images ({", ".join(_COLUMNS)}) VALUES ({", ".join(f"%({c})s" for c in _COLUMNS)})
    ON CONFLICT (user_id, sha256) DO NOTHING RETURNING id
"""  # noqa: S608


@dataclass(frozen=True)
class Ingested:
    """`duplicate`: this person already had a picture of these very bytes, and it is that one."""

    image_id: UUID
    duplicate: bool
    added: Image | None = field(default=None, compare=False, repr=False)
    """The row of a picture that was not there before."""


@dataclass(frozen=True)
class StoredOriginal:
    """The bytes of a spooled file, which are in the store already: the object `key`, as it was
    when it `arrived`."""

    key: str
    arrived: ArrivedObject


Note = Callable[[Session, Ingested], None]
"""Writes down that a picture was taken in, in the transaction that does it."""


def ingest(
    user_id: UUID,
    spooled: SpooledFile,
    source: UploadSource,
    *,
    priority: Priority = Priority.INTERACTIVE,
    note: Note | None = None,
    stored: StoredOriginal | None = None,
) -> Ingested:
    """Take a spooled file in: decode, store, commit, queue. The spooled file is gone afterwards.

    Raises RejectedFile if it is no picture, Conflict, DatabaseUnavailable, StoreUnavailable, and
    what `note` raises: then nothing was taken in.
    """
    take_in = partial(_take_in, user_id, spooled, priority, note, stored)
    return counted(take_in, source, spooled.size)


def _take_in(
    user_id: UUID,
    spooled: SpooledFile,
    priority: Priority,
    note: Note | None,
    stored: StoredOriginal | None,
) -> Ingested:
    work_dir = new_spool_path()
    try:
        if spooled.size == 0:
            raise EmptyFile("The file is empty.")
        place = RenditionKeys(user_id, new_id(), storage.get_store().bucket)
        known = _begin(place, spooled, note)
        if known is not None:
            return known
        decoded = _decode(place, spooled, work_dir, bulk=priority == Priority.BULK)
        return _store(_row(place, spooled, decoded, priority), spooled, decoded, note, stored)
    finally:
        spooled.path.unlink(missing_ok=True)
        shutil.rmtree(work_dir, ignore_errors=True)


def _begin(place: RenditionKeys, spooled: SpooledFile, note: Note | None) -> Ingested | None:
    """The picture of these bytes if there is one; else there is room, and files may come."""
    with transaction(place.user_id) as session:
        found, usage = db.execute(session, _known(spooled.sha256), quotas.USAGE)
        known = _restored(session, place.user_id, found, note)
        if known is None:
            quotas.check_room_for(usage, images=1, size=spooled.size)
            object_removals.intend(session, place, spooled.size)
        return known


def _decode(
    place: RenditionKeys, spooled: SpooledFile, work_dir: Path, *, bulk: bool
) -> DecodedImage:
    try:
        work_dir.mkdir(mode=0o700)
        return imaging.decode(spooled.path, work_dir, bulk=bulk)
    except BaseException:
        object_removals.forget(place)
        raise


def _store(
    image: Image,
    spooled: SpooledFile,
    decoded: DecodedImage,
    note: Note | None,
    stored: StoredOriginal | None,
) -> Ingested:
    place = object_removals.place_of(image)
    try:
        _put_files(image, spooled.path, decoded, stored)
        added = _insert(image, note)
    except BaseException:
        # Nothing happens if the connection broke after the commit.
        object_removals.run(place)
        raise
    if added:
        return Ingested(image.id, duplicate=False, added=image)
    # The same bytes came in twice at once, and the other one was first.
    object_removals.run(place)
    known = restore(image.user_id, spooled.sha256, note)
    if known is None:
        raise Conflict("The picture was deleted while it was uploaded again; upload it once more.")
    return known


def _row(
    place: RenditionKeys, spooled: SpooledFile, decoded: DecodedImage, priority: Priority
) -> Image:
    filename = shown_name(spooled.filename, decoded.mime_type)
    image = Image(
        id=place.image_id,
        user_id=place.user_id,
        filename=filename,
        s3_key=f"{place.prefix}{safe_name(filename, decoded.mime_type)}",
        s3_bucket=place.s3_bucket,
        mime_type=decoded.mime_type,
        file_size=spooled.size,
        sha256=spooled.sha256,
        width=decoded.width,
        height=decoded.height,
        facts=decoded.facts,
        placeholder=decoded.placeholder,
        priority=priority,
    )
    _write_carried(image, decoded.carried)
    return image


def _write_carried(image: Image, carried: EmbeddedCaptions) -> None:
    """What the file already says was written by a person, and stays."""
    language = known_language(carried.language or "")
    said = {name: getattr(carried, name) for name in ("alt_text", "description", "tags")}
    for name, value in (said | {"language": language}).items():
        if value:
            setattr(image, name, value)
            setattr(image, f"{name}_by", WrittenBy.PERSON)
    if carried.texts:
        image.facts = image.facts | {"texts": carried.texts}


def _put_files(
    image: Image, original: Path, decoded: DecodedImage, stored: StoredOriginal | None
) -> None:
    files = [
        (storage.rendition_key(image.s3_key, rendition), getattr(decoded, rendition), mime_type)
        for rendition, (_, mime_type) in storage.RENDITIONS.items()
    ]
    if stored is None or not _adopt(image, stored):
        files.insert(0, (image.s3_key, original, image.mime_type))
    storage.get_store(image.s3_bucket).put_all(files)


def _adopt(image: Image, stored: StoredOriginal) -> bool:
    incoming = storage.get_store(image.s3_bucket).incoming
    return incoming is not None and incoming.adopt(
        stored.key, stored.arrived, image.s3_key, image.mime_type
    )


def _insert(image: Image, note: Note | None) -> bool:
    """Add the row, unless this person has one of the same bytes."""
    row = {name: getattr(image, name) for name in _COLUMNS}
    place = object_removals.place_of(image)
    try:
        with transaction(image.user_id) as session:
            added, taken_back, usage = db.execute(
                session, (_INSERT, row), object_removals.taking_back(place), quotas.USAGE
            )
            if not added:
                session.rollback()
                return False
            object_removals.require_taken_back(taken_back)
            quotas.check_room_for(usage)
            if note is not None:
                note(session, Ingested(image.id, duplicate=False))
            _announce(session, image)
    except IntegrityError:
        raise NotSignedIn("The account does not exist any more.") from None
    return True


def _known(sha256: str) -> db.Query:
    return _KNOWN, {"sha256": sha256}


def restore(user_id: UUID, sha256: str, note: Note | None) -> Ingested | None:
    """The person's picture of these bytes, out of the trash if it was there."""
    with transaction(user_id) as session:
        [found] = db.execute(session, _known(sha256))
        return _restored(session, user_id, found, note)


def _restored(
    session: Session, user_id: UUID, found: list[Any], note: Note | None
) -> Ingested | None:
    if not found:
        return None
    image_id: UUID = found[0].id
    if undelete.restore(session, [image_id]):
        after_commit(session, partial(events.publish, user_id, "image_restored", image_id))
    known = Ingested(image_id, duplicate=True)
    if note is not None:
        note(session, known)
    return known


def _announce(session: Session, image: Image) -> None:
    permit = partial(enqueue_analysis, image.id, priority=Priority(image.priority))
    after_commit(session, permit)
    after_commit(session, partial(events.publish, image.user_id, "image_uploaded", image.id))
