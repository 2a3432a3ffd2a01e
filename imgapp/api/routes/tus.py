"""`/api/tus`: pictures in pieces, by the tus protocol: a lost connection costs what was under way.

Not in the OpenAPI document, which cannot say what https://tus.io/protocols/resumable-upload does.
"""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from imgapp.api.http import tus_protocol as tus
from imgapp.api.http.auth import require_upload, require_write
from imgapp.api.http.problems import problem_response
from imgapp.api.http.tus_bodies import receive
from imgapp.api.http.upload_bodies import read_body
from imgapp.api.http.upload_slots import upload_turn
from imgapp.api.routes.direct_uploads import UploadId
from imgapp.api.routes.uploads import RejectedUpload, UploadResponse, pictures_of
from imgapp.errors import FileTooLarge, NotFound, QuotaExceeded, RejectedFile
from imgapp.models import Viewer
from imgapp.services.common.thread_pools import in_io
from imgapp.services.storage.filenames import shown_name
from imgapp.services.storage.spool import SpoolWriter
from imgapp.services.uploads import tus_completion, tus_uploads, upload_metrics
from imgapp.services.uploads.ingest import Ingested
from imgapp.services.uploads.tus_uploads import Receiver, TusResult, Upload
from imgapp.settings import get_settings

router = APIRouter(prefix=tus.PREFIX, include_in_schema=False)

PATIENCE_SECONDS = 20.0
"""So long a request waits for the one before it on the same upload: to notice that its client is
gone, or to save the picture."""
_LOOK_AGAIN_SECONDS = 0.1

Sender = Annotated[Viewer, Depends(require_upload)]
Writer = Annotated[Viewer, Depends(require_write)]


async def known_upload(viewer: Writer, upload_id: UploadId, request: Request) -> Upload:
    """An upload of the caller, before anything else is looked at. Raises NotFound."""
    upload = await in_io(tus_uploads.fetch, viewer.user_id, upload_id)
    if request.method != "GET":
        tus.check_version(request)
    return upload


Known = Annotated[Upload, Depends(known_upload)]


@router.post("")
async def create_upload(request: Request, viewer: Sender) -> Response:
    """Announce a file, with its first bytes or all of them if they fit into one request."""
    tus.check_version(request)
    size = tus.number(request, "Upload-Length")
    metadata = request.headers.get("upload-metadata", "")
    filename = tus.filename_of(metadata)
    with_bytes = request.headers.get("content-type") == tus.MEDIA_TYPE
    if with_bytes:
        tus.check_body(request)
        _check_room(request, size)
        most = get_settings().max_upload_bytes
        if tus.content_length(request) == size and 0 < size <= most:
            return await _take_whole(request, viewer, filename, size, metadata)
    async with upload_turn(viewer.user_id):
        try:
            upload = await in_io(tus_uploads.create, viewer.user_id, filename, size, metadata)
        except FileTooLarge as error:
            upload_metrics.upload_refused(upload_metrics.source_of(viewer), error.code)
            raise HTTPException(413, error.detail) from None
        try:
            receiver = await _begin(upload)
            assert receiver is not None, "nobody else knows it"
            return await _take(request, viewer, receiver, created=True, with_bytes=with_bytes)
        except BaseException:
            # Nobody has learnt its address.
            await in_io(tus_uploads.remove, upload)
            raise


@router.head("/{upload_id}")
async def read_offset(upload: Known) -> Response:
    """How much has arrived. Whoever asks while another request is being read ends that one: the
    client lost its connection, and the server did not notice yet."""
    if upload.outcome is None and await in_io(tus_uploads.arrived, upload) < upload.size:
        await _end(await _begin(upload, want=True))
        upload = await in_io(tus_uploads.fetch, upload.user_id, upload.id)
    return Response(headers=await in_io(_headers, upload))


@router.get("/{upload_id}")
async def read_result(viewer: Writer, upload: Known) -> Response:
    """What became of an upload, as POST /api/upload answers; empty lists while it is open."""
    outcome = upload.outcome
    if outcome is None and await in_io(tus_uploads.arrived, upload) == upload.size:
        outcome = await _finish_left(viewer, upload)
    body = {"images": [], "rejected": []} if outcome is None else await _body(upload, outcome)
    return JSONResponse(body, headers=await in_io(_headers, upload))


@router.patch("/{upload_id}")
async def append_bytes(request: Request, viewer: Writer, upload: Known) -> Response:
    """The next bytes. With the last ones it becomes a picture, or is refused with the reason.

    204; with `Prefer: return=representation`, 200 and what became of it.
    """
    tus.check_body(request)
    offset = tus.number(request, "Upload-Offset")
    arrived = await in_io(tus_uploads.arrived, upload)
    if offset != arrived:
        return _conflict(request, arrived)
    if upload.outcome is not None:
        return await _answer(request, upload, upload.outcome)
    _check_room(request, upload.size - offset)
    async with upload_turn(viewer.user_id):
        receiver = await _begin(upload)
        if receiver is None or receiver.offset != offset:
            await _end(receiver)
            return _conflict(request, await in_io(tus_uploads.arrived, upload))
        return await _take(request, viewer, receiver)


