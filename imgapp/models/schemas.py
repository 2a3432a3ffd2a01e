"""Schemas: the shapes that leave the services; rows never do (Pydantic)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField

from imgapp.models.base import Shape
from imgapp.models.images import AnalysisStatus, WaitingReason, WrittenBy
from imgapp.models.texts import TextAuthor, TextState


@dataclass(frozen=True)
class ImageEvent:
    """Something that happened to a picture: a hint to read its row again.

    `kind` is one of image_uploaded, image_restored, image_queued, image_claimed, image_described,
    image_failed, image_edited, image_deleted, or images_changed: so many that pages read their
    window again, and `image_id` is None.
    """

    user_id: uuid.UUID
    kind: str
    image_id: uuid.UUID | None


class AnalysisSummary(Shape):
    id: uuid.UUID
    model_version: str
    processing_time: float = PydanticField(description="Seconds the describer took")
    created_at: datetime
    completed_at: datetime | None


class ErrorInfo(Shape):
    code: str
    message: str


class ImageUrls(Shape):
    thumbnail: str
    preview: str
    original: str


class TextWords(Shape):
    """What is said of a picture in one language."""

    alt_text: str | None
    description: str | None
    tags: list[str] | None
    decorative: bool | None


class TextDoubt(Shape):
    """Something that a rule found in a text."""

    rule: str
    excerpt: str


class TextPublic(TextWords):
    """What is said of a picture in one language, and whether somebody stands behind it."""

    language: str = PydanticField(description="BCP 47")
    written_by: dict[str, TextAuthor] = PydanticField(
        description="Who wrote each field that is known"
    )
    model_version: str | None = PydanticField(description="The model, where one wrote it")
    prompt_version: str | None
    made_from: str | None = PydanticField(
        description="The language of the text that it was made from; null is the picture"
    )
    state: TextState
    state_at: datetime
    state_by: uuid.UUID | None = PydanticField(description="Who approved or returned it")
    note: str | None = PydanticField(description="Why it was returned")
    approved: TextWords | None = PydanticField(
        description="The wording that was approved last: it holds until a newer one is approved"
    )
    approved_at: datetime | None
    doubts: list[TextDoubt] | None = PydanticField(
        description="What the rules of docs/doubts.md found; null until they were asked"
    )
    changed_at: datetime


class ChosenText(TextWords):
    """What is said in the language that was asked for, or in the next best one."""

    language: str
    state: TextState = PydanticField(
        description="`approved` where the wording approved last was asked for"
    )


class ImagePublic(Shape):
    """A picture as the API shows it."""

    id: uuid.UUID
    filename: str
    mime_type: str
    file_size: int = PydanticField(description="Bytes")
    sha256: str = PydanticField(description="Of the original's bytes, in lower-case hexadecimals")
    width: int = PydanticField(description="Pixels, after EXIF orientation")
    height: int
    uploaded_at: datetime
    status: AnalysisStatus
    waiting_reason: WaitingReason | None = None
    alt_text: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    visible_text: str | None = None
    decorative: bool | None = None
    language: str | None = None
    written_by: dict[str, WrittenBy] = PydanticField(
        default_factory=dict, description="Who wrote each text field that is known"
    )
    restored_from: dict[str, str] = PydanticField(
        default_factory=dict,
        description="Of texts that a person took from an earlier analysis: its `model_version`",
    )
    texts: dict[str, TextPublic] = PydanticField(
        default_factory=dict,
        description="By language, that of `alt_text` and `description` with them",
    )
    text: ChosenText | None = PydanticField(
        default=None, description="Where a `language` or a `state` was asked for, and there is one"
    )
    context: str | None = PydanticField(
        default=None, description="What the picture is for: it goes to the model"
    )
    never_cloud: bool = PydanticField(
        default=False, description="It is not sent to a model elsewhere"
    )
    facts: dict[str, Any] = PydanticField(
        default_factory=dict,
        description="What the file says of itself: camera, exposure, date; `texts` are its alt "
        "texts and descriptions by language, where it has several. What was measured: `colours`, "
        "and `looks` where no model was asked. `read` are lines that were read in the picture, if "
        "a model's texts miss some",
    )
    placeholder: str | None = PydanticField(
        default=None,
        description="At most 6 x 6 pixels to show blurred until the thumbnail is there: URL-safe "
        "base64 of a byte with the width, then rows of sRGB from the top, three bytes a pixel",
    )
    analysis: AnalysisSummary | None = None
    error: ErrorInfo | None = None
    urls: ImageUrls
    duplicate: bool | None = PydanticField(
        default=None, description="In the answer to an upload: these bytes were already there"
    )


class Waiting(Shape):
    """Why a picture waits, in words, and since when that is so (where it is known)."""

    reason: WaitingReason
    message: str
    since: datetime | None


class ImageStatus(Shape):
    id: uuid.UUID
    status: AnalysisStatus
    waiting_reason: WaitingReason | None
    waiting: Waiting | None = None
    attempts: int
    error: ErrorInfo | None
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


class AnalysisPublic(AnalysisSummary):
    """One entry of a picture's history."""

    alt_text: str | None
    description: str | None
    tags: list[str] | None
    visible_text: str | None
    decorative: bool | None
    language: str | None
    prompt_version: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    detail: str | None
    reused_from: uuid.UUID | None = PydanticField(
        description="The earlier analysis that answered the same question: nothing was asked"
    )
    run_id: uuid.UUID | None
    differs: list[str] = PydanticField(
        description="Fields in which it says something else than the picture's texts do now"
    )


class ImageEdit(BaseModel):
    """What a person may write. What is left out stays as it is; null makes a field unknown."""

    model_config = ConfigDict(extra="forbid")

    alt_text: str | None = PydanticField(default=None, max_length=2_000)
    description: str | None = PydanticField(default=None, max_length=20_000)
    tags: list[Annotated[str, PydanticField(max_length=100)]] | None = PydanticField(
        default=None, max_length=100
    )
    visible_text: str | None = PydanticField(default=None, max_length=50_000)
    decorative: bool | None = None
    language: str | None = PydanticField(
        default=None, max_length=35, description="Of alt text and description (BCP 47)"
    )
    context: str | None = PydanticField(
        default=None,
        max_length=2_000,
        description="What the picture is for: it goes to the model at the next analysis",
    )
    never_cloud: bool = PydanticField(
        default=False, description="It is not sent to a model elsewhere"
    )


class ImagePage(Shape):
    """One page of a list. `total` is counted for the first page only."""

    items: list[ImagePublic]
    next_cursor: str | None
    total: int | None


class AnalysesPage(Shape):
    """One page of a picture's history."""

    items: list[AnalysisPublic]
    next_cursor: str | None
