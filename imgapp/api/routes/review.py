"""`/api/review`: the texts that wait for a person, handed out one by one, and what is decided."""

from __future__ import annotations

import datetime
from typing import Annotated
from uuid import UUID

from annotated_types import Interval
from fastapi import APIRouter, Depends, Header, Query, Response

from imgapp.api.http.entity_tags import IfMatch, required_tags
from imgapp.api.http.ids import parse_id
from imgapp.api.http.image_query import WantedInQuery
from imgapp.api.http.json_bodies import json_body, json_body_schema
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import KnownImage, Reader, Writer
from imgapp.api.routes.texts import Language
from imgapp.services.common.sanitize import check_language
from imgapp.services.common.thread_pools import in_db
from imgapp.services.texts import review, review_decisions
from imgapp.services.texts.review import MOST, Agreement, ReviewQueue
from imgapp.services.texts.review_decisions import ReviewDecision, ReviewedText

router = APIRouter(prefix="/api/review", tags=["review"])

ReviewerId = Annotated[
    str | None,
    Query(
        description="Who has them: a UUID of your own; left out, your session or access token",
        json_schema_extra={"format": "uuid"},
    ),
]


@router.get(
    "",
    response_model=ReviewQueue,
    responses=documented("unknown_language", "invalid_cursor", 404),
)
async def next_to_review(
    viewer: Writer,
    wanted: WantedInQuery,
    reviewer: ReviewerId = None,
    begin: Annotated[
        str | None,
        Query(
            alias="from",
            max_length=40,
            description="The `place` of an item: the queue begins with it, or where it was",
        ),
    ] = None,
    doubtful_first: bool = False,
    limit: Annotated[int, Interval(ge=1, le=MOST), Query()] = 6,
) -> ReviewQueue:
    """The next pictures whose text in `language` (your first one) waits for a person. Nobody else
    gets them for `leased_seconds`, or until you ask again without them.

    Without a `state`, drafts and the approved texts of which a second person is asked.
    """
    return await in_db(
        review.next_items,
        viewer,
        wanted,
        _reviewer(reviewer) or review.reviewer_of(viewer),
        begin=begin,
        doubtful_first=doubtful_first,
        limit=limit,
    )


@router.delete("", status_code=204, responses=documented(404))
async def give_back_review(
    viewer: Writer,
    reviewer: ReviewerId = None,
    until: Annotated[
        datetime.datetime | None,
        Query(description="`leased_until` of an answer: what you took after it stays yours"),
    ] = None,
) -> Response:
    """Let others have at once what you have in front of you."""
    mine = _reviewer(reviewer) or review.reviewer_of(viewer)
    await in_db(review.give_back, viewer.user_id, mine, until)
    return Response(status_code=204)


@router.get("/agreement", response_model=Agreement, responses=documented("unknown_language"))
async def read_agreement(
    viewer: Reader,
    language: Annotated[str, Query(max_length=35, description="BCP 47")],
) -> Agreement:
    """How often a second person approved the same words."""
    return await in_db(review.agreement, viewer.user_id, check_language(language))


@router.post(
    "/{image_id}/{language}",
    response_model=ReviewedText,
    responses=documented("unknown_language", 404, "nothing_to_approve", 412),
    openapi_extra=json_body_schema(
        ReviewDecision,
        {"decision": "approve", "alt_text": "A red bicycle leaning against a whitewashed wall"},
    ),
)
async def decide(
    viewer: Writer,
    image_id: KnownImage,
    language: Language,
    decision: Annotated[ReviewDecision, Depends(json_body(ReviewDecision))],
    if_match: IfMatch = None,
    if_none_match: Annotated[
        str | None,
        Header(
            alias="If-None-Match",
            max_length=1000,
            description="`*`: 412 if something is said in that language by now",
        ),
    ] = None,
) -> ReviewedText:
    """Decide on a text: `approve`, `save` (a draft), `return` with a `note`, or `undo`, which makes
    it what it was `before`. Send the item's `etag` as `If-Match`."""
    return await in_db(
        review_decisions.decide,
        viewer,
        image_id,
        language,
        decision,
        required=required_tags(if_match),
        absent=(if_none_match or "").strip() == "*",
    )


def _reviewer(given: str | None) -> UUID | None:
    return parse_id(given) if given else None
