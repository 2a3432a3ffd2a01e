"""Review decisions: approve, rewrite, return and take back, in one transaction each (undo).

A share of what is approved comes to a second person, who is another session or access token of the
account. What they say is kept, for how often people agree to be known.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import cast, delete, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlmodel import Session, col

from imgapp.adapters import events, wake_ups
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import NotFound, PreconditionFailed
from imgapp.models import (
    Image,
    ImageAnalysis,
    ImageText,
    Preferences,
    SecondLook,
    Shape,
    TextAuthor,
    TextChange,
    TextPublic,
    TextState,
    Viewer,
    now,
)
from imgapp.services.common.sanitize import check_language, clean_text
from imgapp.services.library import images
from imgapp.services.library.serialize import texts_of
from imgapp.services.texts.review import chosen, reviewer_of
from imgapp.services.texts.texts import (
    FIELDS,
    LONGEST_NOTE,
    fetch_text,
    require_words,
    tag_of,
    write_words,
)


class Decision(StrEnum):
    APPROVE = "approve"
    SAVE = "save"
    RETURN = "return"
    UNDO = "undo"


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")

    alt_text: str | None = Field(default=None, max_length=2_000)
    description: str | None = Field(default=None, max_length=20_000)
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    decorative: bool | None = None


class TextBefore(_Words):
    """A text as it was before a decision, for taking that back."""

    state: TextState = TextState.DRAFT
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)


class ReviewDecision(_Words):
    """What a person says of a text. Words that are given are written first."""

    decision: Decision
    note: str | None = Field(
        default=None, min_length=1, max_length=LONGEST_NOTE, description="With `return`: why"
    )
    before: TextBefore | None = Field(
        default=None,
        description="With `undo`: the text as it was; null is none at all",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if bool(self.note and self.note.strip()) != (self.decision is Decision.RETURN):
            raise ValueError("`note` goes with `return`, and only with it")
        words = self.model_fields_set & set(FIELDS)
        if self.decision in (Decision.RETURN, Decision.UNDO) and words:
            raise ValueError("Words go with `approve` and `save`")
        if self.before is not None and self.decision is not Decision.UNDO:
            raise ValueError("`before` goes with `undo`, and only with it")
        return self


class ReviewedText(Shape):
    """What is said now, null if nothing is, and its entity tag."""

    etag: str | None
    text: TextPublic | None


def decide(
    viewer: Viewer,
    image_id: UUID,
    language: str,
    said: ReviewDecision,
    *,
    required: frozenset[str] | None = None,
    absent: bool = False,
) -> ReviewedText:
    """Do what a person decided of a text.

    Raises NotFound, InvalidRequest (`unknown_language`), Conflict (`nothing_to_approve`), and
    PreconditionFailed if the text has none of the versions `required`, or is there though it was to
    be `absent`.
    """
    language, user_id = check_language(language), viewer.user_id
    with transaction(user_id) as session:
        image = images.fetch(session, image_id, lock=True)
        text = fetch_text(session, image_id, language)
        if (required is not None and (text is None or tag_of(text) not in required)) or (
            absent and text is not None
        ):
            raise PreconditionFailed
        who = reviewer_of(viewer)
        if said.decision is Decision.UNDO:
            _undo(session, image, text, language, said.before)
            _undo_look(session, image_id, language, who)
        else:
            _decide(session, image, text, language, said, who)
        session.flush()
        after_commit(session, partial(events.publish, user_id, "image_edited", image_id))
        after_commit(session, wake_ups.call_for_chores)  # webhooks may be told
        session.expire_all()
        public = texts_of(session, [image_id]).get(image_id, {}).get(language)
    return ReviewedText(etag=tag_of(public) if public else None, text=public)


def _decide(
    session: Session,
    image: Image,
    text: ImageText | None,
    language: str,
    said: ReviewDecision,
    who: UUID,
) -> None:
    given = said.model_dump(include=said.model_fields_set & set(FIELDS))
    before = None if text is None else _words(text)
    if given:
        write_words(session, image, text, language, given)
        session.flush()
        text = fetch_text(session, image.id, language)
    if text is None:
        if said.decision is Decision.RETURN:
            raise NotFound
        require_words(text)
        return
    if said.decision is Decision.APPROVE:
        require_words(text)
        text.state = TextState.APPROVED
    elif said.decision is Decision.RETURN:
        text.state, text.note = TextState.RETURNED, clean_text(said.note or "")
    session.add(text)
    session.flush()
    _look_twice(session, text, before, said.decision, who)


def _look_twice(
    session: Session,
    text: ImageText,
    before: dict[str, Any] | None,
    decision: Decision,
    who: UUID,
) -> None:
    """Keep what a second person says, or ask for one."""
    look = session.get(SecondLook, (text.image_id, text.language))
    if look is not None and look.looked_at is None and before == look.words:
        if look.first_by != who:
            same = decision is Decision.APPROVE and before == _words(text)
            look.second_by, look.looked_at, look.agreed = who, now(), same
            session.add(look)
        return
    said = session.get(Preferences, text.user_id)
    share = said.review_second_share if said else 0
    if decision is not Decision.APPROVE or not chosen(
        text.image_id, text.language, share, "second"
    ):
        return
    if look is not None and look.looked_at is not None and look.words == _words(text):
        return  # two have seen these words
    asked: dict[str, Any] = {"words": _words(text), "first_by": who, "asked_at": now()}
    fresh = asked | dict.fromkeys(("second_by", "looked_at", "agreed"))
    key = {"image_id": text.image_id, "language": text.language, "user_id": text.user_id}
    statement = insert(SecondLook).values(**key, **asked)
    session.execute(
        statement.on_conflict_do_update(index_elements=["image_id", "language"], set_=fresh)
    )


def _undo_look(session: Session, image_id: UUID, language: str, who: UUID) -> None:
    look = session.get(SecondLook, (image_id, language), populate_existing=True)
    if look is None:
        return
    if look.second_by == who:
        look.second_by = look.looked_at = look.agreed = None
        session.add(look)
    elif look.first_by == who and look.looked_at is None:
        session.execute(
            delete(SecondLook).where(
                col(SecondLook.image_id) == image_id, col(SecondLook.language) == language
            )
        )


def _undo(
    session: Session,
    image: Image,
    text: ImageText | None,
    language: str,
    before: TextBefore | None,
) -> None:
    if text is None:
        raise NotFound
    if before is None:
        _unsay(session, image, text)
        return
    takes_back_approval = text.state == TextState.APPROVED != before.state
    _write_back(session, image, text, before)
    text = fetch_text(session, image.id, language)
    if text is None:
        raise NotFound
    if before.state is TextState.APPROVED:
        require_words(text)
    if takes_back_approval:
        _restore_approved(session, text)
    text.state, text.note = before.state, clean_text(before.note or "") or None
    session.add(text)


def _unsay(session: Session, image: Image, text: ImageText) -> None:
    """There was no text before: there is none again."""
    if not text.is_own:
        session.delete(text)
        return
    for field in FIELDS:
        setattr(image, field, None)
        setattr(image, f"{field}_by", None)
    session.add(image)


def _write_back(session: Session, image: Image, text: ImageText, before: TextBefore) -> None:
    for field in FIELDS:
        value = getattr(before, field)
        if value == getattr(text, field):
            continue
        by = None if value is None else _who_wrote(session, text, field, value)
        if text.is_own:
            setattr(image, field, value)
            # Of its own text a picture says no more than whether a model wrote it.
            by = TextAuthor.PERSON if by is TextAuthor.FILE else by
            setattr(image, f"{field}_by", by)
        else:
            others = {name: who for name, who in text.written_by.items() if name != field}
            setattr(text, field, value)
            text.written_by = others if by is None else others | {field: by.value}
    session.add(image)
    session.add(text)
    session.flush()


def _who_wrote(session: Session, text: ImageText, field: str, value: Any) -> TextAuthor:
    """Who said this before: nobody's word is taken for it."""
    analysis = session.get(ImageAnalysis, text.analysis_id) if text.analysis_id else None
    if analysis is not None and getattr(analysis, field) == value:
        return TextAuthor.MODEL
    query = _changes(text).where(col(TextChange.words)[field] == cast(value, JSONB))
    for change in session.execute(query.limit(1)).scalars():
        return TextAuthor(change.written_by.get(field, TextAuthor.PERSON))
    return TextAuthor.PERSON


def _restore_approved(session: Session, text: ImageText) -> None:
    """The wording that was approved before the one that is taken back; often none."""
    query = _changes(text).where(col(TextChange.kind) == "approved").limit(2)
    earlier = session.execute(query).scalars().all()[1:]
    if not earlier:
        text.approved = text.approved_at = text.approved_by = None
        return
    text.approved, text.approved_at = earlier[0].words, earlier[0].at
    text.approved_by = earlier[0].actor_id


def _changes(text: ImageText) -> Any:
    return (
        select(TextChange)
        .where(col(TextChange.image_id) == text.image_id, col(TextChange.language) == text.language)
        .order_by(col(TextChange.at).desc(), col(TextChange.id).desc())
    )


def _words(text: ImageText) -> dict[str, Any]:
    return {name: getattr(text, name) for name in FIELDS}
