"""Batch schemas: what is asked of batches and their files, and what is said of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from imgapp.adapters.outbound_http import MAX_URL, check_url
from imgapp.errors import OutboundRefused
from imgapp.models import FileOutcome, Shape
from imgapp.services.common.sanitize import Context

MOST_URLS = 1_000
"""In one request."""


def _checked_url(url: str) -> str:
    try:
        return check_url(url)
    except OutboundRefused as error:
        raise ValueError(error.detail) from None


Url = Annotated[
    str,
    Field(max_length=MAX_URL, pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@]"),
    AfterValidator(_checked_url),
]


class NewUrls(BaseModel):
    """Pictures to fetch. Each is one file, whatever it redirects to."""

    model_config = ConfigDict(extra="forbid")

    urls: list[Url] = Field(min_length=1, max_length=MOST_URLS)


class NewBatch(BaseModel):
    """A batch, empty or with pictures to fetch."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=200)
    context: Context | None = None
    urls: list[Url] = Field(default=[], max_length=MOST_URLS)


class BatchEdit(BaseModel):
    """What is left out stays as it is; null, or an empty text, says nothing any more."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=200)
    context: Context | None = None


class FileCounts(Shape):
    """How many files of a batch came to what, so far."""

    waiting: int = Field(description="To be fetched")
    fetching: int
    added: int
    duplicate: int = Field(description="You had a picture of these very bytes")
    refused: int
    cancelled: int


class PictureCounts(Shape):
    """How far the pictures of a batch are, without those in the trash; each counts once."""

    pending: int = 0
    in_progress: int = 0
    completed: int = 0
    failed: int = 0


class BatchSummary(Shape):
    """A batch as a list shows it."""

    id: UUID
    name: str | None
    context: str | None = Field(
        default=None, description="What its pictures are for: it goes to the model"
    )
    created_at: datetime
    updated_at: datetime = Field(description="When a file was last added or settled")
    cancelled_at: datetime | None
    files: FileCounts


class BatchPublic(BatchSummary):
    """A batch with the state of its pictures."""

    pictures: PictureCounts
    finished_at: datetime | None = Field(
        description="When the last file was settled and the last picture described or given up; "
        "null while something is to be done, or if there is nothing in it"
    )


class BatchPage(Shape):
    items: list[BatchSummary]
    next_cursor: str | None


class BatchFile(Shape):
    """A file of a batch. `code` and `detail` say why it was refused, or why it waits again."""

    id: UUID
    filename: str | None
    url: str | None
    outcome: FileOutcome
    image_id: UUID | None = Field(description="null too once the picture is removed for good")
    code: str | None
    detail: str | None
    created_at: datetime
    finished_at: datetime | None


class BatchFilePage(Shape):
    items: list[BatchFile]
    next_cursor: str | None
