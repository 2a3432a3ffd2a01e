"""`POST /api/upload`: files in, pictures out. Nothing here waits for an analysis."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from imgapp.api.http.auth import require_upload
from imgapp.api.http.multipart import MAX_FILES, FilesReader, TooLarge
from imgapp.api.http.problems import documented, problem_response
from imgapp.api.http.upload_bodies import read_body
from imgapp.api.http.upload_slots import upload_turn
from imgapp.api.routes.batches import batch_parameter
from imgapp.errors import FileTooLarge, QuotaExceeded, RejectedFile
from imgapp.models import ImagePublic, Viewer
from imgapp.services.common import idempotency
from imgapp.services.common.idempotency import MAX_KEY_LENGTH, StoredResponse
from imgapp.services.common.thread_pools import in_bulk, in_db, in_io
from imgapp.services.library import images
from imgapp.services.storage.filenames import shown_name
from imgapp.services.storage.spool import SpooledFile
from imgapp.services.uploads import upload_metrics
from imgapp.services.uploads.batch_intake import Intake
from imgapp.services.uploads.ingest import Ingested
from imgapp.settings import get_settings

router = APIRouter(tags=["images"])

_MOST_BYTES = 2 * 1024**3
_INGESTS_AT_ONCE = 4


class RejectedUpload(BaseModel):
    """A file that did not become a picture. `detail` is a sentence for people."""

    filename: str
    code: str
    detail: str


class UploadResponse(BaseModel):
    """Every file is in one of the lists, in the order in which it was sent."""

    images: list[ImagePublic]
    rejected: list[RejectedUpload]


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MAX_FILES,
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}

Writer = Annotated[Viewer, Depends(require_upload)]
Batch = Annotated[UUID | None, Depends(batch_parameter)]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        description="Sent again with the same files, it gets the first answer",
    ),
]


@router.post(
    "/api/upload",
    status_code=202,
    response_model=UploadResponse,
    responses=documented(
        400,
        409,
        "idempotency_key_reused",
        "batch_cancelled",
        "batch_full",
        404,
        "rejected",
        "store_unavailable",
        507,
    ),
    openapi_extra=_BODY,
)
async def upload_images(
    request: Request, viewer: Writer, batch_id: Batch, idempotency_key: Key = None
) -> Response:
    """Upload pictures. They can be seen at once and are described soon after.

    A file that you uploaded before is the picture that you have, with `duplicate` set. If all
    files are rejected, the answer is 422 with the same lists; 507 if you store as much as you may.
    With a `batch`, its status counts the files, and they are described after other uploads.
    """
    intake = Intake(viewer.user_id, upload_metrics.source_of(viewer), batch_id)
    async with upload_turn(viewer.user_id, bulk=batch_id is not None):
        reader = await _receive(request)
        try:
            answer = await _answer_once(intake, reader, idempotency_key)
        finally:
            await in_io(reader.discard)
    if answer.status_code == 202:
        return JSONResponse(answer.body, 202)
    return problem_response(
        request.scope, answer.status_code, **{"code": RejectedFile.code, **answer.body}
    )


async def _receive(request: Request) -> FilesReader:
    """Spool the body. Raises InvalidRequest, StoreUnavailable, ClientDisconnect."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "Compressed bodies are not taken")
    reader = FilesReader(request.headers.get("content-type"))
    try:
        most = max(_MOST_BYTES, 2 * get_settings().max_upload_bytes)
        await read_body(request, reader.feed, most)
        await in_io(reader.finish)
    except BaseException:
        await in_io(reader.discard)
        raise
    return reader


async def _answer_once(intake: Intake, reader: FilesReader, key: str | None) -> StoredResponse:
    user_id = intake.user_id
    if key is None:
        return await _answer(intake, reader)
    known = await in_db(idempotency.begin, user_id, key, _fingerprint(intake, reader))
    if known is not None:
        return await in_db(_with_fresh_links, user_id, known)
    try:
        answer = await _answer(intake, reader)
    except BaseException:
        await in_db(idempotency.abandon, user_id, key)
        raise
    await in_db(idempotency.finish, user_id, key, answer)
    return answer


