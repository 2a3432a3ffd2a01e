"""Run schemas: what is asked for in a run, and what is said of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from imgapp.models import AnalysisStatus, RunOutcome, Shape
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.common.sanitize import Language
from imgapp.services.library.image_query import TextFilter
from imgapp.services.spending.budgets import Estimate

MOST_NAMED = 1_000
"""Pictures by their ids, in one request."""


class RunFilter(BaseModel):
    """Pictures by what they are: all of what is said here is true of each. Empty: all of them."""

    model_config = ConfigDict(extra="forbid")

    status: AnalysisStatus | None = None
    q: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="Words in the texts, tags and file name"
    )
    tag: Annotated[str, Field(max_length=100)] | None = None
    batch: UUID | None = Field(default=None, description="Of one batch")
    language: Language | None = Field(
        default=None, description="With a text in that language (or, with `state`, by it)"
    )
    state: TextFilter | None = Field(
        default=None, description="Of that text, or of any: `missing` are those without one"
    )
    model_version: Annotated[str, Field(max_length=200)] | None = Field(
        default=None,
        description="Last described by this one. `basic-1` are those that no vision model "
        "described; of these, pictures that never go to one elsewhere are left out",
    )
    error: Annotated[str, Field(max_length=100)] | None = Field(
        default=None, description="Failed with this code"
    )


def _either(given: str, kind: str, other: str) -> dict[str, Any]:
    return {"required": [given], "properties": {given: {"type": kind}, other: {"type": "null"}}}


class NewRun(AnalysisOptions):
    """Pictures to analyse again: `images` by their ids, or all that match a `filter`."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [_either("images", "array", "filter"), _either("filter", "object", "images")]
        }
    )

    images: Annotated[list[UUID], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    filter: RunFilter | None = None
    reuse: bool = Field(
        default=True,
        description="Take an earlier analysis of a picture where it answered the same question: "
        "same model, prompt, language, detail and context. It costs nothing",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.images is None) == (self.filter is None):
            raise ValueError("Name `images`, or give a `filter`: one of them")
        return self


class RunCounts(Shape):
    """How many pictures of a run came to what, so far. Those removed for good are in none."""

    waiting: int = Field(default=0, description="To be queued, a few hundred at a time")
    queued: int = Field(default=0, description="In the queue, or being analysed")
    completed: int = 0
    reused: int = Field(default=0, description="Answered before, at no cost")
    failed: int = 0
    skipped: int = Field(default=0, description="In the trash, or asked for otherwise since")
    cancelled: int = 0


class RunPublic(Shape):
    """A run, and how far it is."""

    id: UUID
    filter: RunFilter | None = Field(description="null: the pictures were named by their ids")
    model: str | None
    language: str | None
    detail: str | None
    made_from: str | None = Field(
        default=None, description="The language whose approved texts are translated"
    )
    use: str | None = Field(default=None, description="The use for which it writes")
    reuse: bool
    total: int = Field(description="Pictures that were chosen when it was made")
    pictures: RunCounts
    created_at: datetime
    cancelled_at: datetime | None
    finished_at: datetime | None = Field(description="null while something is to be done")


class RunPage(Shape):
    items: list[RunPublic]
    next_cursor: str | None


class RunItemPublic(Shape):
    """A picture of a run."""

    image_id: UUID
    outcome: RunOutcome
    finished_at: datetime | None


class RunItemPage(Shape):
    items: list[RunItemPublic]
    next_cursor: str | None


class RunPreview(Shape):
    """What a run would do."""

    total: int = Field(description="Pictures that would be analysed")
    estimate: Estimate = Field(description="What all of them take, if none was answered before")
