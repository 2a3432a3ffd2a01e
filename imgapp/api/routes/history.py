"""`/api/images/{id}`: what was said of a picture before, and what is made of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from imgapp.api.http.entity_tags import IfMatch, required_tags
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, ImageId, KnownImage, Limit, Reader, Writer
from imgapp.models import AnalysesPage, ImagePublic
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import history
from imgapp.services.library.entity_tags import Versioned
from imgapp.services.library.history import Restoration, Suggestions, TextFields

router = APIRouter(prefix="/api/images/{image_id}", tags=["images"])

Wanted = Annotated[TextFields, Depends(json_body(TextFields))]
_FIELDS = json_body_schema(TextFields, {"fields": ["alt_text"]})
_CHANGED: Any = {"response_model": ImagePublic, "responses": documented(404, 412)}
_ANALYSIS_ID = "019a2f5e-9b02-7d6e-a1f7-4c8e2d5b7f90"


@router.get("/analyses", response_model=AnalysesPage, responses=documented("invalid_cursor", 404))
async def list_analyses(
    viewer: Reader, image_id: ImageId, limit: Limit = PAGE, cursor: Cursor = None
) -> AnalysesPage:
    """What describers said of a picture, newest first; `differs` names the texts in which the
    picture says something else now."""
    return await in_db(history.list_analyses, viewer.user_id, image_id, limit=limit, cursor=cursor)


@router.get("/suggestions", response_model=Suggestions, responses=documented(404))
async def list_suggestions(viewer: Reader, image_id: ImageId) -> Suggestions:
    """Texts that a person wrote and of which the newest analysis says something else.

    `POST …/release` uses what is suggested, `POST …/keep` keeps what is there.
    """
    return await in_db(history.suggestions, viewer.user_id, image_id)


@router.post(
    "/restore",
    openapi_extra=json_body_schema(
        Restoration, {"analysis_id": _ANALYSIS_ID, "fields": ["description"]}
    ),
    **_CHANGED,
)
async def restore_texts(
    viewer: Writer,
    image_id: KnownImage,
    wanted: Annotated[Restoration, Depends(json_body(Restoration))],
    response: Response,
    if_match: IfMatch = None,
) -> ImagePublic:
    """Take texts from an analysis in the history. They are the person's from then on, and no model
    overwrites them, unless they are from the newest one."""
    required = required_tags(if_match)
    changed = await in_db(history.restore, viewer.user_id, image_id, wanted, required=required)
    return _tagged(changed, response)


@router.post("/release", openapi_extra=_FIELDS, **_CHANGED)
async def release_texts(
    viewer: Writer,
    image_id: KnownImage,
    wanted: Wanted,
    response: Response,
    if_match: IfMatch = None,
) -> ImagePublic:
    """Let models write these texts again: what the newest analysis says is used at once, and later
    ones replace it."""
    required = required_tags(if_match)
    changed = await in_db(
        history.release, viewer.user_id, image_id, wanted.fields, required=required
    )
    return _tagged(changed, response)


@router.post("/keep", openapi_extra=_FIELDS, **_CHANGED)
async def keep_texts(
    viewer: Writer,
    image_id: KnownImage,
    wanted: Wanted,
    response: Response,
    if_match: IfMatch = None,
) -> ImagePublic:
    """Keep what a person wrote: what the newest analysis says instead is not suggested again."""
    required = required_tags(if_match)
    changed = await in_db(history.keep, viewer.user_id, image_id, wanted.fields, required=required)
    return _tagged(changed, response)


def _tagged(changed: Versioned[ImagePublic], response: Response) -> ImagePublic:
    response.headers["ETag"] = f'"{changed.tag}"'
    return changed.value
