"""A client that sends files straight to the bucket, as a program would."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, update
from sqlmodel import col

from imgapp.adapters import db
from imgapp.models import DirectUpload, now
from imgapp.services.uploads import s3_uploads
from imgapp.services.uploads.s3_uploads import NewUpload, UploadRequests


def announcement(path: Path, *, hashed: bool = False, **more: Any) -> NewUpload:
    """What is said of a file before it is sent."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest() if hashed else None
    return NewUpload(**{"filename": path.name, "size": len(data), "sha256": digest} | more)


def send(begun: UploadRequests, data: bytes) -> None:
    """Send the bytes with the presigned requests, and nothing else."""
    if begun.url is not None:
        put(begun.url, data, begun.headers)
    for part in begun.parts:
        assert begun.part_size is not None
        start = (part.number - 1) * begun.part_size
        put(part.url, data[start : start + part.size], begun.headers)


def put(url: str, data: bytes, headers: dict[str, str]) -> None:
    """One presigned request, without any credentials."""
    httpx.put(url, content=data, headers=headers).raise_for_status()


def sent(user_id: UUID, path: Path, **more: Any) -> UUID:
    """Announce and send a file; the upload can be completed then."""
    begun = s3_uploads.begin(user_id, announcement(path, **more))
    send(begun, path.read_bytes())
    return begun.id


def upload_row(user_id: UUID, upload_id: UUID) -> DirectUpload | None:
    """The upload's row as it is now."""
    with db.transaction(user_id) as session:
        query = select(DirectUpload).where(col(DirectUpload.id) == upload_id)
        return session.execute(query).scalar_one_or_none()


def change_upload(user_id: UUID, upload_id: UUID, **columns: Any) -> None:
    """Set columns of an upload."""
    with db.transaction(user_id) as session:
        session.execute(
            update(DirectUpload).where(col(DirectUpload.id) == upload_id).values(**columns)
        )


def let_lease_run_out(user_id: UUID, upload_id: UUID) -> None:
    """As if the process that saves the upload had been silent for long."""
    change_upload(user_id, upload_id, lease_expires_at=now() - timedelta(seconds=1))


def let_expire(user_id: UUID, upload_id: UUID) -> None:
    """As if its time were over."""
    change_upload(user_id, upload_id, expires_at=now() - timedelta(seconds=1))
