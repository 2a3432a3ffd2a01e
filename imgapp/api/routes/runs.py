"""`/api/runs`: many pictures analysed again; `/api/models`: by which models."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BeforeValidator

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.batches import Key
from imgapp.api.routes.images import PAGE, Cursor, Limit
from imgapp.models import RunOutcome, Viewer
from imgapp.services.analysis import runs
from imgapp.services.analysis.run_schemas import (
    NewRun,
    RunItemPage,
    RunPage,
    RunPreview,
    RunPublic,
)
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.installation import vision_models
from imgapp.services.installation.vision_models import VisionModels

router = APIRouter(prefix="/api", tags=["analyses"])


def run_id_in_path(run_id: Annotated[str, Path()]) -> UUID:
    """The id in the path; a malformed one is the id of no run. Raises NotFound."""
    return parse_id(run_id)


Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
RunId = Annotated[UUID, Depends(run_id_in_path)]
Body = Annotated[NewRun, Depends(json_body(NewRun))]
Outcome = Annotated[
    RunOutcome | None,
    BeforeValidator(lambda value: None if value == "" else value),
    Query(description="Only pictures that came to this"),
]
_UPGRADE = {"filter": {"model_version": "basic-1"}}


@router.get("/models")
async def list_models(viewer: Reader) -> VisionModels:  # noqa: ARG001
    """The vision models that may be named where a picture is analysed again."""
    return await in_db(vision_models.offered)


@router.post(
    "/runs",
    status_code=201,
    response_model=RunPublic,
    responses=documented(400, 404, 409, "unknown_model", "too_many_runs", "idempotency_key_reused"),
    openapi_extra=json_body_schema(NewRun, _UPGRADE | {"detail": "detailed"}),
)
async def create_run(viewer: Writer, new: Body, idempotency_key: Key = None) -> RunPublic:
    """Analyse many pictures again: some by their ids, or all that match a filter.

    They wait behind what people do by hand, and keep their texts until there are new ones. What a
    person wrote stays. An answer to the same question is taken again and costs nothing, unless
    `reuse` is false.
    """
    return await in_io(runs.create_run, viewer.user_id, new, key=idempotency_key)


@router.post(
    "/runs/preview",
    response_model=RunPreview,
    responses=documented(400, 404, "unknown_model"),
    openapi_extra=json_body_schema(NewRun, _UPGRADE),
)
async def preview_run(viewer: Writer, new: Body) -> RunPreview:
    """How many pictures such a run would analyse, and what that takes. Changes nothing."""
    return await in_db(runs.preview_run, viewer.user_id, new)


@router.get("/runs", response_model=RunPage, responses=documented("invalid_cursor"))
async def list_runs(viewer: Reader, limit: Limit = PAGE, cursor: Cursor = None) -> RunPage:
    """Your runs, newest first. They are kept for 90 days after their end."""
    return await in_db(runs.list_runs, viewer.user_id, limit=limit, cursor=cursor)


@router.get("/runs/{run_id}", response_model=RunPublic, responses=documented(404))
async def read_run(viewer: Reader, run_id: RunId) -> RunPublic:
    """How far a run is: its pictures by what they came to."""
    return await in_db(runs.get_run, viewer.user_id, run_id)


@router.delete("/runs/{run_id}", response_model=RunPublic, responses=documented(404))
async def cancel_run(viewer: Writer, run_id: RunId) -> RunPublic:
    """Analyse no more of its pictures. Those that wait are again what they were; the few that are
    being analysed are finished."""
    return await in_io(runs.cancel_run, viewer.user_id, run_id)


@router.get(
    "/runs/{run_id}/items", response_model=RunItemPage, responses=documented("invalid_cursor", 404)
)
async def list_run_items(
    viewer: Reader,
    run_id: RunId,
    outcome: Outcome = None,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> RunItemPage:
    """The pictures of a run, newest first, and what became of each."""
    return await in_db(
        runs.list_items, viewer.user_id, run_id, outcome=outcome, limit=limit, cursor=cursor
    )
