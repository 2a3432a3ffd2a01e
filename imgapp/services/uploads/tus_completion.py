"""tus completion: makes pictures of uploads all of whose bytes have arrived."""

from __future__ import annotations

import logging
from datetime import timedelta

from imgapp.errors import ImgappError, NotFound, QuotaExceeded, RejectedFile, ServiceUnavailable
from imgapp.services.storage.spool import SpooledFile, spool_link
from imgapp.services.uploads import tus_uploads
from imgapp.services.uploads.ingest import Ingested, ingest
from imgapp.services.uploads.tus_uploads import Receiver, TusResult, Upload
from imgapp.services.uploads.upload_metrics import UploadSource

log = logging.getLogger(__name__)

_LEFT_ALONE = timedelta(seconds=30)
"""A client that comes back finishes its upload itself."""


def finish(receiver: Receiver, source: UploadSource) -> TusResult:
    """Make a picture of what arrived, all of it; a file that is none is refused for good.

    Raises Conflict, DatabaseUnavailable, StoreUnavailable, NotSignedIn: then the bytes are still
    there, and it can be called again.
    """
    upload = receiver.upload
    outcome, _ = _take_in(upload, spool_link(upload.part, upload.filename), source)
    tus_uploads.keep_outcome(upload, outcome)
    return outcome


def finish_whole(
    upload: Upload, spooled: SpooledFile, source: UploadSource
) -> tuple[Upload, Ingested | None]:
    """As `finish`, of what came whole with its announcement; and what was taken in.

    After an error nothing is kept: nobody has learnt its address.
    """
    outcome, taken = _take_in(upload, spooled, source)
    return tus_uploads.keep_whole(upload, outcome), taken


def _take_in(
    upload: Upload, spooled: SpooledFile, source: UploadSource
) -> tuple[TusResult, Ingested | None]:
    try:
        taken = ingest(upload.user_id, spooled, source)
    except RejectedFile as error:
        full = isinstance(error, QuotaExceeded)
        return TusResult(code=error.code, detail=error.detail, full=full), None
    return TusResult(image_id=taken.image_id, duplicate=taken.duplicate), taken


def finish_left_behind() -> int:
    """Finish uploads whose last byte arrived before a process was killed; returns how many.

    Raises DatabaseUnavailable, StoreUnavailable.
    """
    finished = 0
    for upload in tus_uploads.left_whole(_LEFT_ALONE):
        try:
            receiver = tus_uploads.try_to_receive(upload)
        except NotFound:
            continue
        if receiver is None:
            continue
        try:
            finish(receiver, "page")
            finished += 1
        except ServiceUnavailable:
            raise
        except ImgappError as error:
            log.info("upload_not_finished", extra={"code": error.code})
        finally:
            receiver.close()
    return finished
