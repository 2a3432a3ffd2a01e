"""Store migration: moves pictures from one store into another, while everything goes on.

A picture is copied, read back and compared, and only then does its row name the new place; the old
one is removed after that. Whatever is interrupted at whatever moment is run again: pictures that
are there are passed over, and what half a copy left is removed like all else that no row points to.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import BinaryIO
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col, select

from imgapp.adapters.db import transaction
from imgapp.adapters.storage import LOCAL, RENDITIONS, Store, get_store, rendition_key
from imgapp.errors import ConfigurationError, NotFound, ServiceUnavailable, StoreUnavailable
from imgapp.models import Image
from imgapp.services.common.retries import retry
from imgapp.services.library.file_links import LIFE_SECONDS
from imgapp.services.storage import object_removals
from imgapp.services.storage.object_removals import RenditionKeys
from imgapp.services.storage.spool import new_spool_path
from imgapp.settings import get_settings

_AT_ONCE = 8
_PAGE = 500
_PIECE = 1024 * 1024
_PATIENCE = 15.0
"""Seconds that a database or a store may be away."""
_PLACE_FREE_FOR = 3600
"""Seconds; a picture that takes longer to copy is begun again."""

_ELSEWHERE = sa.text("SELECT * FROM imgapp_images_elsewhere(:bucket, :user_id, :after, :limit)")
_OVERVIEW = sa.text("SELECT * FROM imgapp_storage_overview(:user_id)")


class MigrationOutcome(StrEnum):
    MOVED = "moved"
    GONE = "gone"
    """Deleted, or moved by somebody else, in the meantime."""
    FAILED = "failed"


@dataclass(frozen=True)
class MigrationReport:
    """What became of a picture; `detail` is a sentence for people."""

    image_id: UUID
    outcome: MigrationOutcome
    size: int = 0
    detail: str = ""


@dataclass(frozen=True)
class StoreContents:
    """What is in one store. `removals` places are still to be emptied, `stuck` of them could not be
    for a day."""

    s3_bucket: str
    images: int
    bytes: int
    removals: int
    stuck: int


def overview(user_id: UUID | None = None) -> list[StoreContents]:
    """What each store holds, of one person or of everybody. Raises DatabaseUnavailable."""
    with transaction() as session:
        rows = session.execute(_OVERVIEW, {"user_id": user_id}).all()
    return [StoreContents(**row._mapping) for row in rows]


def target_bucket(to: str) -> str:
    """The store that `s3` or `disk` means. Raises ConfigurationError, StoreUnavailable."""
    settings = get_settings()
    if to != "disk" and settings.s3_bucket is None:
        raise ConfigurationError("IMGAPP_S3_BUCKET is not set: into which bucket?")
    bucket = LOCAL if to == "disk" else str(settings.s3_bucket)
    get_store(bucket).check()
    return bucket


def move_all(bucket: str, user_id: UUID | None = None) -> Generator[MigrationReport]:
    """Move every picture that is not in a store into it, several at a time.

    Closing the iterator ends it after the pictures in hand. Raises ServiceUnavailable when the
    database or the store stays away.
    """
    stopping = threading.Event()
    under_way: set[Future[MigrationReport]] = set()
    pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="move")
    try:
        for image_id, owner in _elsewhere(bucket, user_id):
            under_way.add(pool.submit(_move_patiently, owner, image_id, bucket, stopping))
            if len(under_way) >= 2 * _AT_ONCE:
                yield from _finished(under_way)
        while under_way:
            yield from _finished(under_way)
    finally:
        stopping.set()
        pool.shutdown(cancel_futures=True)


def move_image(user_id: UUID, image_id: UUID, bucket: str) -> MigrationReport:
    """Move one picture. Raises DatabaseUnavailable, StoreUnavailable."""
    with transaction(user_id) as session:
        image = session.exec(select(Image).where(col(Image.id) == image_id)).one_or_none()
    if image is None or image.s3_bucket == bucket:
        return MigrationReport(image_id, MigrationOutcome.GONE)
    source, target = object_removals.place_of(image), RenditionKeys(user_id, image_id, bucket)
    try:
        with transaction(user_id) as session:
            object_removals.add(session, target, timedelta(seconds=_PLACE_FREE_FOR))
    except StoreUnavailable:
        return _failed(image, "its older files there are still being removed; move it again later")
    try:
        _copy(image, get_store(source.s3_bucket), get_store(bucket))
        switched = _switch(source, target)
    except NotFound:
        object_removals.run(target)
        if _is_elsewhere(source):
            return MigrationReport(image_id, MigrationOutcome.GONE)
        return _failed(image, "a file is missing from the store it should be in")
    except _Damaged as error:
        object_removals.run(target)
        return _failed(image, str(error))
    if not switched:
        object_removals.run(target)
        return MigrationReport(image_id, MigrationOutcome.GONE)
    if source.s3_bucket == LOCAL:
        object_removals.run(source)
    return MigrationReport(image_id, MigrationOutcome.MOVED, image.file_size)


class _Damaged(Exception):
    """The bytes are not the ones that they should be."""


def _failed(image: Image, detail: str) -> MigrationReport:
    return MigrationReport(image.id, MigrationOutcome.FAILED, detail=f"{image.filename}: {detail}")


def _is_elsewhere(source: RenditionKeys) -> bool:
    """Whether the picture was deleted, or moved by somebody else, in the meantime."""
    with transaction(source.user_id) as session:
        query = select(Image.s3_bucket).where(col(Image.id) == source.image_id)
        return session.exec(query).one_or_none() != source.s3_bucket


def _elsewhere(bucket: str, user_id: UUID | None) -> Iterator[tuple[UUID, UUID]]:
    after: UUID | None = None
    while True:
        values = {"bucket": bucket, "user_id": user_id, "after": after, "limit": _PAGE}
        with transaction() as session:
            rows = session.execute(_ELSEWHERE, values).all()
        for row in rows:
            yield row.image_id, row.user_id
        if len(rows) < _PAGE:
            return
        after = rows[-1].image_id


def _finished(under_way: set[Future[MigrationReport]]) -> Iterator[MigrationReport]:
    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
        under_way.discard(future)
        yield future.result()


def _move_patiently(
    user_id: UUID, image_id: UUID, bucket: str, stopping: threading.Event
) -> MigrationReport:
    move = partial(move_image, user_id, image_id, bucket)
    return retry(move, seconds=_PATIENCE, stopping=stopping, on=ServiceUnavailable)


def _copy(image: Image, source: Store, target: Store) -> None:
    """Raises NotFound and _Damaged, besides what stores raise."""
    digest = _carry(image.s3_key, image.mime_type, source, target)
    if digest != image.sha256:
        raise _Damaged("the original is not what was uploaded: its SHA-256 is another")
    for rendition, (_, mime_type) in RENDITIONS.items():
        key = rendition_key(image.s3_key, rendition)
        # Older pictures do not have all of them.
        if source.exists(key):
            _carry(key, mime_type, source, target)


def _carry(key: str, mime_type: str, source: Store, target: Store) -> str:
    """Copy one file, read it back, and answer its SHA-256."""
    path = new_spool_path()
    try:
        with source.open(key) as reading, path.open("xb") as writing:
            sent = _digest(reading, writing.write)
        target.put(key, path, mime_type)
    except OSError as error:
        raise StoreUnavailable(f"The file cannot be copied: {error.strerror}.") from error
    finally:
        path.unlink(missing_ok=True)
    with target.open(key) as arrived:
        if _digest(arrived) != sent:
            raise _Damaged("a file did not arrive as it was sent")
    return sent


def _digest(file: BinaryIO, write: Callable[[bytes], object] = len) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_PIECE):
        digest.update(piece)
        write(piece)
    return digest.hexdigest()


def _switch(source: RenditionKeys, target: RenditionKeys) -> bool:
    """Let the row name the new place, unless it is gone or names another one by now."""
    here = (col(Image.id) == source.image_id, col(Image.s3_bucket) == source.s3_bucket)
    changed = {"s3_bucket": target.s3_bucket, "updated_at": sa.func.clock_timestamp()}
    with transaction(source.user_id) as session:
        moved = sa.update(Image).where(*here).values(changed).returning(col(Image.id))
        if session.execute(moved).first() is None:
            return False
        object_removals.take_back(session, target)
        # Links to the bucket that people were given go on working for as long as they live; ours
        # lead to wherever the picture is.
        links = 0 if source.s3_bucket == LOCAL else LIFE_SECONDS
        object_removals.add(session, source, timedelta(seconds=links))
    return True
