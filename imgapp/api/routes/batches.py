"""`/api/batches`: many pictures at once, sent by a program or fetched from where they are."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BeforeValidator

from imgapp.api.http.auth import require_read, require_upload, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.models import FileOutcome, Viewer
from imgapp.services.batches import batches
from imgapp.services.batches.schemas import (
    BatchEdit,
    BatchFilePage,
    BatchPage,
    BatchPublic,
    NewBatch,
    NewUrls,
)
from imgapp.services.common.idempotency import MAX_KEY_LENGTH
from imgapp.services.common.thread_pools import in_db

router = APIRouter(prefix="/api/batches", tags=["batches"])

EXAMPLE_ID = "019a2f5e-9d10-7a44-8a0b-6a1f0c2e9b31"


def batch_id_in_path(
    batch_id: Annotated[str, Path(examples=[EXAMPLE_ID], json_schema_extra={"format": "uuid"})],
) -> UUID:
    """The id in the path; a malformed one is the id of no batch. Raises NotFound."""
    return parse_id(batch_id)


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
BatchId = Annotated[UUID, Depends(batch_id_in_path)]


async def known_batch(viewer: Writer, batch_id: BatchId) -> UUID:
    """A batch of the caller, before the body is looked at. Raises NotFound."""
    await in_db(batches.require_batch, viewer.user_id, batch_id)
    return batch_id


async def batch_parameter(
    viewer: Annotated[Viewer, Depends(require_upload)],
    batch: Annotated[
        str | None,
        Query(
            description="The batch that the files belong to",
            examples=[EXAMPLE_ID],
            json_schema_extra={"format": "uuid"},
        ),
    ] = None,
) -> UUID | None:
    """The batch that files go to, before they are looked at. Raises NotFound, Conflict."""
    if batch is None:
        return None
    batch_id = parse_id(batch)
    await in_db(batches.require_open, viewer.user_id, batch_id)
    return batch_id


KnownBatch = Annotated[UUID, Depends(known_batch)]
Outcome = Annotated[
    FileOutcome | None,
    BeforeValidator(lambda value: None if value == "" else value),
    Query(description="Only files that came to this"),
]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        description="Sent again with the same body, it gets the first answer",
    ),
]
_URLS = [
    "https://pictures.example.org/harbour.jpg",
    "https://pictures.example.org/ui.gallery.live_bridge.jpg",
]


@router.post(
    "",
    status_code=201,
    response_model=BatchPublic,
    responses=documented(
        400, 409, "idempotency_key_reused", "too_many_batches", "too_many_waiting"
    ),
    openapi_extra=json_body_schema(
        NewBatch,
        {"name": "Spring catalogue", "context": "Product pages of a shoe shop", "urls": _URLS},
    ),
)
async def create_batch(
    viewer: Writer,
    new: Annotated[NewBatch, Depends(json_body(NewBatch))],
    idempotency_key: Key = None,
) -> BatchPublic:
    """Make a batch. Its `urls` are fetched soon after; files go to `POST /api/upload?batch=ID`.

    Whatever comes in with a batch is described after what people upload by hand.
    """
    return await in_db(batches.create_batch, viewer.user_id, new, key=idempotency_key)


@router.get("", response_model=BatchPage, responses=documented("invalid_cursor"))
async def list_batches(viewer: Reader, limit: Limit = PAGE, cursor: Cursor = None) -> BatchPage:
    """Your batches, newest first. They are kept for 90 days after the last change."""
    return await in_db(batches.list_batches, viewer.user_id, limit=limit, cursor=cursor)


@router.get("/{batch_id}", response_model=BatchPublic, responses=documented(404))
async def read_batch(viewer: Reader, batch_id: BatchId) -> BatchPublic:
    """How far a batch is: its files by outcome, its pictures by status.

    `finished_at` is null while something is to be done. Files that are added later make it null
    again.
    """
    return await in_db(batches.get_batch, viewer.user_id, batch_id)


@router.patch(
    "/{batch_id}",
    response_model=BatchPublic,
    responses=documented(404),
    openapi_extra=json_body_schema(BatchEdit, {"context": "Product pages of a shoe shop"}),
)
async def edit_batch(
    viewer: Writer,
    batch_id: KnownBatch,
    edit: Annotated[BatchEdit, Depends(json_body(BatchEdit))],
) -> BatchPublic:
    """Change what a batch is called, and what its pictures are for. That goes for what is analysed
    from now on."""
    return await in_db(batches.edit_batch, viewer.user_id, batch_id, edit)


@router.delete("/{batch_id}", response_model=BatchPublic, responses=documented(404))
async def cancel_batch(viewer: Writer, batch_id: BatchId) -> BatchPublic:
    """Fetch nothing more and take no more files. The pictures that came stay, and so does the list
    of what became of each file."""
    return await in_db(batches.cancel_batch, viewer.user_id, batch_id)


@router.post(
    "/{batch_id}/urls",
    status_code=202,
    response_model=BatchPublic,
    responses=documented(
        400,
        404,
        409,
        "idempotency_key_reused",
        "batch_cancelled",
        "batch_full",
        "too_many_waiting",
    ),
    openapi_extra=json_body_schema(NewUrls, {"urls": _URLS}),
)
async def add_batch_urls(
    viewer: Writer,
    batch_id: KnownBatch,
    new: Annotated[NewUrls, Depends(json_body(NewUrls))],
    idempotency_key: Key = None,
) -> BatchPublic:
    """Have more pictures fetched.

    Servers are asked two files at a time, and left alone when they say so. A file that cannot be
    had now is tried five times within about a quarter of an hour. Private addresses are refused.
    """
    wanted = (viewer.user_id, batch_id, new.urls)
    return await in_db(batches.add_urls, *wanted, key=idempotency_key)


@router.get(
    "/{batch_id}/items",
    response_model=BatchFilePage,
    responses=documented("invalid_cursor", 404),
)
async def list_batch_items(
    viewer: Reader,
    batch_id: BatchId,
    outcome: Outcome = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> BatchFilePage:
    """The files of a batch in the order in which they came, and what became of each."""
    return await in_db(
        batches.list_files, viewer.user_id, batch_id, outcome=outcome, limit=limit, cursor=cursor
    )
