"""Texts by language: read, write, approve and return what is said of a picture (review states).

The text of a person's first language is the picture's own and stands in its row, others beside it.
The database keeps the rest: words that change are a draft, the wording approved before stays until
a newer one is approved, and all that was said is remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlmodel import Session, col

from imgapp.adapters import events, wake_ups
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import Conflict, NotFound, PreconditionFailed
from imgapp.models import (
    Image,
    ImageEdit,
    ImageText,
    ImageUse,
    Preferences,
    TextPublic,
    TextState,
    WrittenBy,
)
from imgapp.services.common.sanitize import check_language, clean_tags, clean_text
from imgapp.services.library import images
from imgapp.services.library.entity_tags import Versioned
from imgapp.services.library.serialize import texts_of

DEFAULT_LANGUAGE = "en"
LONGEST_NOTE = 2_000
NOTHING_SAID = ""
"""The tag of a text that there is not: who writes the first one can say so (`If-Match: ""`)."""
FIELDS = ("alt_text", "description", "tags", "decorative")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERSON = "person"


class TextEdit(BaseModel):
    """What a person writes in one language. What is left out stays; null makes it unknown."""

    model_config = ConfigDict(extra="forbid")

    alt_text: str | None = Field(default=None, max_length=2_000)
    description: str | None = Field(default=None, max_length=20_000)
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    decorative: bool | None = None
    approve: bool = Field(default=False, description="Approve it in the same step")


class TextReturn(BaseModel):
    """A word why a text is returned."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)


def read_text(user_id: UUID, image_id: UUID, language: str) -> Versioned[TextPublic]:
    """Raises NotFound (picture, or nothing is said in that language), InvalidRequest (language)."""
    language = check_language(language)
    with transaction(user_id) as session:
        images.fetch(session, image_id)
        return _versioned(session, image_id, language)


def write_text(
    user_id: UUID,
    image_id: UUID,
    language: str,
    edit: TextEdit,
    *,
    required: frozenset[str] | None = None,
) -> Versioned[TextPublic]:
    """Write what a person says of a picture in a language; no model overwrites it.

    A text whose last word is taken away is gone, and its tag is `NOTHING_SAID`.
    Raises NotFound, InvalidRequest (`unknown_language`), Conflict (`nothing_to_approve`), and
    PreconditionFailed if the text has none of the versions `required`.
    """
    language = check_language(language)
    given = edit.model_dump(include=edit.model_fields_set - {"approve"})

    def write(session: Session, image: Image, text: ImageText | None) -> None:
        if given:
            write_words(session, image, text, language, given)

    return _change(user_id, image_id, language, write, required, approve=edit.approve)


def approve(
    user_id: UUID, image_id: UUID, language: str, *, required: frozenset[str] | None = None
) -> Versioned[TextPublic]:
    """Stand behind a text as it is. Raises as `write_text` does."""
    return _set(user_id, image_id, language, TextState.APPROVED, required)


def send_back(
    user_id: UUID,
    image_id: UUID,
    language: str,
    note: str,
    *,
    required: frozenset[str] | None = None,
) -> Versioned[TextPublic]:
    """Return a text with a word why. Raises as `write_text` does."""

    why = clean_text(note)
    return _set(user_id, image_id, language, TextState.RETURNED, required, note=why)


def reopen(
    user_id: UUID, image_id: UUID, language: str, *, required: frozenset[str] | None = None
) -> Versioned[TextPublic]:
    """Take an approval or a return back: the text is a draft. Raises as `write_text` does."""

    return _set(user_id, image_id, language, TextState.DRAFT, required)


def first_language(session: Session, user_id: UUID) -> str:
    """The language that a person's pictures are described in if nobody says otherwise."""
    query = select(col(Preferences.language)).where(col(Preferences.user_id) == user_id)
    return session.execute(query).scalar_one_or_none() or DEFAULT_LANGUAGE


def own_text(session: Session, image_id: UUID) -> ImageText | None:
    """The copy of the picture's own text, as the database keeps it."""
    query = select(ImageText).where(col(ImageText.image_id) == image_id, col(ImageText.is_own))
    return session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()


