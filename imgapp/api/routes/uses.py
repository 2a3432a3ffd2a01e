"""`/api/images/{id}/uses`: what is said of a picture in one place where it is used."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import StringConstraints

from imgapp.api.http.entity_tags import IfMatch, required_tags
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import ImageId, KnownImage, Reader, Writer
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library.entity_tags import Versioned
from imgapp.services.texts import uses
from imgapp.services.texts.uses import NewUse, UseEdit, UsePublic, UseReturn, UsesPublic

router = APIRouter(prefix="/api/images/{image_id}/uses", tags=["texts"])


def use_id_in_path(use_id: Annotated[str, Path()]) -> UUID:
    """The id in the path; a malformed one is the id of no use. Raises NotFound."""
    return parse_id(use_id)


UseId = Annotated[UUID, Depends(use_id_in_path)]


async def known_use(viewer: Writer, image_id: KnownImage, use_id: UseId) -> UUID:
    """A use of the caller's picture, before the body is looked at. Raises NotFound."""
    await in_db(uses.read_use, viewer.user_id, image_id, use_id)
    return use_id


KnownUse = Annotated[UUID, Depends(known_use)]
_CHANGED: Any = {
    "response_model": UsePublic,
    "responses": documented(404, "use_exists", "use_without_name", "nothing_to_approve", 412),
}


@router.get("", response_model=UsesPublic, responses=documented("unknown_language", 404))
async def list_uses(
    viewer: Reader,
    image_id: ImageId,
    language: Annotated[
        Annotated[str, StringConstraints(max_length=35)] | None,
        Query(description="Of `text`: this one (BCP 47), its kin, or the picture's own"),
    ] = None,
) -> UsesPublic:
    """The uses of a picture by name, 50 at most, and the text that holds everywhere else."""
    return await in_db(uses.list_uses, viewer.user_id, image_id, language)


@router.post(
    "",
    status_code=201,
    response_model=UsePublic,
    responses=documented(
        "unknown_language", 404, "use_exists", "use_without_name", "too_many_uses",
        "nothing_to_approve",
    ),
    openapi_extra=json_body_schema(
        NewUse,
        {
            "name": "https://shop.example/bicycles/7",
            "role": "functional",
            "alt_text": "Look at the red bicycle",
        },
    ),
)  # fmt: skip
async def create_use(
    viewer: Writer,
    image_id: KnownImage,
    new: Annotated[NewUse, Depends(json_body(NewUse))],
    response: Response,
) -> UsePublic:
    """Say something else of a picture in one place. Without words, the picture's text holds there,
    until a person or a run with `use` writes some."""
    made = await in_db(uses.create_use, viewer.user_id, image_id, new)
    response.headers["Location"] = f"/api/images/{image_id}/uses/{made.value.id}"
    return _tagged(made, response)


@router.get("/{use_id}", response_model=UsePublic, responses=documented(404))
async def read_use(
    viewer: Reader, image_id: ImageId, use_id: UseId, response: Response
) -> UsePublic:
    """One use, its words and those that hold."""
    return _tagged(await in_db(uses.read_use, viewer.user_id, image_id, use_id), response)


@router.patch(
    "/{use_id}",
    openapi_extra=json_body_schema(UseEdit, {"alt_text": "To the red bicycle", "approve": True}),
    **_CHANGED,
)
async def edit_use(
    viewer: Writer,
    image_id: KnownImage,
    use_id: KnownUse,
    edit: Annotated[UseEdit, Depends(json_body(UseEdit))],
    response: Response,
    if_match: IfMatch = None,
) -> UsePublic:
    """Change it. Words that change are a draft again, unless they are approved with it; no model
    overwrites what a person wrote."""
    required = required_tags(if_match)
    changed = await in_db(uses.edit_use, viewer.user_id, image_id, use_id, edit, required=required)
    return _tagged(changed, response)


@router.delete("/{use_id}", status_code=204, responses=documented(404))
async def remove_use(viewer: Writer, image_id: KnownImage, use_id: UseId) -> Response:
    """From then on the picture's text holds there."""
    await in_db(uses.remove_use, viewer.user_id, image_id, use_id)
    return Response(status_code=204)


@router.post("/{use_id}/approve", **_CHANGED)
async def approve_use(
    viewer: Writer,
    image_id: KnownImage,
    use_id: UseId,
    response: Response,
    if_match: IfMatch = None,
) -> UsePublic:
    """Stand behind its words as they are."""
    required = required_tags(if_match)
    changed = await in_db(uses.approve, viewer.user_id, image_id, use_id, required=required)
    return _tagged(changed, response)


@router.post(
    "/{use_id}/return",
    openapi_extra=json_body_schema(UseReturn, {"note": "Say where the link leads"}),
    **_CHANGED,
)
async def return_use(
    viewer: Writer,
    image_id: KnownImage,
    use_id: KnownUse,
    why: Annotated[UseReturn, Depends(json_body(UseReturn))],
    response: Response,
    if_match: IfMatch = None,
) -> UsePublic:
    """Return its words, with a word why."""
    required = required_tags(if_match)
    changed = await in_db(
        uses.send_back, viewer.user_id, image_id, use_id, why.note, required=required
    )
    return _tagged(changed, response)


def _tagged(changed: Versioned[UsePublic], response: Response) -> UsePublic:
    response.headers["ETag"] = f'"{changed.tag}"'
    return changed.value
