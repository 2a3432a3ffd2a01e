"""`/api/installation`: how pictures are analysed, for everybody. For administrators only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from imgapp.api.bodies import json_body, json_body_schema
from imgapp.api.people import Reader, Writer
from imgapp.api.problems import documented
from imgapp.services import installation
from imgapp.services.installation import InstallationEdit, InstallationPublic
from imgapp.services.pools import in_db

router = APIRouter(prefix="/api/installation", tags=["administration"])

Edit = Annotated[InstallationEdit, Depends(json_body(InstallationEdit))]


@router.get("", responses=documented(404))
async def read_installation(viewer: Reader) -> InstallationPublic:
    """Whether analyses are paused, how fast they may be, models, prices and budgets."""
    return await in_db(installation.read_installation, viewer.user_id)


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
    return await in_db(installation.change_installation, viewer.user_id, body)