def _change(
    user_id: UUID,
    image_id: UUID,
    language: str,
    change: Callable[[Session, Image, ImageText | None], None],
    required: frozenset[str] | None,
    *,
    approve: bool = False,
) -> Versioned[TextPublic]:
    with transaction(user_id) as session:
        image = images.fetch(session, image_id, lock=True)
        text = fetch_text(session, image_id, language)
        if required is not None and (tag_of(text) if text else NOTHING_SAID) not in required:
            raise PreconditionFailed
        change(session, image, text)
        session.flush()
        if approve:
            text = fetch_text(session, image_id, language)
            require_words(text)
            assert text is not None
            text.state = TextState.APPROVED
            session.flush()
        after_commit(session, partial(events.publish, user_id, "image_edited", image_id))
        after_commit(session, wake_ups.call_for_chores)  # webhooks may be told
        return _left(session, image, language)


def _left(session: Session, image: Image, language: str) -> Versioned[TextPublic]:
    """What is said now. Where the last word was taken away, that is nothing, and no text."""
    text = fetch_text(session, image.id, language)
    if text is not None and all(getattr(text, field) is None for field in FIELDS):
        session.delete(text)
        session.flush()
        text = None
    if text is not None:
        return _versioned(session, image.id, language)
    nothing = ImageText(image_id=image.id, language=language, user_id=image.user_id)
    unknown = {"model_version": None, "prompt_version": None}
    return Versioned(NOTHING_SAID, TextPublic.model_validate(nothing.model_dump() | unknown))


def _set(
    user_id: UUID,
    image_id: UUID,
    language: str,
    state: TextState,
    required: frozenset[str] | None,
    *,
    note: str | None = None,
) -> Versioned[TextPublic]:
    def change(session: Session, _: Image, text: ImageText | None) -> None:
        if text is None:
            raise NotFound
        if state is TextState.APPROVED:
            require_words(text)
        text.state, text.note = state, note
        session.add(text)

    return _change(user_id, image_id, check_language(language), change, required)


def require_words(text: ImageText | None) -> None:
    if text is None or not (text.alt_text or text.decorative):
        raise Conflict(
            "There is no alt text to approve: write one, or say that the picture is decorative.",
            code="nothing_to_approve",
        )


def write_words(
    session: Session, image: Image, text: ImageText | None, language: str, given: dict[str, Any]
) -> None:
    own, first = own_text(session, image.id), first_language(session, image.user_id)
    if language == (own.language if own else first):
        images.apply(image, ImageEdit(**given, language=language))
        session.add(image)
        return
    text = text or ImageText(image_id=image.id, language=language, user_id=image.user_id)
    for field, value in _whole(text, given).items():
        setattr(text, field, value)
        by = {name: who for name, who in text.written_by.items() if name != field}
        text.written_by = by if value is None else by | {field: _PERSON}
    if own is not None and language == first:
        make_own(session, image, text)
    else:
        session.add(text)


def _whole(text: ImageText, given: dict[str, Any]) -> dict[str, Any]:
    """With what follows: "decorative" and an empty alt text are one statement."""
    given = dict(given)
    if given.get("decorative"):
        given["alt_text"] = ""
    elif given.get("alt_text") and "decorative" not in given and text.decorative:
        given["decorative"] = False
    elif "decorative" in given and "alt_text" not in given and text.alt_text == "":
        given["alt_text"] = None
    return {name: _cleaned(value) for name, value in given.items()}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    return clean_tags(value) if isinstance(value, list) else value


def make_own(session: Session, image: Image, text: ImageText) -> None:
    """Let a text of the first language be the picture's own; what was that stands beside it."""
    session.add(text)
    session.flush()
    for field in FIELDS:
        setattr(image, field, getattr(text, field))
        by = text.written_by.get(field)
        setattr(image, f"{field}_by", WrittenBy(by) if by in set(WrittenBy) else None)
    image.language, image.language_by = text.language, WrittenBy.PERSON
    session.add(image)


def fetch_text(session: Session, image_id: UUID, language: str) -> ImageText | None:
    """The row, locked; None if nothing is said in that language."""
    query = select(ImageText).where(
        col(ImageText.image_id) == image_id, col(ImageText.language) == language
    )
    found: ImageText | None = session.execute(
        query.with_for_update().execution_options(populate_existing=True)
    ).scalar_one_or_none()
    return found


def _versioned(session: Session, image_id: UUID, language: str) -> Versioned[TextPublic]:
    session.expire_all()
    text = texts_of(session, [image_id]).get(image_id, {}).get(language)
    if text is None:
        raise NotFound
    return Versioned(tag_of(text), text)


def tag_of(text: ImageText | ImageUse | TextPublic) -> str:
    """The version of a text: another one after each change of its words or its state."""
    return f"{(text.changed_at - _EPOCH) // timedelta(microseconds=1):x}"
