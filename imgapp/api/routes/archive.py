"""`/api/images/archive`: the originals of many pictures as one ZIP; a form of the page, or JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from imgapp.api.examples import EXAMPLE_ID
from imgapp.api.http.ids import parse_id
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.bulk import BulkSelection
from imgapp.api.routes.images import Reader
from imgapp.services.common.thread_pools import in_io
from imgapp.services.library import bulk, zip_export
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.image_query import ImageQuery

router = APIRouter(prefix="/api", tags=["images"])

FORM = "application/x-www-form-urlencoded"
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The ZIP file",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _chosen(request: Request) -> ImageSelection:
    """Raises NotFound (a malformed id in a form)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        return (await json_body(BulkSelection)(request)).chosen()
    # As the page has them: `images`, or the `query` of its address and `except`.
    fields = await request.form(max_fields=bulk.MOST_NAMED + 1)
    query = fields.get("query")
    ids = fields.getlist("images" if query is None else "except")
    wanted = None if query is None else ImageQuery.from_query(str(query))
    return ImageSelection(tuple(parse_id(str(value)) for value in ids), wanted)


@router.post(
    "/images/archive",
    response_class=StreamingResponse,
    responses=_ZIP | documented(404, "invalid_request"),
    openapi_extra=json_body_schema(BulkSelection, {"images": [EXAMPLE_ID]}),
)
async def download_archive(
    viewer: Reader, chosen: Annotated[ImageSelection, Depends(_chosen)]
) -> StreamingResponse:
    """Originals of up to 5,000 pictures as one ZIP file, with their texts in `descriptions.csv`.

    Pictures that are missing, in the trash or somebody else's are left out; 404 if none is left. A
    file that the store does not have is named in `errors.txt`.
    """
    pieces = await in_io(zip_export.open_archive, viewer.user_id, chosen)
    name = f"pictures {datetime.now(UTC):%Y-%m-%d}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)
