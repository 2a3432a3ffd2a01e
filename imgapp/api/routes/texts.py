"""`/api/images/{id}/texts/{language}`: what is said of a picture in one language, and its state."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response

from imgapp.api.http.entity_tags import IfMatch, IfNoneMatch, known_tags, required_tags, tagged
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import PAGE, Cursor, ImageId, KnownImage, Limit, Reader, Writer
from imgapp.models import TextPublic
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library.entity_tags import Versioned
from imgapp.services.texts import text_history, texts
from imgapp.services.texts.text_history import TextChangesPage
from imgapp.services.texts.texts import TextEdit, TextReturn

router = APIRouter(prefix="/api/images/{image_id}/texts/{language}", tags=["texts"])

Language = Annotated[str, Path(max_length=35, description="BCP 47, such as `en` or `pt-BR`")]
_CHANGED: Any = {
    "response_model": TextPublic,
    "responses": documented("unknown_language", 404, "nothing_to_approve", 412),
}


@router.get("", response_model=TextPublic, responses=documented("unknown_language", 404))
async def read_text(
    viewer: Reader,
    image_id: ImageId,
    language: Language,
    response: Response,
    if_none_match: IfNoneMatch = None,
) -> TextPublic | Response:
    """What is said in that language; 404 if nothing is."""
    found = await in_db(texts.read_text, viewer.user_id, image_id, language)
    known = found.tag in known_tags(if_none_match)
    return tagged(Versioned(found.tag, None if known else found.value), response)


@router.put(
    "",
    openapi_extra=json_body_schema(
        TextEdit, {"alt_text": "Ein rotes Fahrrad an einer Wand", "approve": True}
    ),
    **_CHANGED,
)
async def write_text(
    viewer: Writer,
    image_id: KnownImage,
    language: Language,
    edit: Annotated[TextEdit, Depends(json_body(TextEdit))],
    response: Response,
    if_match: IfMatch = None,
) -> TextPublic:
    """Write what is said in that language. It is a draft again, unless it is approved with it; no
    model overwrites what a person wrote."""
    required = required_tags(if_match)
    changed = await in_db(
        texts.write_text, viewer.user_id, image_id, language, edit, required=required
    )
    return _tagged(changed, response)


@router.post("/approve", **_CHANGED)
async def approve_text(
    viewer: Writer,
    image_id: KnownImage,
    language: Language,
    response: Response,
    if_match: IfMatch = None,
) -> TextPublic:
    """Stand behind the words as they are. Words that change afterwards are a draft; the wording
    that was approved stays under `approved` until a newer one is."""
    required = required_tags(if_match)
    changed = await in_db(texts.approve, viewer.user_id, image_id, language, required=required)
    return _tagged(changed, response)


@router.post(
    "/return",
    openapi_extra=json_body_schema(TextReturn, {"note": "The bicycle is blue"}),
    **_CHANGED,
)
async def return_text(
    viewer: Writer,
    image_id: KnownImage,
    language: Language,
    why: Annotated[TextReturn, Depends(json_body(TextReturn))],
    response: Response,
    if_match: IfMatch = None,
) -> TextPublic:
    """Return a text, with a word why."""
    required = required_tags(if_match)
    changed = await in_db(
        texts.send_back, viewer.user_id, image_id, language, why.note, required=required
    )
    return _tagged(changed, response)


@router.post("/reopen", **_CHANGED)
async def reopen_text(
    viewer: Writer,
    image_id: KnownImage,
    language: Language,
    response: Response,
    if_match: IfMatch = None,
) -> TextPublic:
    """Take an approval or a return back: the text is a draft."""
    required = required_tags(if_match)
    changed = await in_db(texts.reopen, viewer.user_id, image_id, language, required=required)
    return _tagged(changed, response)


@router.get(
    "/changes",
    response_model=TextChangesPage,
    responses=documented("unknown_language", "invalid_cursor", 404),
)
async def list_text_changes(
    viewer: Reader,
    image_id: ImageId,
    language: Language,
    limit: Limit = PAGE,
    cursor: Cursor = None,
) -> TextChangesPage:
    """What was written, approved, returned and removed in that language, newest first."""
    return await in_db(
        text_history.list_changes, viewer.user_id, image_id, language, limit=limit, cursor=cursor
    )


def _tagged(changed: Versioned[TextPublic], response: Response) -> TextPublic:
    response.headers["ETag"] = f'"{changed.tag}"'
    return changed.value
