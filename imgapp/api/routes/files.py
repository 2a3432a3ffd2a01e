"""Pictures' files: links to them, and, in the disk store, the files behind the links."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse, StreamingResponse

from imgapp.api.http.auth import require_read
from imgapp.api.http.entity_tags import known_tags
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import image_id_in_path
from imgapp.errors import NotFound
from imgapp.models import Viewer
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import file_links
from imgapp.services.library.file_links import VARIANTS, FileAnswer, Variant

router = APIRouter(tags=["files"])

_PIECE = 256 * 1024

Reader = Annotated[Viewer, Depends(require_read)]
ImageId = Annotated[UUID, Depends(image_id_in_path)]


@router.get(
    "/api/images/{image_id}/file",
    status_code=307,
    response_class=RedirectResponse,
    responses=documented(404, "store_unavailable"),
)
async def get_file(viewer: Reader, image_id: ImageId, variant: Variant = "original") -> Response:
    """Redirect to a link that expires within the hour; its signature is the last parameter."""
    url = await in_db(file_links.variant_url, viewer.user_id, image_id, variant)
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
    """A file that no store serves by itself. The link's signature is the authorisation."""
    try:
        owner, image = UUID(user_id), UUID(image_id)
    except ValueError:
        raise NotFound from None
    if variant not in VARIANTS:
        raise NotFound
    answer = await in_db(file_links.open_link, owner, image, variant, expires, signature)
    headers = _headers(answer)
    if not isinstance(answer.content, Path):
        return _streamed(request, answer.content, answer.content_type, headers)
    if _has(request, answer.etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(answer.content, media_type=answer.content_type, headers=headers)


def _streamed(
    request: Request, content: BinaryIO, content_type: str, headers: dict[str, str]
) -> Response:
    if request.method == "HEAD" or _has(request, headers["ETag"]):
        content.close()
        status = 200 if request.method == "HEAD" else 304
        return Response(status_code=status, headers=headers, media_type=content_type)
    return StreamingResponse(_pieces(content), media_type=content_type, headers=headers)


def _has(request: Request, etag: str) -> bool:
    return etag.strip('"') in known_tags(request.headers.get("if-none-match"))


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(_PIECE):
            yield piece


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
