"""Text history: lists earlier texts of a picture; its owner restores, keeps or lets go.

A text that was taken from an earlier analysis is the person's choice, so no model overwrites it;
one that was taken from the newest is the model's, as it would be had nobody ever written anything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import Session, col

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import NotFound
from imgapp.models import (
    AnalysesPage,
    AnalysisPublic,
    Image,
    ImageAnalysis,
    ImagePublic,
    Shape,
)
from imgapp.services.common.pagination import newest_page
from imgapp.services.library import images, text_provenance
from imgapp.services.library.entity_tags import Versioned, require, tag_of
from imgapp.services.library.serialize import shown
from imgapp.services.library.text_provenance import FIELDS, TextField, Value, is_written, value_of

Chosen = Annotated[
    list[TextField],
    Field(
        min_length=1,
        max_length=len(FIELDS),
        description="All of them, if it is left out. `alt_text` takes `decorative` along",
    ),
]


class Suggestion(Shape):
    """A person wrote a text, and the newest analysis says something else."""

    field: TextField
    written: Value
    suggested: Value = Field(description='"" as alt text: decorative')
    analysis_id: UUID
    model_version: str
    language: str | None
    kept: bool = Field(description="The person decided to keep theirs")


class Suggestions(Shape):
    items: list[Suggestion]


class Restoration(BaseModel):
    """Which texts to take, from which analysis of this picture."""

    model_config = ConfigDict(extra="forbid")

    analysis_id: UUID
    fields: Chosen = list(FIELDS)


class TextFields(BaseModel):
    """Some of the texts of a picture, or all of them."""

    model_config = ConfigDict(extra="forbid")

    fields: Chosen = list(FIELDS)


def list_analyses(
    user_id: UUID, image_id: UUID, *, limit: int = 60, cursor: str | None = None
) -> AnalysesPage:
    """A picture's history, newest first. Raises NotFound, InvalidRequest (cursor)."""
    scope = (user_id, "analyses", image_id)
    query = select(ImageAnalysis).where(col(ImageAnalysis.image_id) == image_id)
    order = (col(ImageAnalysis.created_at), col(ImageAnalysis.id))
    with transaction(user_id) as session:
        image = images.fetch(session, image_id)
        rows, further = newest_page(session, query, order, scope, limit=limit, cursor=cursor)
        return AnalysesPage(items=[_public(image, row) for row in rows], next_cursor=further)


def suggestions(user_id: UUID, image_id: UUID) -> Suggestions:
    """Where the newest analysis says something else than the person wrote. Raises NotFound."""
    with transaction(user_id) as session:
        image = images.fetch(session, image_id)
        newest = _newest(session, image)
        if newest is None:
            return Suggestions(items=[])
        found = [
            Suggestion(
                field=field,
                written=value_of(image, field),
                suggested=value_of(newest, field),
                analysis_id=newest.id,
                model_version=newest.model_version,
                language=newest.language,
                kept=text_provenance.is_kept(image, field, newest.id),
            )
            for field in FIELDS
            if is_written(image, field)
            and value_of(newest, field) is not None
            and text_provenance.differs(image, newest, field)
        ]
    return Suggestions(items=found)


def restore(
    user_id: UUID,
    image_id: UUID,
    wanted: Restoration,
    *,
    required: frozenset[str] | None = None,
) -> Versioned[ImagePublic]:
    """Take texts from an analysis of this picture.

    Raises NotFound (picture, analysis), and PreconditionFailed if the picture has none of the
    versions `required`.
    """

    def take(session: Session, image: Image) -> None:
        analysis = _analysis(session, image, wanted.analysis_id)
        for field in dict.fromkeys(wanted.fields):
            text_provenance.take(image, analysis, field)

    return _change(user_id, image_id, take, required)


def release(
    user_id: UUID,
    image_id: UUID,
    fields: list[TextField],
    *,
    required: frozenset[str] | None = None,
) -> Versioned[ImagePublic]:
    """Let models write these texts again: the newest analysis at once, where it says something.

    Raises as `restore` does.
    """

    def let_go(session: Session, image: Image) -> None:
        newest = _newest(session, image)
        for field in dict.fromkeys(fields):
            if newest is not None and value_of(newest, field) is not None:
                text_provenance.take(image, newest, field)
            elif is_written(image, field):
                text_provenance.let_go(image, field)

    return _change(user_id, image_id, let_go, required)


def keep(
    user_id: UUID,
    image_id: UUID,
    fields: list[TextField],
    *,
    required: frozenset[str] | None = None,
) -> Versioned[ImagePublic]:
    """Keep what the person wrote: the newest analysis is not suggested any more.

    Raises as `restore` does.
    """

    def note(_: Session, image: Image) -> None:
        for field in fields:
            if image.analysis_id is not None and is_written(image, field):
                text_provenance.keep(image, field)

    return _change(user_id, image_id, note, required)


def _public(image: Image, row: ImageAnalysis) -> AnalysisPublic:
    differs = [field for field in FIELDS if text_provenance.differs(image, row, field)]
    return AnalysisPublic.model_validate(row.model_dump() | {"differs": differs})


def _change(
    user_id: UUID,
    image_id: UUID,
    change: Callable[[Session, Image], None],
    required: frozenset[str] | None,
) -> Versioned[ImagePublic]:
    with transaction(user_id) as session:
        image = images.fetch(session, image_id, lock=True)
        require(image, required)
        change(session, image)
        if session.is_modified(image):
            session.add(image)
            after_commit(session, partial(events.publish, user_id, "image_edited", image_id))
            session.flush()
            session.refresh(image, ["updated_at"])  # the database has the last word
        return Versioned(tag_of(image), shown(session, [image])[0])


def _newest(session: Session, image: Image) -> ImageAnalysis | None:
    return session.get(ImageAnalysis, image.analysis_id) if image.analysis_id else None


def _analysis(session: Session, image: Image, analysis_id: UUID) -> ImageAnalysis:
    found = session.get(ImageAnalysis, analysis_id)
    if found is None or found.image_id != image.id:
        raise NotFound
    return found
