"""`/api/queue`: what waits, of everybody together. For administrators only."""

from __future__ import annotations

from fastapi import APIRouter

from imgapp.api.bodies import json_body_schema
from imgapp.api.people import Reader, Writer
from imgapp.api.problems import documented
from imgapp.api.progress import Again, Retry
from imgapp.services import queues
from imgapp.services.pools import in_bulk, in_db
from imgapp.services.progress import Queued
from imgapp.services.queues import QueuePublic

router = APIRouter(prefix="/api/queue", tags=["administration"])


@router.get("", responses=documented(404))
async def read_queue(viewer: Reader) -> QueuePublic:
    """How much waits and since when, what is under way, what holds it up, and what has failed."""
    return await in_db(queues.read_queue, viewer.user_id)


@router.post(
    "/retry",
    status_code=202,
    responses=documented(404),
    openapi_extra=json_body_schema(Retry, {"code": "key_refused"}),
)
async def retry_everybodys_failures(viewer: Writer, body: Again) -> Queued:
    """Try everybody's failed pictures again, for one reason or for any: up to 20,000 at once."""
    return Queued(queued=await in_bulk(queues.retry_failures, viewer.user_id, body.code))
