"""`/api/images/archive`: the originals of many pictures as one ZIP, by a plain form of the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse

from imgapp.api.auth import require_read
from imgapp.api.ids import parse_id
from imgapp.models import Viewer
from imgapp.services import archive
from imgapp.services.pools import in_db

router = APIRouter(prefix="/api/images/archive", include_in_schema=False)


@router.post("")
async def download_archive(
    request: Request, viewer: Annotated[Viewer, Depends(require_read)]
) -> StreamingResponse:
    """Fields named `images` hold ids. Somebody else's and missing ones are left out."""
    fields = await request.form(max_fields=archive.MOST + 1)
    ids = [parse_id(str(value)) for value in fields.getlist("images")]
    pieces = await in_db(archive.open_archive, viewer.user_id, ids)
    name = f"pictures {datetime.now(UTC):%Y-%m-%d}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)
