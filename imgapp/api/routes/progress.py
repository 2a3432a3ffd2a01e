"""`/api/progress`: how far one's own pictures are, what has failed, and trying it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.models import Viewer
from imgapp.services.common.thread_pools import in_bulk, in_db
from imgapp.services.queue import progress
from imgapp.services.queue.progress import FailurePage, ProgressPublic, Queued

router = APIRouter(prefix="/api/progress", tags=["images"])

Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
CODE_LENGTH = 100
Code = Annotated[
    Annotated[str, StringConstraints(max_length=CODE_LENGTH)] | None,
    BeforeValidator(lambda value: None if value == "" else value),
    Query(description="For one reason: the `code` of the error"),
]


class Retry(BaseModel):
    """What is tried again: what failed for one reason, or all."""

    model_config = ConfigDict(extra="forbid")

    code: str | None = Field(None, max_length=CODE_LENGTH)


Again = Annotated[Retry, Depends(json_body(Retry))]


@router.get("", responses=documented())
async def read_progress(viewer: Reader) -> ProgressPublic:
    """How many of your pictures are done, how many wait and for what, and how many have failed."""
    return await in_db(progress.read_progress, viewer.user_id)


@router.get("/failures", responses=documented("invalid_cursor"))
async def list_failures(
    viewer: Reader, code: Code = None, limit: Limit = PAGE, cursor: Cursor = None
) -> FailurePage:
    """Your pictures that could not be described, with reason and attempts, the latest first."""
    return await in_db(
        progress.list_failures, viewer.user_id, code=code, limit=limit, cursor=cursor
    )


@router.post(
    "/retry",
    status_code=202,
    responses=documented(),
    openapi_extra=json_body_schema(Retry, {"code": "model_timeout"}),
)
async def retry_failures(viewer: Writer, body: Again) -> Queued:
    """Try your failed pictures again, for one reason or for any: up to 20,000 at once."""
    return Queued(queued=await in_bulk(progress.retry_failed, viewer.user_id, body.code))
