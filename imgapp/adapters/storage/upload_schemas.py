"""Upload schemas: describe files that clients put into the bucket. Imports no vendor."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "incoming/"
"""Where clients put files: `incoming/{user_id}/{upload_id}`."""


@dataclass(frozen=True)
class ArrivedObject:
    """An object as it was found. `etag` names exactly its bytes."""

    size: int
    etag: str
    md5: str = ""
    """Of what was read."""


@dataclass(frozen=True)
class IncomingObject:
    """An object under `incoming/`, there or not; with a `multipart_id`, one that came in parts."""

    key: str
    multipart_id: str | None = None
