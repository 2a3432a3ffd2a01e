"""`/api/images/by-hash`: what is known of a file that the caller has, by its SHA-256."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import StringConstraints

from imgapp.api.http.auth import require_read
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.errors import NotFound
from imgapp.models import ImagePublic, Viewer
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import lookup_by_hash
from imgapp.services.library.lookup_by_hash import Hashes, HashMatches

router = APIRouter(prefix="/api/images/by-hash", tags=["images"])

_EXAMPLE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_HASH = re.compile(r"[0-9A-Fa-f]{64}")

Reader = Annotated[Viewer, Depends(require_read)]
Wanted = Annotated[Hashes, Depends(json_body(Hashes))]
HashInPath = Annotated[str, Path(examples=[_EXAMPLE], description="In hexadecimals")]


@router.get("/{sha256}", response_model=ImagePublic, responses=documented("unknown_language", 404))
async def read_image_by_hash(
    viewer: Reader,
    sha256: HashInPath,
    language: Annotated[
        Annotated[str, StringConstraints(max_length=35)] | None,
        Query(description="Of `text`: this one (BCP 47), its kin, or the picture's own"),
    ] = None,
    state: Annotated[
        Literal["approved"] | None,
        Query(description="Of `text`: the wording that was approved last, or none"),
    ] = None,
) -> ImagePublic:
    """Your picture with exactly these bytes: its texts, for a program that has the file."""
    if not _HASH.fullmatch(sha256):
        raise NotFound
    look_up = lookup_by_hash.get_by_hash
    return await in_db(look_up, viewer.user_id, sha256, language, approved=state is not None)


@router.post(
    "",
    response_model=HashMatches,
    responses=documented("unknown_language"),
    openapi_extra=json_body_schema(Hashes, {"sha256": [_EXAMPLE]}),
)
async def find_images_by_hash(viewer: Reader, wanted: Wanted) -> HashMatches:
    """Your pictures with these bytes, up to 1,000 at once, and the hashes that have none.

    Reads only: a token needs no more than the scope `read`.
    """
    return await in_db(
        lookup_by_hash.find_by_hashes,
        viewer.user_id,
        wanted.sha256,
        wanted.language,
        approved=wanted.state is not None,
    )
