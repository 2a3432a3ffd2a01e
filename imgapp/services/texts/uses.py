"""Texts for a use: what is said of a picture in one place where it is used (context of use).

A product page wants another text than a news story. A use has a name, a role and words of its own;
where it has no words, and wherever no use is named, the picture's text holds. The database keeps
the state, as it does for texts by language.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlmodel import Session, col

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.errors import Conflict, NotFound, PreconditionFailed
from imgapp.models import (
    ChosenText,
    Image,
    ImageAnalysis,
    ImagePublic,
    ImageUse,
    Shape,
    TextAuthor,
    TextDoubt,
    TextState,
    UseRole,
)
from imgapp.services.common.sanitize import Language, check_language, clean_line, clean_text
from imgapp.services.library import images
from imgapp.services.library.entity_tags import Versioned
from imgapp.services.library.serialize import shown
from imgapp.services.library.text_choice import choose_text
from imgapp.services.texts.texts import LONGEST_NOTE, first_language, tag_of
from imgapp.services.texts.use_doubts import doubts_of_uses

MOST_USES = 50
"""Of one picture."""

Name = Annotated[str, Field(min_length=1, max_length=500, description="Of a place, or its address")]
_Context = Annotated[str, Field(max_length=10_000)]
_AltText = Annotated[str, Field(max_length=2_000)]
_Description = Annotated[str, Field(max_length=20_000)]


class NewUse(BaseModel):
    """A place where a picture is used. `language` is your first one if it is left out."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: UseRole = UseRole.INFORMATIVE
    context: _Context | None = Field(default=None, description="What the picture is for there")
    language: Language | None = None
    alt_text: _AltText | None = None
    description: _Description | None = None
    approve: bool = Field(default=False, description="Approve it in the same step")


class UseEdit(BaseModel):
    """What is left out stays; null makes it unknown, and the picture's text holds."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    role: UseRole = UseRole.INFORMATIVE
    context: _Context | None = None
    alt_text: _AltText | None = None
    description: _Description | None = None
    approve: bool = False


class UseReturn(BaseModel):
    """A word why a text is returned."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(min_length=1, max_length=LONGEST_NOTE)


class UseWords(Shape):
    """What is said of a picture for a use."""

    role: UseRole
    alt_text: str | None
    description: str | None


class UsePublic(UseWords):
    """A use of a picture, with its own words and those that hold."""

    id: UUID
    name: str
    context: str | None
    language: str = Field(description="BCP 47")
    written_by: dict[str, TextAuthor]
    state: TextState
    state_at: datetime
    state_by: UUID | None
    note: str | None = Field(description="Why it was returned")
    approved: UseWords | None = Field(description="The wording that was approved last")
    doubts: list[TextDoubt]
    holds: ChosenText | None = Field(
        description="Its own words or, where it has none, the picture's text in its language or "
        "the next best one"
    )
    created_at: datetime
    changed_at: datetime


class UsesPublic(Shape):
    """The uses of a picture."""

    items: list[UsePublic]
    next_cursor: None = None
    text: ChosenText | None = Field(
        description="The picture's own text: it holds wherever there is no use"
    )


def list_uses(user_id: UUID, image_id: UUID, language: str | None = None) -> UsesPublic:
    """By name, 50 at most; with the picture's text in `language`, or in the next best one.

    Raises NotFound, InvalidRequest (`unknown_language`).
    """
    language = check_language(language) if language else None
    with transaction(user_id) as session:
        image = images.fetch(session, image_id)
        query = select(ImageUse).where(col(ImageUse.image_id) == image_id)
        rows = session.execute(query.order_by(col(ImageUse.name), col(ImageUse.language)))
        picture = shown(session, [image])[0]
        items = _public(session, picture, list(rows.scalars()))
        return UsesPublic(items=items, text=choose_text(picture, language))


def read_use(user_id: UUID, image_id: UUID, use_id: UUID) -> Versioned[UsePublic]:
    """Raises NotFound."""
    with transaction(user_id) as session:
        image = images.fetch(session, image_id)
        return _versioned(session, image, _fetch(session, image_id, use_id))


