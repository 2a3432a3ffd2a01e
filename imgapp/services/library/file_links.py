"""File links: sign them, expiring, and the same for half their life, so that browsers cache."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal, get_args
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import col, select

from imgapp.adapters import storage
from imgapp.adapters.db import transaction
from imgapp.errors import ConfigurationError, Forbidden, NotFound
from imgapp.models import Image, ImageUrls
from imgapp.services.library.card_rows import CardRow
from imgapp.settings import get_settings

Variant = Literal["thumbnail", "preview", "original"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

LIFE_SECONDS = 3600
_STEP_SECONDS = LIFE_SECONDS // 2

_RENDITION_TYPE = "image/webp"


@dataclass(frozen=True)
class FileAnswer:
    """A file to serve. `seconds` is how long its link still lives."""

    content: Path | BinaryIO
    """A file of this machine; or an open one of a store that gives out no links of its own, or not
    this one: whoever gets it closes it."""
    filename: str
    content_type: str
    disposition: storage.Disposition
    etag: str
    seconds: int


def signed_urls(image: Image) -> ImageUrls:
    """Links to a picture's three files, good for half an hour at least. Asks nobody."""
    return ImageUrls(**{variant: _signed_url(image, variant) for variant in VARIANTS})


def thumbnail_url(row: CardRow) -> str:
    """A link to a picture's thumbnail alone."""
    return _signed_url(row, "thumbnail")


def links_version() -> str:
    """Changes whenever the links of a picture that stays the same would be written anew."""
    settings = get_settings()
    return _sign(f"links {_expiry()} {settings.s3_bucket} {settings.s3_public_endpoint}")[:8]


def store_origin() -> str | None:
    """Where browsers load pictures from, if that is not our own origin (CSP: `img-src`)."""
    expires_at = datetime.fromtimestamp(_expiry(), UTC)
    url = storage.get_store().signed_url("any", expires_at, "any", _RENDITION_TYPE, "inline")
    if url is None:
        return None
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def variant_url(user_id: UUID, image_id: UUID, variant: Variant) -> str:
    """A link to one file. Raises NotFound, also when it is somebody else's or in the trash."""
    return _signed_url(_fetch(user_id, image_id), variant)


def open_link(
    user_id: UUID, image_id: UUID, variant: Variant, expires: int, signature: str
) -> FileAnswer:
    """The file behind one of our own links. Raises Forbidden (not ours, expired), NotFound and
    StoreUnavailable.

    Renditions on this machine's disk are found without the database.
    """
    expected = _signature(user_id, image_id, variant, expires)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise Forbidden("The link is not valid", code="invalid_link")
    seconds = expires - int(time.time())
    if seconds <= 0:
        raise Forbidden("The link has expired", code="expired_link")
    content, filename, content_type = _find(user_id, image_id, variant)
    return FileAnswer(
        content=content,
        filename=filename,
        content_type=content_type,
        disposition=_disposition(variant),
        # A picture's files never change.
        etag=f'"{image_id.hex}-{variant}"',
        seconds=seconds,
    )


def read_rendition(image: Image, rendition: storage.Rendition) -> bytes:
    """All of a small file. Raises NotFound, StoreUnavailable, DatabaseUnavailable."""
    key = storage.rendition_key(image.s3_key, rendition)
    try:
        return storage.get_store(image.s3_bucket).read(key)
    except NotFound:
        # The picture may have been moved since the row was read.
        with transaction(image.user_id) as session:
            query = select(Image.s3_bucket).where(col(Image.id) == image.id)
            bucket = session.exec(query).one_or_none()
        if bucket in (None, image.s3_bucket):
            raise
        return storage.get_store(bucket).read(key)


def _find(user_id: UUID, image_id: UUID, variant: Variant) -> tuple[Path | BinaryIO, str, str]:
    """A file with its name and type, wherever it is."""
    if variant != "original":
        key = storage.rendition_key(f"users/{user_id}/images/{image_id}/", variant)
        with suppress(NotFound):
            content = _open(storage.LOCAL, key)
            return content, f"{variant}.webp", _RENDITION_TYPE
    image = _fetch(user_id, image_id)
    key, filename, content_type = _described(image, variant)
    try:
        content = _open(image.s3_bucket, key)
    except NotFound:
        # It may have been moved since the row was read.
        content = _open(_fetch(user_id, image_id).s3_bucket, key)
    return content, filename, content_type


def _open(bucket: str, key: str) -> Path | BinaryIO:
    store = storage.get_store(bucket)
    path = store.local_path(key)
    if path is None:
        return store.open(key)
    if not path.is_file():
        raise NotFound
    return path


def _fetch(user_id: UUID, image_id: UUID) -> Image:
    # Row-level security leaves this person's rows only: fetching is the ownership check.
    query = select(Image).where(col(Image.id) == image_id, col(Image.deleted_at).is_(None))
    with transaction(user_id) as session:
        image = session.exec(query).one_or_none()
    if image is None:
        raise NotFound
    return image


def _signed_url(image: Image | CardRow, variant: Variant) -> str:
    expires = _expiry()
    url = _store_url(image, variant, expires)
    if url is not None:
        return url
    signature = _signature(image.user_id, image.id, variant, expires)
    path = f"/api/files/{image.user_id}/{image.id}/{variant}"
    return f"{path}?expires={expires}&signature={signature}"


def _store_url(image: Image | CardRow, variant: Variant, expires: int) -> str | None:
    store = storage.get_store()
    if image.s3_bucket != store.bucket:
        # Not moved yet. The page may load from the store for new pictures only, and from us.
        return None
    expires_at = datetime.fromtimestamp(expires, UTC)
    key, filename, content_type = _described(image, variant)
    return store.signed_url(key, expires_at, filename, content_type, _disposition(variant))


def _described(image: Image | CardRow, variant: Variant) -> tuple[str, str, str]:
    """A file's key, the name that people get it under, and its type."""
    if variant == "original":
        return image.s3_key, image.filename, image.mime_type
    return storage.rendition_key(image.s3_key, variant), f"{variant}.webp", _RENDITION_TYPE


def _disposition(variant: Variant) -> storage.Disposition:
    """Originals come from strangers: they are saved, never shown by the browser as a page."""
    return "attachment" if variant == "original" else "inline"


def _expiry() -> int:
    """The end of a link's life: the same number for half an hour."""
    return (int(time.time()) // _STEP_SECONDS) * _STEP_SECONDS + LIFE_SECONDS


def _signature(user_id: UUID, image_id: UUID, variant: str, expires: int) -> str:
    return _sign(f"file {user_id} {image_id} {variant} {expires}")


def _sign(message: str) -> str:
    secret = get_settings().secret_key
    if secret is None:
        raise ConfigurationError("IMGAPP_SECRET_KEY is not set")
    digest = hmac.digest(secret.get_secret_value().encode(), message.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
