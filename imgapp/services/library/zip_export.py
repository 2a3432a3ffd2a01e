"""ZIP export: streams many originals as one archive, keeping nothing of it in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col
from zipstream import ZIP_STORED, ZipStream

from imgapp.adapters import storage
from imgapp.adapters.db import transaction
from imgapp.errors import ImgappError, InvalidRequest, NotFound
from imgapp.models import Image
from imgapp.services.common.csv_files import csv_bytes
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.storage.filenames import portable_name

MOST = 5_000
"""Pictures of one archive."""
_PIECE = 256 * 1024
_TEXTS = ("alt_text", "decorative", "description", "tags", "visible_text", "language")


def open_archive(user_id: UUID, chosen: ImageSelection) -> Iterator[bytes]:
    """A ZIP of the originals of this person's pictures among those, with `descriptions.csv`.

    Originals are compressed already and stored as they are. A file that the store does not have
    is named in `errors.txt`. Raises InvalidRequest (too many), NotFound (none of them is there).
    """
    wanted = chosen.resolve(user_id)
    if len(wanted) > MOST:
        raise InvalidRequest(f"At most {MOST:,} pictures fit into one archive")
    query = select(Image).where(col(Image.id).in_(wanted), col(Image.deleted_at).is_(None))
    with transaction(user_id) as session:
        images = list(session.execute(query.order_by(col(Image.id).desc())).scalars())
    if not images:
        raise NotFound
    return _pieces(images)


def _pieces(images: list[Image]) -> Iterator[bytes]:
    archive, missing = ZipStream(compress_type=ZIP_STORED), []
    names = _names(images)
    for image in images:
        try:
            content = storage.get_store(image.s3_bucket).open(image.s3_key)
        except ImgappError:
            missing.append(f"{names[image.id]}: the file could not be read\r\n")
            continue
        with content:
            archive.add(iter(lambda: content.read(_PIECE), b""), names[image.id])  # noqa: B023
            yield from archive.all_files()
    archive.add(_descriptions(images, names), "descriptions.csv")
    if missing:
        archive.add("".join(missing), "errors.txt")
    yield from archive.finalize()


def _names(images: list[Image]) -> dict[UUID, str]:
    """A file name for each picture, fit for every system, none twice whatever its case."""
    taken = {"descriptions.csv", "errors.txt"}
    names: dict[UUID, str] = {}
    for image in images:
        plain = PurePath(portable_name(image.filename, image.mime_type))
        name, number = str(plain), 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain.stem} ({number}){plain.suffix}"
        taken.add(name.casefold())
        names[image.id] = name
    return names


def _descriptions(images: list[Image], names: dict[UUID, str]) -> bytes:
    columns = ("filename", *_TEXTS)
    rows = ([names[image.id], *(getattr(image, name) for name in columns)] for image in images)
    return csv_bytes(("file", *columns), rows)