def create_use(user_id: UUID, image_id: UUID, new: NewUse) -> Versioned[UsePublic]:
    """Raises NotFound, InvalidRequest (`unknown_language`), and Conflict (`use_exists`,
    `too_many_uses`, `nothing_to_approve`)."""
    language = check_language(new.language) if new.language else None
    with transaction(user_id) as session:
        image = images.fetch(session, image_id, lock=True)
        language = language or first_language(session, user_id)
        use = ImageUse(image_id=image_id, user_id=user_id, name=_named(new.name), language=language)
        _insist_on_room(session, use)
        _write(use, new.model_dump(include={"role", "context", "alt_text", "description"}))
        session.add(use)
        return _settled(session, image, use, approve=new.approve)


def edit_use(
    user_id: UUID,
    image_id: UUID,
    use_id: UUID,
    edit: UseEdit,
    *,
    required: frozenset[str] | None = None,
) -> Versioned[UsePublic]:
    """Raises NotFound, Conflict (`use_exists`, `nothing_to_approve`), and PreconditionFailed if it
    has none of the versions `required`."""
    given = edit.model_dump(include=edit.model_fields_set - {"approve"})

    def change(session: Session, use: ImageUse) -> None:
        if "name" in given and (name := _named(given.pop("name"))) != use.name:
            use.name = name
            _insist_on_the_only(session, use)
        _write(use, given)

    return _change(user_id, image_id, use_id, change, required, approve=edit.approve)


def remove_use(user_id: UUID, image_id: UUID, use_id: UUID) -> None:
    """From then on the picture's text holds there. Raises NotFound."""
    with transaction(user_id) as session:
        images.fetch(session, image_id, lock=True)
        session.delete(_fetch(session, image_id, use_id))
        after_commit(session, partial(events.publish, user_id, "image_edited", image_id))


def approve(
    user_id: UUID, image_id: UUID, use_id: UUID, *, required: frozenset[str] | None = None
) -> Versioned[UsePublic]:
    """Stand behind its words as they are. Raises as `edit_use`."""
    return _change(user_id, image_id, use_id, lambda *_: None, required, approve=True)


def send_back(
    user_id: UUID,
    image_id: UUID,
    use_id: UUID,
    note: str,
    *,
    required: frozenset[str] | None = None,
) -> Versioned[UsePublic]:
    """Return its words with a word why. Raises as `edit_use`."""

    def change(_: Session, use: ImageUse) -> None:
        use.state, use.note = TextState.RETURNED, clean_text(note)

    return _change(user_id, image_id, use_id, change, required)


def keep_answer(
    session: Session, image: Image, analysis: ImageAnalysis, language: str, name: str
) -> None:
    """Write what a model answered for a use; what a person wrote there stays.

    The picture's row is locked. A use that there is not yet in this language is made, with role and
    context of the same one in another, if there is room.
    """
    named = (col(ImageUse.image_id) == image.id, col(ImageUse.name) == name)
    kin = list(session.execute(select(ImageUse).where(*named)).scalars())
    use = next((one for one in kin if one.language == language), None)
    if use is None:
        use = ImageUse(image_id=image.id, user_id=image.user_id, name=name, language=language)
        if kin:
            use.role, use.context = kin[0].role, kin[0].context
        if _number(session, image.id) >= MOST_USES:
            return
    answer = {"alt_text": analysis.alt_text or None, "description": analysis.description or None}
    free = {
        field: value
        for field, value in answer.items()
        if use.written_by.get(field) != TextAuthor.PERSON
    }
    _write(use, free, by=TextAuthor.MODEL)
    if TextAuthor.MODEL in use.written_by.values():
        use.analysis_id = analysis.id
    session.add(use)
    session.flush()


