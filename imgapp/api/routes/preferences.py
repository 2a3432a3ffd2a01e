"""`/api/preferences`: what the caller says of all their pictures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.models import Viewer
from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesEdit, PreferencesPublic
from imgapp.services.common.thread_pools import in_db

router = APIRouter(prefix="/api/preferences", tags=["descriptions"])

Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
_EXAMPLE: dict[str, Any] = {
    "language": "de",
    "context": "Product pages of a shoe shop",
    "vocabulary": ["sandal", "boot"],
}


@router.get("")
async def read_preferences(viewer: Reader) -> PreferencesPublic:
    """The language and purpose of your texts, your own words, and what is not to be done."""
    return await in_db(preferences.get_preferences, viewer.user_id)


@router.patch(
    "",
    responses=documented("unknown_language"),
    openapi_extra=json_body_schema(PreferencesEdit, _EXAMPLE),
)
async def change_preferences(
    viewer: Writer, body: Annotated[PreferencesEdit, Depends(json_body(PreferencesEdit))]
) -> PreferencesPublic:
    """Say something else: it goes for what is analysed from now on. Describe pictures again to have
    it in their texts.

    `paused` holds your own pictures back at once. With `never_cloud` they are described by what
    imgapp measures itself, unless the operator says that the model is their own
    (`IMGAPP_VISION_LOCAL`).
    """
    return await in_db(preferences.change_preferences, viewer.user_id, body)