def _fingerprint(intake: Intake, reader: FilesReader) -> str:
    files = [
        [file.filename, file.sha256 if isinstance(file, SpooledFile) else "too large"]
        for file in reader.files
    ]
    return hashlib.sha256(json.dumps([str(intake.batch_id), files]).encode()).hexdigest()


def _with_fresh_links(user_id: UUID, answer: StoredResponse) -> StoredResponse:
    ids = [UUID(image["id"]) for image in answer.body["images"]]
    fresh = {str(image.id): image for image in images.public_images(user_id, ids)}
    for image in answer.body["images"]:
        if image["id"] in fresh:
            image["urls"] = fresh[image["id"]].urls.model_dump()
    return answer


async def _answer(intake: Intake, reader: FilesReader) -> StoredResponse:
    outcomes = await _ingest_all(intake, reader.files)
    taken = [outcome for outcome in outcomes if isinstance(outcome, Ingested)]
    body = UploadResponse(
        images=await pictures_of(intake.user_id, taken),
        rejected=[outcome for outcome in outcomes if isinstance(outcome, RejectedUpload)],
    ).model_dump(mode="json")
    if taken:
        return StoredResponse(202, body)
    return _refused(body)


async def pictures_of(user_id: UUID, taken: list[Ingested]) -> list[ImagePublic]:
    """What was just taken in, as answers show it."""
    if all(one.added is not None for one in taken):
        return images.taken_in(user_id, taken)  # asks nobody
    return await in_db(images.taken_in, user_id, taken)


def _refused(body: dict[str, Any]) -> StoredResponse:
    rejected = body["rejected"]
    full = all(one["code"] == QuotaExceeded.code for one in rejected)
    said = {"code": QuotaExceeded.code if full else RejectedFile.code, "detail": _why(rejected)}
    return StoredResponse(QuotaExceeded.status if full else RejectedFile.status, body | said)


def _why(rejected: list[dict[str, Any]]) -> str:
    if len(rejected) == 1:
        return str(rejected[0]["detail"])
    return f"None of the {len(rejected)} files was accepted."


async def _ingest_all(
    intake: Intake, files: list[SpooledFile | TooLarge]
) -> list[Ingested | RejectedUpload]:
    """Ingest several at a time; what is in the request twice, after its first copy."""
    turns = asyncio.Semaphore(_INGESTS_AT_ONCE)
    tasks: dict[str, asyncio.Task[Ingested | RejectedUpload]] = {}
    ordered = []
    for number, file in enumerate(files):
        content = file.sha256 if isinstance(file, SpooledFile) else f"too large {number}"
        tasks[content] = asyncio.create_task(_ingest(intake, file, turns, tasks.get(content)))
        ordered.append(tasks[content])
    # All of them end before an error does: none may work on a spool that is being cleared.
    await asyncio.wait(ordered)
    return await asyncio.gather(*ordered)


async def _ingest(
    intake: Intake,
    file: SpooledFile | TooLarge,
    turns: asyncio.Semaphore,
    first: asyncio.Task[Ingested | RejectedUpload] | None,
) -> Ingested | RejectedUpload:
    if isinstance(file, TooLarge):
        upload_metrics.upload_refused(intake.source, FileTooLarge.code)
        return await _reject(intake, file.filename, FileTooLarge.code, file.detail)
    if first is not None:
        await asyncio.wait([first])
    try:
        async with turns:
            take_turns = in_io if intake.batch_id is None else in_bulk
            return await take_turns(intake.add, file)
    except RejectedFile as error:
        return await _reject(intake, file.filename, error.code, error.detail)


async def _reject(intake: Intake, filename: str, code: str, detail: str) -> RejectedUpload:
    await in_db(intake.refuse, filename, code, detail)
    return RejectedUpload(filename=shown_name(filename), code=code, detail=detail)
