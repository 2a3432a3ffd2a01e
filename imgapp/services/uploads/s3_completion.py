"""S3 upload completion: checks what arrived in the bucket and ingests it.

Saving is done under a lease, so that one process does it and another takes over when that one is
killed; the lease ends in the transaction that adds the picture.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import CursorResult, or_, text, update
from sqlmodel import Session, col

from imgapp.adapters import storage
from imgapp.adapters.db import transaction
from imgapp.adapters.storage.upload_schemas import ArrivedObject
from imgapp.errors import (
    Conflict,
    ImgappError,
    NotFound,
    NotSignedIn,
    QuotaExceeded,
    RejectedFile,
    ServiceUnavailable,
)
from imgapp.models import DirectUpload, Priority, UploadState, new_id, now
from imgapp.services.batches import batches
from imgapp.services.common.heartbeat import heartbeat
from imgapp.services.storage.spool import SpooledFile, SpoolWriter
from imgapp.services.uploads.batch_intake import FileOfBatch
from imgapp.services.uploads.ingest import (
    Ingested,
    StoredOriginal,
    ingest,
    restore,
)
from imgapp.services.uploads.s3_uploads import (
    LINK_LIFE,
    NewUpload,
    being_saved,
    fetch,
    in_parts,
    incoming_of,
    missing_parts,
    place_of,
)

if TYPE_CHECKING:
    # Brings boto3, which only a bucket needs.
    from imgapp.adapters.storage.presigned_uploads import Incoming

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
HEARTBEAT_SECONDS = 5.0
_LONGEST_PAUSE = timedelta(minutes=5)
_AT_ONCE = 5

_UNFINISHED = text("SELECT upload_id, user_id FROM imgapp_unfinished_uploads(:limit)")


@dataclass(frozen=True)
class _Save:
    """An upload that this process takes in while its lease lasts."""

    upload: DirectUpload
    lease_id: UUID

    def change(self, session: Session, **values: Any) -> None:
        """Write to the row. Raises Conflict if another process has taken over."""
        result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(DirectUpload)
            .where(col(DirectUpload.id) == self.upload.id)
            .where(col(DirectUpload.lease_id) == self.lease_id)
            .values(**values)
        )
        if not result.rowcount:
            raise being_saved()

    def end(self, session: Session, state: UploadState, **values: Any) -> None:
        """End the lease. The row stays for as long as somebody may write to its place."""
        self.change(
            session,
            state=state,
            lease_id=None,
            lease_expires_at=None,
            expires_at=now() + LINK_LIFE,
            **values,
        )


def known_picture(user_id: UUID, new: NewUpload) -> Ingested | None:
    """The picture that the person has of the announced bytes, out of the trash if it was there.

    Raises NotFound and Conflict for a batch that takes no files.
    """
    if new.batch is not None:
        batches.require_open(user_id, new.batch)
    if new.sha256 is None:
        return None
    file = _file_of_batch(user_id, new.batch, new.filename, None)
    return restore(user_id, new.sha256, file.note if file else None)


def complete(user_id: UUID, upload_id: UUID) -> Ingested:
    """Make a picture of what arrived. Called again, it answers the same.

    Raises NotFound, RejectedFile (for good), Conflict (`upload_incomplete`: send what is missing;
    `upload_being_saved`: ask again in a moment), StoreUnavailable, DatabaseUnavailable.
    """
    upload = fetch(user_id, upload_id)
    known = _known(upload)
    if known is not None:
        return known
    save = _claim(upload)
    try:
        with heartbeat(partial(_renew, save), HEARTBEAT_SECONDS):
            return _save(save)
    except RejectedFile as error:
        _refuse(save, error)
        raise
    except (Conflict, NotSignedIn):
        _hand_back(save, state=UploadState.OPEN, lease_id=None, lease_expires_at=None)
        raise
    except BaseException:
        pause = min(LEASE / 4 * 2 ** min(save.upload.attempts, 10), _LONGEST_PAUSE)
        _hand_back(save, lease_expires_at=now() + pause)
        raise


def finish_left_behind() -> int:
    """Complete what was confirmed and then left by a process that ended; returns how much.

    Raises DatabaseUnavailable, StoreUnavailable.
    """
    with transaction() as session:
        found = session.execute(_UNFINISHED, {"limit": _AT_ONCE}).all()
    finished = 0
    for row in found:
        try:
            complete(row.user_id, row.upload_id)
            finished += 1
        except ServiceUnavailable:
            raise
        except ImgappError as error:
            log.info("upload_not_completed", extra={"code": error.code})
    return finished


def _known(upload: DirectUpload) -> Ingested | None:
    if upload.state == UploadState.COMPLETED:
        assert upload.image_id is not None
        return Ingested(upload.image_id, upload.duplicate)
    if upload.state == UploadState.FAILED:
        full = upload.error_code == QuotaExceeded.code
        refusal = QuotaExceeded if full else RejectedFile
        raise refusal(upload.error_detail or "", code=upload.error_code)
    return None


def _claim(upload: DirectUpload) -> _Save:
    lease_id = new_id()
    free = or_(
        col(DirectUpload.state) == UploadState.OPEN,
        (col(DirectUpload.state) == UploadState.SAVING)
        & (col(DirectUpload.lease_expires_at) < now()),
    )
    with transaction(upload.user_id) as session:
        claimed = session.execute(
            update(DirectUpload)
            .where(col(DirectUpload.id) == upload.id, free)
            .values(
                state=UploadState.SAVING,
                lease_id=lease_id,
                lease_expires_at=now() + LEASE,
                attempts=DirectUpload.attempts + 1,
            )
            .returning(DirectUpload)
        ).scalar_one_or_none()
    if claimed is None:
        raise being_saved()
    return _Save(claimed, lease_id)


def _renew(save: _Save) -> None:
    with transaction(save.upload.user_id) as session:
        save.change(session, lease_expires_at=now() + LEASE)


def _save(save: _Save) -> Ingested:
    upload = save.upload
    incoming = incoming_of(upload)
    _join(incoming, upload)
    spooled, arrived = _spool(incoming, upload)
    same_store = upload.s3_bucket == storage.get_store().bucket

    file = _of_batch(upload)

    def note(session: Session, taken: Ingested) -> None:
        if file is not None:
            file.note(session, taken)
        save.end(
            session,
            UploadState.COMPLETED,
            image_id=taken.image_id,
            duplicate=taken.duplicate,
        )

    taken = ingest(
        upload.user_id,
        spooled,
        "direct",
        priority=Priority.BULK if file else Priority.INTERACTIVE,
        note=note,
        stored=StoredOriginal(upload.s3_key, arrived) if same_store else None,
    )
    _discard(upload)
    return taken


def _join(incoming: Incoming, upload: DirectUpload) -> None:
    if not in_parts(upload):
        return
    if upload.multipart_id is None:
        raise _incomplete("No part has arrived.")
    arrived = incoming.arrived_parts(upload.s3_key, upload.multipart_id)
    if arrived is None:
        return  # joined before: by a process that was killed after
    missing = missing_parts(upload, arrived)
    if missing:
        shown = ", ".join(map(str, missing[:10])) + (", …" if len(missing) > 10 else "")
        raise _incomplete(f"Parts have not arrived: {shown}.")
    incoming.join_parts(upload.s3_key, upload.multipart_id, arrived)


def _spool(incoming: Incoming, upload: DirectUpload) -> tuple[SpooledFile, ArrivedObject]:
    """What arrived, as a file that nobody writes to any more. Raises RejectedFile, Conflict."""
    writer = SpoolWriter(upload.filename)
    try:
        arrived = incoming.fetch(upload.s3_key, upload.size, writer.write)
        if arrived.size != upload.size:
            raise RejectedFile(
                f"{arrived.size:,} bytes arrived instead of {upload.size:,}.", code="size_mismatch"
            )
        spooled = writer.finish()
        if upload.sha256 is not None and spooled.sha256 != upload.sha256:
            raise RejectedFile(
                "What arrived does not have the SHA-256 that was announced.", code="hash_mismatch"
            )
    except NotFound:
        writer.discard()
        raise _incomplete("The file has not arrived.") from None
    except BaseException:
        writer.discard()
        raise
    return spooled, arrived


def _incomplete(detail: str) -> Conflict:
    return Conflict(f"{detail} Send what is missing, and complete again.", code="upload_incomplete")


def _of_batch(upload: DirectUpload) -> FileOfBatch | None:
    return _file_of_batch(upload.user_id, upload.batch_id, upload.filename, str(upload.id))


def _file_of_batch(
    user_id: UUID, batch_id: UUID | None, filename: str, key: str | None
) -> FileOfBatch | None:
    return None if batch_id is None else FileOfBatch(user_id, batch_id, filename, key)


def _refuse(save: _Save, error: RejectedFile) -> None:
    file = _of_batch(save.upload)
    if file is not None:
        file.refuse(error.code, error.detail)
    with transaction(save.upload.user_id) as session:
        save.end(
            session, UploadState.FAILED, error_code=error.code, error_detail=error.detail[:1000]
        )
    _discard(save.upload)


def _hand_back(save: _Save, **values: Any) -> None:
    try:
        with transaction(save.upload.user_id) as session:
            save.change(session, **values)
    except ImgappError as error:
        log.warning("upload_not_handed_back", extra={"reason": error.code})


def _discard(upload: DirectUpload) -> None:
    """Now, rather than when the row goes, which does it again."""
    try:
        incoming_of(upload).discard([place_of(upload)])
    except ImgappError as error:
        log.warning("upload_left_in_store", extra={"reason": error.code})
