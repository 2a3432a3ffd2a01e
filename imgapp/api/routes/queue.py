"""`/api/queue`: what waits, of everybody together. For administrators only."""

from __future__ import annotations

from fastapi import APIRouter

from imgapp.api.http.json_bodies import json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.people import Reader, Writer
from imgapp.api.routes.progress import Again, Retry
from imgapp.services.common.thread_pools import in_bulk, in_db
from imgapp.services.queue import admin_queue
from imgapp.services.queue.admin_queue import QueuePublic
from imgapp.services.queue.progress import Queued

router = APIRouter(prefix="/api/queue", tags=["administration"])


@router.get("", responses=documented(404))
async def read_queue(viewer: Reader) -> QueuePublic:
    """How much waits and since when, what is under way, what holds it up, and what has failed."""
    return await in_db(admin_queue.read_queue, viewer.user_id)


@router.post(
    "/retry",
    status_code=202,
    responses=documented(404),
    openapi_extra=json_body_schema(Retry, {"code": "key_refused"}),
)
async def retry_everybodys_failures(viewer: Writer, body: Again) -> Queued:
    """Try everybody's failed pictures again, for one reason or for any: up to 20,000 at once."""
    return Queued(queued=await in_bulk(admin_queue.retry_failures, viewer.user_id, body.code))
