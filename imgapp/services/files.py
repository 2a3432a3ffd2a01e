"""Links to files: signed, expiring, and the same for half their life, so that browsers cache."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit
from uuid import UUID

from sqlmodel import col, select

from imgapp.adapters import storage
from imgapp.adapters.db import transaction
from imgapp.errors import ConfigurationError, Forbidden, NotFound
from imgapp.models import Image, ImageUrls
from imgapp.settings import get_settings

Variant = Literal["thumbnail", "preview", "original"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)

LIFE_SECONDS = 3600
_STEP_SECONDS = LIFE_SECONDS // 2

_RENDITION_TYPE = "image/webp"


@dataclass(frozen=True)
class FileAnswer:
    """A file to serve. `seconds` is how long its link still lives."""

    path: Path
    filename: str
    content_type: str
    disposition: storage.Disposition
    etag: str
    seconds: int


def signed_urls(image: Image) -> ImageUrls:
    """Links to a picture's three files, good for half an hour at least. Asks nobody."""
    return ImageUrls(**{variant: _signed_url(image, variant) for variant in VARIANTS})


def links_version() -> str:
    """Changes whenever the links of a picture that stays the same would be written anew."""
    return _sign(f"links {_expiry()} {get_settings().s3_public_endpoint}")[:8]


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
    """The file behind one of our own links. Raises Forbidden (not ours, expired) and NotFound.

    Renditions are found without the database.
    """
    expected = _signature(user_id, image_id, variant, expires)
    if not hmac.compare_digest(signature.encode(), expected.encode()):
        raise Forbidden("The link is not valid", code="invalid_link")
    seconds = expires - int(time.time())
    if seconds <= 0:
        raise Forbidden("The link has expired", code="expired_link")
    if variant == "original":
        image = _fetch(user_id, image_id)
        key, filename, content_type = image.s3_key, image.filename, image.mime_type
    else:
        key = storage.rendition_key(f"users/{user_id}/images/{image_id}/", variant)
        filename, content_type = f"{variant}.webp", _RENDITION_TYPE
    path = storage.get_store().local_path(key)
    if path is None or not path.is_file():
        raise NotFound
    return FileAnswer(
        path=path,
        filename=filename,
        content_type=content_type,
        disposition=_disposition(variant),
        # A picture's files never change.
        etag=f'"{image_id.hex}-{variant}"',
        seconds=seconds,
    )


def _fetch(user_id: UUID, image_id: UUID) -> Image:
    # Row-level security leaves this person's rows only: fetching is the ownership check.
    query = select(Image).where(col(Image.id) == image_id, col(Image.deleted_at).is_(None))
    with transaction(user_id) as session:
        image = session.exec(query).one_or_none()
    if image is None:
        raise NotFound
    return image


def _signed_url(image: Image, variant: Variant) -> str:
    expires = _expiry()
    url = _store_url(image, variant, expires)
    if url is not None:
        return url
    signature = _signature(image.user_id, image.id, variant, expires)
    path = f"/api/files/{image.user_id}/{image.id}/{variant}"
    return f"{path}?expires={expires}&signature={signature}"


def _store_url(image: Image, variant: Variant, expires: int) -> str | None:
    if variant == "original":
        key, filename, content_type = image.s3_key, image.filename, image.mime_type
    else:
        key = storage.rendition_key(image.s3_key, variant)
        filename, content_type = f"{variant}.webp", _RENDITION_TYPE
    expires_at = datetime.fromtimestamp(expires, UTC)
    store = storage.get_store()
    return store.signed_url(key, expires_at, filename, content_type, _disposition(variant))


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
