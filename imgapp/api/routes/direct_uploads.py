"""`/api/uploads`: pictures whose bytes go straight to the bucket, and never through here."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from imgapp.api.http.auth import require_read, require_upload, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented, problem_response
from imgapp.api.http.upload_slots import upload_turn
from imgapp.api.routes.uploads import RejectedUpload, UploadResponse
from imgapp.errors import Conflict, NotFound, QuotaExceeded, RejectedFile
from imgapp.models import ImagePublic, Viewer
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.library import images
from imgapp.services.uploads import s3_completion, s3_uploads
from imgapp.services.uploads.ingest import Ingested
from imgapp.services.uploads.s3_uploads import NewUpload, PartNumbers, UploadRequests, UploadStatus

router = APIRouter(prefix="/api/uploads", tags=["direct uploads"])

EXAMPLE_ID = "019a2f5e-5b20-7c31-8f4e-1d2c3b4a5f60"

PATIENCE_SECONDS = 30.0
"""So long an answer waits for another process that saves the same upload, or was killed at it."""
_LOOK_AGAIN_SECONDS = 0.3


def upload_id_in_path(
    upload_id: Annotated[str, Path(examples=[EXAMPLE_ID], json_schema_extra={"format": "uuid"})],
) -> UUID:
    """The id in the path; a malformed one is the id of no upload. Raises NotFound."""
    return parse_id(upload_id)


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
Sender = Annotated[Viewer, Depends(require_upload)]
UploadId = Annotated[UUID, Depends(upload_id_in_path)]


async def known_upload(viewer: Writer, upload_id: UploadId) -> UUID:
    """An upload of the caller, before the body is looked at. Raises NotFound."""
    await in_db(s3_uploads.fetch, viewer.user_id, upload_id)
    return upload_id


KnownUpload = Annotated[UUID, Depends(known_upload)]


@router.post(
    "",
    status_code=201,
    response_model=UploadRequests,
    responses={
        200: {"model": ImagePublic, "description": "You have these bytes already: the picture"},
        **documented(
            "not_found",
            "request_too_large",
            "unsupported_media_type",
            "validation_failed",
            "too_large",
            "direct_uploads_unavailable",
            "too_many_uploads",
            "batch_cancelled",
            "batch_full",
            "store_unavailable",
            "quota_exceeded",
        ),
    },
    openapi_extra=json_body_schema(
        NewUpload, {"filename": "harbour.jpg", "size": 2_104_332, "content_type": "image/jpeg"}
    ),
)
async def begin_upload(
    viewer: Sender, new: Annotated[NewUpload, Depends(json_body(NewUpload))]
) -> Response:
    """Announce a file, and learn where to send it: 16 MB at most in one request, more in parts.

    Send exactly so many bytes, then complete the upload. With its SHA-256, a file that you have
    already is answered with its picture (200), out of the trash if it was there.
    """
    known = await in_io(s3_completion.known_picture, viewer.user_id, new)
    if known is not None:
        picture = await _picture(viewer.user_id, known)
        return JSONResponse(picture.model_dump(mode="json"), 200)
    begun = await in_io(s3_uploads.begin, viewer.user_id, new)
    return JSONResponse(begun.model_dump(mode="json"), 201)


@router.get(
    "/{upload_id}",
    response_model=UploadStatus,
    responses=documented("not_found", "store_unavailable"),
)
async def read_upload(viewer: Reader, upload_id: UploadId) -> UploadStatus:
    """Where an upload is, and which of its parts have arrived: what is missing is sent again."""
    return await in_io(s3_uploads.get_upload, viewer.user_id, upload_id)


@router.post(
    "/{upload_id}/parts",
    response_model=UploadRequests,
    responses=documented(
        "invalid_part",
        "not_found",
        "upload_ended",
        "request_too_large",
        "unsupported_media_type",
        "validation_failed",
        "store_unavailable",
    ),
    openapi_extra=json_body_schema(PartNumbers, {"numbers": [1, 2]}),
)
async def request_parts(
    viewer: Writer,
    upload_id: KnownUpload,
    body: Annotated[PartNumbers, Depends(json_body(PartNumbers))],
) -> UploadRequests:
    """New addresses for parts, once the first ones have expired. A single request is part 1."""
    return await in_io(s3_uploads.request_parts, viewer.user_id, upload_id, body.numbers)


@router.post(
    "/{upload_id}/complete",
    status_code=202,
    response_model=UploadResponse,
    responses=documented(
        "not_found",
        "upload_incomplete",
        "upload_being_saved",
        "conflict",
        "rejected",
        "store_unavailable",
        "quota_exceeded",
    ),
)
async def complete_upload(request: Request, viewer: Writer, upload_id: UploadId) -> Response:
    """Say that all bytes are sent. What arrived is checked, and answered as POST /api/upload does.

    Called again, it answers the same: do that when the answer was lost.
    """
    upload = await in_db(s3_uploads.fetch, viewer.user_id, upload_id)
    async with upload_turn(viewer.user_id):
        try:
            taken = await _complete(viewer.user_id, upload_id)
        except RejectedFile as error:
            return _refusal(request, upload.filename, error)
    picture = await _picture(viewer.user_id, taken)
    body = UploadResponse(images=[picture], rejected=[]).model_dump(mode="json")
    return JSONResponse(body, 202)


@router.delete(
    "/{upload_id}",
    status_code=204,
    responses=documented("not_found", "upload_being_saved", "store_unavailable"),
)
async def cancel_upload(viewer: Writer, upload_id: UploadId) -> Response:
    """Give an upload up. What arrived is removed; a picture that it became stays."""
    await in_io(s3_uploads.cancel, viewer.user_id, upload_id)
    return Response(status_code=204)


async def _complete(user_id: UUID, upload_id: UUID) -> Ingested:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await in_io(s3_completion.complete, user_id, upload_id)
        except Conflict as error:
            if error.code != s3_uploads.BEING_SAVED or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


async def _picture(user_id: UUID, taken: Ingested) -> ImagePublic:
    found = await in_db(images.public_images, user_id, [taken.image_id])
    if not found:
        raise NotFound("The picture was deleted since.")
    return found[0].model_copy(update={"duplicate": taken.duplicate})


def _refusal(request: Request, filename: str, error: RejectedFile) -> Response:
    full = isinstance(error, QuotaExceeded)
    rejected = RejectedUpload(filename=filename, code=error.code, detail=error.detail)
    members: dict[str, Any] = {"images": [], "rejected": [rejected.model_dump()]}
    return problem_response(
        request.scope,
        error.status if full else RejectedFile.status,
        code=error.code if full else RejectedFile.code,
        detail=error.detail,
        **members,
    )
