"""`/api/images/timeline`: how many pictures there are on which day, and how wide each is."""

from __future__ import annotations

import base64
import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from imgapp.api.http.image_query import WantedInQuery
from imgapp.api.http.problems import documented
from imgapp.api.routes.images import Reader
from imgapp.models import Shape
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import listing

router = APIRouter(prefix="/api/images/timeline", tags=["images"])


class Day(Shape):
    date: datetime.date | None = Field(description="null where the list is not sorted by time")
    count: int


class TimelineAnswer(Shape):
    """A list as a whole, small enough for a hundred thousand pictures."""

    total: int
    days: list[Day] = Field(description="In the order of the list")
    ratios: str = Field(
        description="Base64 of one byte per picture, in the order of the list: width by height on "
        "a logarithmic scale, round((log2(width / height) + 2) / 4 * 255), from 1:4 to 4:1"
    )


@router.get("", response_model=TimelineAnswer, responses=documented(404))
async def read_timeline(
    viewer: Reader,
    wanted: WantedInQuery,
    time_zone: Annotated[
        str, Query(max_length=100, description="Whose days: a name of the IANA database")
    ] = "UTC",
) -> TimelineAnswer:
    """How many of your pictures there are on which day of upload, and the proportions of each.

    For pages that lay a list out before they have its items. An unknown time zone is UTC.
    """
    found = await in_db(listing.read_timeline, viewer.user_id, wanted, time_zone)
    return TimelineAnswer(
        total=found.total,
        days=[Day(date=date, count=count) for date, count in found.days],
        ratios=base64.b64encode(found.shapes).decode(),
    )
