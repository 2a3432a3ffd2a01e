"""Entity tags: compute which version of a picture or a page of them somebody has (ETag).

A picture's tag is `VERSION-LINKS`: when it was last changed, and the half hour for which its links
are written. An answer that somebody has holds while both are the same; an edit asks for the first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from imgapp.errors import PreconditionFailed
from imgapp.models import Image
from imgapp.services.library.file_links import links_version

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Versioned(Generic[T]):
    """What was asked for, with its tag."""

    tag: str
    value: T


def tag_of(image: Image) -> str:
    """The tag of a picture as it is shown now."""
    return f"{_version(image)}-{links_version()}"


def require(image: Image, tags: frozenset[str] | None) -> None:
    """Raises PreconditionFailed unless one of the tags is of the picture's version; None is any."""
    if tags is not None and _version(image) not in {tag.partition("-")[0] for tag in tags}:
        raise PreconditionFailed


def tag_of_page(rows: Iterable[Any], *rest: Any) -> str:
    """The tag of a page of these rows (`id`, `updated_at`, `s3_bucket`) and what else it says."""
    said = [links_version(), *((row.id, row.updated_at, row.s3_bucket) for row in rows), *rest]
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _version(image: Image) -> str:
    microseconds = (image.updated_at - _EPOCH) // timedelta(microseconds=1)
    moved = hashlib.blake2b(image.s3_bucket.encode(), digest_size=3).hexdigest()
    return f"{microseconds:x}{moved}"
