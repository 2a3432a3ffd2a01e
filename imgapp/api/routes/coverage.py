"""`/api/coverage`: how far the texts of some pictures are, and the evidence as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from imgapp.api.http.image_query import WantedInQuery
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import Reader
from imgapp.models import Shape
from imgapp.services.common.csv_files import MEDIA_TYPE
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts import coverage, doubts, evidence
from imgapp.services.texts.coverage import Coverage

router = APIRouter(prefix="/api", tags=["texts"])

_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "A table", "content": {"text/csv": {}}}
}


class TextRule(Shape):
    """Something that the rules look for in a text."""

    id: str
    sentence: str
    source: str


class TextRules(Shape):
    """All of them."""

    items: list[TextRule]
    next_cursor: None = None


@router.get("/coverage", response_model=Coverage, responses=documented("unknown_language", 404))
async def read_coverage(viewer: Reader, wanted: WantedInQuery) -> Coverage:
    """How many texts in `language` (else your first one) are missing, drafts, returned and
    approved, and with which doubts.

    Of all pictures, or of those that the other parameters find, as in `GET /api/images`; `state`
    and `doubt` are counted and not asked for here.
    """
    return await in_db(coverage.coverage, viewer.user_id, *_of(wanted))


@router.get(
    "/coverage.csv",
    response_class=StreamingResponse,
    responses=_CSV | documented("unknown_language", 404),
)
async def download_evidence(viewer: Reader, wanted: WantedInQuery) -> StreamingResponse:
    """Who approved which text in `language` (else your first one), and which model wrote it: a line
    for each of these pictures."""
    made_at = datetime.now(UTC)
    counted, rest = _of(wanted)
    if counted is None:
        counted = await in_db(coverage.first_language_of, viewer.user_id)
    pieces = await in_io(evidence.write_evidence, viewer.user_id, counted, rest, made_at)
    name = f"texts-{counted}-{made_at:%Y-%m-%d}.csv"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(pieces, media_type=MEDIA_TYPE, headers=headers)


@router.get("/text-rules", response_model=TextRules)
async def list_text_rules(viewer: Reader) -> TextRules:  # noqa: ARG001
    """What the rules look for, and whose guidance that is. `rules_off` of your preferences leaves
    some of them out of what is shown."""
    rules = [
        TextRule(id=rule.id, sentence=rule.sentence, source=rule.source)
        for rule in doubts.RULES.values()
    ]
    return TextRules(items=rules)


def _of(wanted: ImageQuery) -> tuple[str | None, ImageQuery]:
    """The language that is counted, and of which pictures."""
    nothing = {"language": None, "state": None, "doubt": None}
    return wanted.language, wanted.model_copy(update=nothing)
