"""The object store: keeps pictures in a folder of this machine or in an S3 bucket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

from imgapp.settings import get_settings

if TYPE_CHECKING:
    from imgapp.adapters.storage.presigned_uploads import Incoming

Rendition = Literal["thumbnail", "preview", "model"]
RENDITIONS: dict[Rendition, tuple[str, str]] = {
    "thumbnail": ("_thumbnail.webp", "image/webp"),
    "preview": ("_preview.webp", "image/webp"),
    "model": ("_model.jpg", "image/jpeg"),
}
"""Name and content type of what is kept beside an original; `model` is for vision models."""

Disposition = Literal["inline", "attachment"]

LOCAL = "local"
"""The disk store's name where the others have a bucket's."""


class Store(Protocol):
    """Keeps files under keys like `users/U/images/I/photo.jpg`.

    Every method raises StoreUnavailable, and NotFound for a key that is not there.
    """

    bucket: str

    @property
    def incoming(self) -> Incoming | None:
        """Where clients may put files themselves; None if the store has no such place."""

    def put(self, key: str, path: Path, content_type: str) -> None:
        """Store the file at `path`, which may be gone afterwards."""

    def put_all(self, files: Sequence[tuple[str, Path, str]]) -> None:
        """Store several files, given as `put` wants them; when this ends, nothing is under way."""

    def read(self, key: str) -> bytes:
        """All of a small file."""

    def open(self, key: str) -> BinaryIO:
        """A file to read piece by piece."""

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""

    def delete_prefix(self, prefix: str) -> None:
        """Delete everything under `prefix`, a folder that ends with a slash."""

    def local_path(self, key: str) -> Path | None:
        """Where the file is on this machine; None if the store is elsewhere."""

    def signed_url(
        self,
        key: str,
        expires_at: datetime,
        filename: str,
        content_type: str,
        disposition: Disposition,
    ) -> str | None:
        """A link that anyone may follow until it expires; None if we must serve the file."""

    def check(self) -> None:
        """Raise StoreUnavailable, with a sentence that says what is wrong, unless all is well."""

    def try_out(self) -> None:
        """As `check`, by storing a file as the settings ask, reading it and removing it."""

    def readable_by_anyone(self) -> bool:
        """Whether strangers can list the store without a signature: nobody wants that."""

    def faults(self) -> list[str]:
        """A sentence, without its full stop, for each thing that is wrong once `check` passed."""


def get_store(bucket: str | None = None) -> Store:
    """The store of a picture's `s3_bucket`; the one for new pictures unless one is named."""
    settings = get_settings()
    bucket = bucket or settings.s3_bucket or LOCAL
    if bucket == LOCAL:
        return _disk_store(settings.pictures_dir)
    return _s3_store(
        bucket,
        settings.s3_public_endpoint,
        settings.s3_sse,
        settings.s3_storage_class,
    )


@lru_cache(maxsize=4)
def _disk_store(root: Path) -> Store:
    from imgapp.adapters.storage.disk import DiskStore

    return DiskStore(root)


@lru_cache(maxsize=4)
def _s3_store(
    bucket: str, public_endpoint: str | None, sse: str | None, storage_class: str | None
) -> Store:
    # boto3 costs 30 MB of memory, and only a bucket needs it.
    from imgapp.adapters.storage.s3 import S3Store

    return S3Store(bucket, public_endpoint, sse, storage_class)


def reset() -> None:
    """Forget the stores: the next ones read boto3's variables again."""
    _disk_store.cache_clear()
    _s3_store.cache_clear()


def rendition_key(s3_key: str, rendition: Rendition) -> str:
    """The key of a rendition, beside its original, whose name never starts with an underscore."""
    return f"{s3_key.rpartition('/')[0]}/{RENDITIONS[rendition][0]}"


__all__ = [
    "LOCAL",
    "RENDITIONS",
    "Disposition",
    "Rendition",
    "Store",
    "get_store",
    "rendition_key",
    "reset",
]
