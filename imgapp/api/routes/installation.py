"""`/api/installation`: how pictures are analysed, for everybody. For administrators only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.people import Reader, Writer
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import runtime_settings
from imgapp.services.installation.runtime_settings import InstallationEdit, InstallationPublic

router = APIRouter(prefix="/api/installation", tags=["administration"])

Edit = Annotated[InstallationEdit, Depends(json_body(InstallationEdit))]


@router.get("", responses=documented(404))
async def read_installation(viewer: Reader) -> InstallationPublic:
    """Whether analyses are paused, how fast they may be, models, prices and budgets."""
    return await in_db(runtime_settings.read_installation, viewer.user_id)


@router.patch(
    "",
    responses=documented(404),
    openapi_extra=json_body_schema(
        InstallationEdit, {"max_in_flight": 8, "requests_per_minute": 500}
    ),
)
async def change_installation(viewer: Writer, body: Edit) -> InstallationPublic:
    """Pause and resume, change the pace, models, prices and budgets. It holds at once, for all
    workers; what is under way is finished."""
    return await in_db(runtime_settings.change_installation, viewer.user_id, body)
