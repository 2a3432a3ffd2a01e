"""Pictures' files: links to them, and, in the disk store, the files behind the links."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from imgapp.api.auth import require_read
from imgapp.api.images import image_id_in_path
from imgapp.api.problems import documented
from imgapp.errors import NotFound
from imgapp.models import Viewer
from imgapp.services import files
from imgapp.services.files import VARIANTS, FileAnswer, Variant
from imgapp.services.pools import in_db

router = APIRouter(tags=["files"])

Reader = Annotated[Viewer, Depends(require_read)]
ImageId = Annotated[UUID, Depends(image_id_in_path)]


@router.get(
    "/api/images/{image_id}/file",
    status_code=307,
    response_class=RedirectResponse,
    responses=documented(401, 403, 404, 422),
)
async def get_file(viewer: Reader, image_id: ImageId, variant: Variant = "original") -> Response:
    """Redirect to a link that expires within the hour; its signature is the last parameter."""
    url = await in_db(files.variant_url, viewer.user_id, image_id, variant)
    return RedirectResponse(url, 307)


@router.api_route(
    "/api/files/{user_id}/{image_id}/{variant}",
    methods=["GET", "HEAD"],
    response_class=FileResponse,
    include_in_schema=False,
)
async def serve_file(
    request: Request,
    user_id: str,
    image_id: str,
    variant: str,
    expires: Annotated[int, Query()],
    signature: Annotated[str, Query()],
) -> Response:
    """A file of the disk store. The link's signature is the authorisation."""
    try:
        owner, image = UUID(user_id), UUID(image_id)
    except ValueError:
        raise NotFound from None
    if variant not in VARIANTS:
        raise NotFound
    answer = await in_db(files.open_link, owner, image, variant, expires, signature)
    headers = _headers(answer)
    if request.headers.get("if-none-match") == answer.etag:
        return Response(status_code=304, headers=headers)
    return FileResponse(answer.path, media_type=answer.content_type, headers=headers)


def _headers(answer: FileAnswer) -> dict[str, str]:
    name = quote(answer.filename, safe="")
    return {
        "Cache-Control": f"private, max-age={answer.seconds}, immutable",
        "ETag": answer.etag,
        "Content-Disposition": f"{answer.disposition}; filename*=UTF-8''{name}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
