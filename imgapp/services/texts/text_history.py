"""Text history by language: lists who wrote, approved, returned and removed what (audit)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlmodel import col

from imgapp.adapters.db import transaction
from imgapp.models import Shape, TextChange, TextWords
from imgapp.services.common.pagination import newest_page
from imgapp.services.common.sanitize import check_language
from imgapp.services.library import images


class TextChangePublic(Shape):
    """Something that happened to a text."""

    id: UUID
    kind: Literal["written", "approved", "returned", "reopened", "removed"]
    at: datetime
    actor_id: UUID | None = Field(description="null is a model, or the file")
    words: TextWords = Field(description="As they were then")
    written_by: dict[str, str]
    made_from: str | None
    note: str | None


class TextChangesPage(Shape):
    """One page of a text's history."""

    items: list[TextChangePublic]
    next_cursor: str | None


def list_changes(
    user_id: UUID, image_id: UUID, language: str, *, limit: int = 60, cursor: str | None = None
) -> TextChangesPage:
    """Newest first; none if nothing was ever said in that language by anybody but a model.

    Raises NotFound, InvalidRequest (language, cursor).
    """
    language = check_language(language)
    scope = (user_id, "text changes", image_id, language)
    query = select(TextChange).where(
        col(TextChange.image_id) == image_id, col(TextChange.language) == language
    )
    order = (col(TextChange.at), col(TextChange.id))
    with transaction(user_id) as session:
        images.fetch(session, image_id)
        rows, further = newest_page(session, query, order, scope, limit=limit, cursor=cursor)
        items = [TextChangePublic.model_validate(row.model_dump()) for row in rows]
    return TextChangesPage(items=items, next_cursor=further)