@router.delete("/{upload_id}")
async def cancel_resumable_upload(upload: Known) -> Response:
    """Give an upload up. What arrived is removed; a picture that it became stays."""
    if upload.outcome is None:
        await _end(await _begin(upload, want=True))
    await in_io(tus_uploads.remove, upload)
    return Response(status_code=204)


async def _begin(upload: Upload, *, want: bool = False) -> Receiver | None:
    """Become the one who writes; None if the upload ended since.

    Raises 423 while somebody else writes, NotFound if it was cancelled since.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            receiver = await in_io(tus_uploads.try_to_receive, upload, want=want)
        except NotFound:
            await in_io(tus_uploads.arrived_or_gone, upload)
            return None
        if receiver is not None:
            return receiver
        if time.monotonic() > deadline:
            raise HTTPException(423, "Another request writes to this upload")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _end(receiver: Receiver | None) -> None:
    if receiver is not None:
        await in_io(receiver.close)


async def _take(
    request: Request,
    viewer: Viewer,
    receiver: Receiver,
    *,
    created: bool = False,
    with_bytes: bool = True,
) -> Response:
    """Receive what the request carries, and finish what is whole then."""
    upload = receiver.upload
    try:
        if with_bytes:
            await receive(request, receiver)
        outcome = await _finish(viewer, receiver) if not receiver.missing else None
    finally:
        await in_io(receiver.close)
    return await _answer(request, upload, outcome, created=created)


async def _take_whole(
    request: Request, viewer: Viewer, filename: str, size: int, metadata: str
) -> Response:
    """Take in a file that comes whole with its announcement: nobody could go on with a part."""
    async with upload_turn(viewer.user_id):
        writer = await in_io(SpoolWriter, filename)
        try:
            await read_body(request, writer.write, size)
            if writer.size != size:
                raise HTTPException(400, "Fewer bytes came than were announced")
        except BaseException:
            await in_io(writer.discard)
            raise
        upload = tus_uploads.announced(viewer.user_id, filename, size, metadata)
        source = upload_metrics.source_of(viewer)
        ended, taken = await in_io(tus_completion.finish_whole, upload, writer.finish(), source)
    return await _answer(request, ended, ended.outcome, created=True, taken=taken)


async def _finish_left(viewer: Viewer, upload: Upload) -> TusResult | None:
    """The outcome of what was left whole, by a process that was killed or a store that was away."""
    receiver = await _begin(upload)
    if receiver is None:
        return (await in_io(tus_uploads.fetch, upload.user_id, upload.id)).outcome
    try:
        async with upload_turn(viewer.user_id):
            return await _finish(viewer, receiver)
    finally:
        await _end(receiver)


async def _finish(viewer: Viewer, receiver: Receiver) -> TusResult:
    return await in_io(tus_completion.finish, receiver, upload_metrics.source_of(viewer))


async def _answer(
    request: Request,
    upload: Upload,
    outcome: TusResult | None,
    *,
    created: bool = False,
    taken: Ingested | None = None,
) -> Response:
    headers = await in_io(_headers, upload)
    if created:
        headers["Location"] = f"{tus.PREFIX}/{upload.id}"
    if outcome is not None and outcome.image_id is None:
        return _refusal(request, upload, outcome)
    wanted = "return=representation" in request.headers.get("prefer", "")
    if outcome is None or not (created or wanted):
        return Response(status_code=201 if created else 204, headers=headers)
    body = await _body(upload, outcome, taken)
    return JSONResponse(body, 201 if created else 200, headers=headers)


async def _body(
    upload: Upload, outcome: TusResult, taken: Ingested | None = None
) -> dict[str, Any]:
    if outcome.image_id is None:
        return UploadResponse(images=[], rejected=[_rejected(upload, outcome)]).model_dump(
            mode="json"
        )
    if taken is None:
        taken = Ingested(UUID(str(outcome.image_id)), outcome.duplicate)
    shown = await pictures_of(upload.user_id, [taken])
    return UploadResponse(images=shown, rejected=[]).model_dump(mode="json")


def _rejected(upload: Upload, outcome: TusResult) -> RejectedUpload:
    filename = shown_name(upload.filename)
    return RejectedUpload(filename=filename, code=outcome.code, detail=outcome.detail)


def _refusal(request: Request, upload: Upload, outcome: TusResult) -> Response:
    kind = QuotaExceeded if outcome.full else RejectedFile
    members: dict[str, Any] = {"images": [], "rejected": [_rejected(upload, outcome).model_dump()]}
    return problem_response(
        request.scope, kind.status, code=kind.code, detail=outcome.detail, **members
    )


def _headers(upload: Upload) -> dict[str, str]:
    headers = {
        "Upload-Offset": str(tus_uploads.arrived(upload)),
        "Upload-Length": str(upload.size),
        "Upload-Expires": tus.http_date(tus_uploads.expires_at(upload)),
    }
    return headers | ({"Upload-Metadata": upload.metadata} if upload.metadata else {})


def _check_room(request: Request, room: int) -> None:
    if (tus.content_length(request) or 0) > room:
        raise HTTPException(413, "More bytes come than were announced")


def _conflict(request: Request, arrived: int) -> Response:
    return problem_response(
        request.scope,
        409,
        code="offset_mismatch",
        detail=f"{arrived:,} bytes have arrived: go on from there.",
        headers={"Upload-Offset": str(arrived)},
    )
