"""Look-up by hash: finds pictures of whoever has the file already (SHA-256)."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import Session, col

from imgapp.adapters.db import transaction
from imgapp.errors import NotFound
from imgapp.models import Image, ImagePublic, Shape
from imgapp.services.common.sanitize import Language, check_language
from imgapp.services.library.serialize import shown
from imgapp.services.library.text_choice import choose_text

MOST_HASHES = 1_000

Sha256 = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$")]
"""FIPS 180-4, in hexadecimals; either case."""


class Hashes(BaseModel):
    """SHA-256 of the files that somebody has."""

    model_config = ConfigDict(extra="forbid")

    sha256: list[Sha256] = Field(min_length=1, max_length=MOST_HASHES)
    language: Language | None = Field(
        default=None, description="Of `text`: this one, its kin, or the picture's own"
    )
    state: Literal["approved"] | None = Field(
        default=None, description="Of `text`: the wording that was approved last, or none"
    )


class HashMatches(Shape):
    """The pictures of these bytes, each once, in the order asked; and the hashes that have none."""

    items: list[ImagePublic]
    missing: list[str]


def get_by_hash(
    user_id: UUID, sha256: str, language: str | None = None, *, approved: bool = False
) -> ImagePublic:
    """The picture of these bytes, with its text in a language, or only an approved one.

    Raises NotFound, also when it is in the trash, and InvalidRequest (`unknown_language`).
    """
    found = find_by_hashes(user_id, [sha256], language, approved=approved)
    if not found.items:
        raise NotFound
    return found.items[0]


def find_by_hashes(
    user_id: UUID, hashes: list[str], language: str | None = None, *, approved: bool = False
) -> HashMatches:
    """Which of these files are pictures of this person. Raises InvalidRequest (language)."""
    language = check_language(language) if language else None
    wanted = list(dict.fromkeys(one.lower() for one in hashes))
    with transaction(user_id) as session:
        images = _fetch(session, user_id, wanted)
        known = {image.sha256: image for image in images}
        items = shown(session, [known[one] for one in wanted if one in known])
    if language is not None or approved:
        chosen = [choose_text(one, language, approved=approved) for one in items]
        items = [
            one.model_copy(update={"text": text}) for one, text in zip(items, chosen, strict=True)
        ]
    return HashMatches(items=items, missing=[one for one in wanted if one not in known])


def _fetch(session: Session, user_id: UUID, wanted: list[str]) -> list[Image]:
    # Row-level security says whose; said here too, the unique index of person and hash serves it.
    query = select(Image).where(
        col(Image.user_id) == user_id,
        col(Image.sha256).in_(wanted),
        col(Image.deleted_at).is_(None),
    )
    return list(session.execute(query).scalars())
