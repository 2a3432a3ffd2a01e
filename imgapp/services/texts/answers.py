"""Answers as texts: a model's words become the text of the language that was asked for.

What a person wrote stays, in each language by itself.
"""

from __future__ import annotations

from sqlmodel import Session

from imgapp.adapters.languages import primary
from imgapp.models import Image, ImageAnalysis, ImageText, WrittenBy
from imgapp.services.library.text_provenance import current_text
from imgapp.services.texts import uses
from imgapp.services.texts.texts import (
    FIELDS,
    fetch_text,
    first_language,
    make_own,
    own_text,
)


def keep_answer(
    session: Session,
    image: Image,
    analysis: ImageAnalysis,
    asked: str,
    *,
    made_from: str | None = None,
    use: str | None = None,
) -> None:
    """Write what an answer says to the picture, whose row is locked, in its owner's transaction.

    `asked` is the language that was asked for, `made_from` that of the text which was translated.
    In another language than the picture's own text, it stands beside that, or takes its place if it
    is the person's first. What was asked for a `use` is that one's text alone.
    """
    if use is not None:
        uses.keep_answer(session, image, analysis, asked, use)
        return
    own = own_text(session, image.id)
    if own is None or is_of_own(own.language, asked, analysis.language):
        for name, value in current_text(image, analysis).items():
            setattr(image, name, value)
        image.analysis_id = analysis.id
        return
    text = fetch_text(session, image.id, asked)
    if text is None:
        text = ImageText(image_id=image.id, language=asked, user_id=image.user_id)
    _write(text, analysis, made_from)
    if asked == first_language(session, image.user_id):
        make_own(session, image, text)
        image.analysis_id = analysis.id
    else:
        session.add(text)
    if image.visible_text is None and image.visible_text_by is None and analysis.visible_text:
        image.visible_text, image.visible_text_by = analysis.visible_text, WrittenBy.MODEL


def is_of_own(own: str, asked: str, said: str | None) -> bool:
    """Whether an answer is of the language of a picture's own text: it was asked for, or the answer
    names it where its kin was ("pt-BR" for "pt")."""
    return asked == own or (said == own and primary(asked) == primary(own))


def _write(text: ImageText, analysis: ImageAnalysis, made_from: str | None) -> None:
    written = {name for name, by in text.written_by.items() if by == WrittenBy.PERSON}
    # "Decorative" and an empty alt text are one statement: a model must not make half of it.
    if written & {"alt_text", "decorative"}:
        written |= {"alt_text", "decorative"}
    by = dict(text.written_by)
    for name in FIELDS:
        if name in written:
            continue
        value = getattr(analysis, name)
        setattr(text, name, value)
        by.pop(name, None)
        if value is not None:
            by[name] = WrittenBy.MODEL.value
    text.written_by, text.analysis_id, text.made_from = by, analysis.id, made_from