def _change(
    user_id: UUID,
    image_id: UUID,
    use_id: UUID,
    change: Callable[[Session, ImageUse], None],
    required: frozenset[str] | None,
    *,
    approve: bool = False,
) -> Versioned[UsePublic]:
    with transaction(user_id) as session:
        image = images.fetch(session, image_id, lock=True)
        use = _fetch(session, image_id, use_id)
        if required is not None and tag_of(use) not in required:
            raise PreconditionFailed
        with session.no_autoflush:
            change(session, use)
        return _settled(session, image, use, approve=approve)


def _settled(
    session: Session, image: Image, use: ImageUse, *, approve: bool
) -> Versioned[UsePublic]:
    session.flush()
    if approve:
        # The words first, as those that change are a draft.
        if not use.alt_text and use.role != UseRole.DECORATIVE:
            raise Conflict(
                "There is no alt text to approve: write one, or say that the picture is decorative "
                "there.",
                code="nothing_to_approve",
            )
        session.refresh(use)
        use.state = TextState.APPROVED
        session.flush()
    session.refresh(use)
    after_commit(session, partial(events.publish, image.user_id, "image_edited", image.id))
    return _versioned(session, image, use)


def _write(use: ImageUse, given: dict[str, Any], by: TextAuthor = TextAuthor.PERSON) -> None:
    for field, value in given.items():
        setattr(use, field, clean_text(value) if isinstance(value, str) else value)
    words = {field for field in ("alt_text", "description") if field in given}
    if use.role == UseRole.DECORATIVE:
        # Nothing is said of what only decorates.
        words |= {"alt_text"} if "role" in given or words else set()
        use.alt_text, use.description = "", None
    elif "role" in given and use.alt_text == "":
        use.alt_text = None
        words.add("alt_text")
    authors = {name: who for name, who in use.written_by.items() if name not in words}
    said = {field for field in words if getattr(use, field) is not None}
    use.written_by = authors | dict.fromkeys(sorted(said), by.value)


def _named(name: str) -> str:
    cleaned = clean_line(name)
    if not cleaned:
        raise Conflict("A use has a name.", code="use_without_name")
    return cleaned


def _number(session: Session, image_id: UUID) -> int:
    query = select(func.count()).where(col(ImageUse.image_id) == image_id)
    return int(session.execute(query).scalar_one())


def _insist_on_room(session: Session, use: ImageUse) -> None:
    _insist_on_the_only(session, use)
    if _number(session, use.image_id) >= MOST_USES:
        raise Conflict(
            f"A picture has at most {MOST_USES} uses: remove one first.", code="too_many_uses"
        )


def _insist_on_the_only(session: Session, use: ImageUse) -> None:
    query = select(col(ImageUse.id)).where(
        col(ImageUse.image_id) == use.image_id,
        col(ImageUse.name) == use.name,
        col(ImageUse.language) == use.language,
        col(ImageUse.id) != use.id,
    )
    if session.execute(query).first():
        raise Conflict(
            "The picture has a use of that name in that language: change it instead.",
            code="use_exists",
        )


def _fetch(session: Session, image_id: UUID, use_id: UUID) -> ImageUse:
    query = select(ImageUse).where(col(ImageUse.image_id) == image_id, col(ImageUse.id) == use_id)
    found: ImageUse | None = session.execute(query).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def _versioned(session: Session, image: Image, use: ImageUse) -> Versioned[UsePublic]:
    picture = shown(session, [image])[0]
    return Versioned(tag_of(use), _public(session, picture, [use])[0])


def _public(session: Session, picture: ImagePublic, uses: list[ImageUse]) -> list[UsePublic]:
    doubts = doubts_of_uses(session, picture, uses)
    return [
        UsePublic.model_validate(
            use.model_dump()
            | {"doubts": doubts[use.id], "holds": _own(use) or choose_text(picture, use.language)}
        )
        for use in uses
    ]


def _own(use: ImageUse) -> ChosenText | None:
    if use.alt_text is None:
        return None
    return ChosenText(
        language=use.language,
        state=TextState(use.state),
        alt_text=use.alt_text,
        description=use.description,
        tags=None,
        decorative=use.role == UseRole.DECORATIVE,
    )
