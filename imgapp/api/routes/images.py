"""`/api/images`: list and search, read, edit, delete, analyse again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from annotated_types import Interval
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BeforeValidator, StringConstraints

from imgapp.api.http.auth import require_read, require_write
from imgapp.api.http.entity_tags import IfMatch, IfNoneMatch, known_tags, required_tags, tagged
from imgapp.api.http.ids import parse_id
from imgapp.api.http.image_query import WantedInQuery
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.models import (
    ImageEdit,
    ImagePage,
    ImagePublic,
    ImageStatus,
    Viewer,
)
from imgapp.services.analysis import describe
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.library import images, listing
from imgapp.services.queue import image_status

router = APIRouter(prefix="/api/images", tags=["images"])


def image_id_in_path(image_id: Annotated[str, Path()]) -> UUID:
    """The id in the path; a malformed one is the id of no image. Raises NotFound."""
    return parse_id(image_id)


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


# In every route the reader or writer comes first: who is calling is settled before anything else.
Reader = Annotated[Viewer, Depends(require_read)]
Writer = Annotated[Viewer, Depends(require_write)]
ImageId = Annotated[UUID, Depends(image_id_in_path)]


async def known_image(viewer: Writer, image_id: ImageId) -> UUID:
    """A picture of the caller, before the body is looked at. Raises NotFound."""
    await in_db(images.require_image, viewer.user_id, image_id)
    return image_id


KnownImage = Annotated[UUID, Depends(known_image)]
Edit = Annotated[ImageEdit, Depends(json_body(ImageEdit))]
PAGE, LARGEST_PAGE = 60, 200
Limit = Annotated[
    Annotated[int, Interval(ge=1, le=LARGEST_PAGE)],
    BeforeValidator(lambda value: PAGE if value == "" else value),
    Query(description="Items on a page"),
]
Cursor = Annotated[
    Annotated[str, StringConstraints(max_length=2_000)] | None,
    BeforeValidator(_empty_is_none),
    Query(description="`next_cursor` of the page before"),
]


@router.get("", response_model=ImagePage, responses=documented("invalid_cursor", 404))
async def list_images(
    viewer: Reader,
    response: Response,
    wanted: WantedInQuery,
    limit: Limit = PAGE,
    cursor: Cursor = None,
    if_none_match: IfNoneMatch = None,
) -> ImagePage | Response:
    """Your pictures, newest first unless sorted. `total` comes with the first page only."""
    page = await in_db(
        listing.read_images,
        viewer.user_id,
        wanted,
        known=known_tags(if_none_match),
        limit=limit,
        cursor=cursor,
    )
    return tagged(page, response)


@router.get("/{image_id}", response_model=ImagePublic, responses=documented(404))
async def read_image(
    viewer: Reader, image_id: ImageId, response: Response, if_none_match: IfNoneMatch = None
) -> ImagePublic | Response:
    """One picture with its texts, its newest analysis and links to its files."""
    known = known_tags(if_none_match)
    found = await in_db(images.read_image, viewer.user_id, image_id, known=known)
    return tagged(found, response)


@router.patch(
    "/{image_id}",
    response_model=ImagePublic,
    responses=documented(404, 412),
    openapi_extra=json_body_schema(
        ImageEdit, {"alt_text": "A red bicycle against a wall", "tags": ["bicycle", "street"]}
    ),
)
async def edit_image(
    viewer: Writer,
    image_id: ImageId,
    edit: Edit,
    response: Response,
    if_match: IfMatch = None,
) -> ImagePublic:
    """Write the texts yourself. No model overwrites what a person wrote; null lets it again."""
    required = required_tags(if_match)
    edited = await in_db(images.edit_version, viewer.user_id, image_id, edit, required=required)
    response.headers["ETag"] = f'"{edited.tag}"'
    return edited.value


@router.delete("/{image_id}", status_code=204, responses=documented(404, 412, "store_unavailable"))
async def delete_image(
    viewer: Writer,
    image_id: ImageId,
    permanent: Annotated[
        bool, Query(description="Remove it and its files now, out of the trash too")
    ] = False,
    if_match: IfMatch = None,
) -> Response:
    """Move a picture to the trash; from then on its address answers 404."""
    in_pool = in_io if permanent else in_db
    required = required_tags(if_match)
    await in_pool(
        images.delete_image, viewer.user_id, image_id, permanent=permanent, required=required
    )
    return Response(status_code=204)


@router.get("/{image_id}/status", response_model=ImageStatus, responses=documented(404))
async def read_status(viewer: Reader, image_id: ImageId) -> ImageStatus:
    """Where a picture is on its way to a description: small, for programs that wait."""
    return await in_db(image_status.get_status, viewer.user_id, image_id)


@router.post(
    "/{image_id}/analyze",
    status_code=202,
    response_model=ImageStatus,
    responses=documented("unknown_model", 404),
    openapi_extra=json_body_schema(
        AnalysisOptions, {"language": "pt-BR", "detail": "detailed"}, required=False
    ),
)
async def analyze_image(
    viewer: Writer,
    image_id: KnownImage,
    wishes: Annotated[AnalysisOptions, Depends(json_body(AnalysisOptions, optional=True))],
) -> ImageStatus:
    """Analyse a picture again, this time by that model, in that language, in that detail.

    The model is asked anew, whatever it said before. What a person wrote stays. A picture that is
    being analysed is left alone.
    """
    return await in_db(describe.request_analysis, viewer.user_id, image_id, wishes)
