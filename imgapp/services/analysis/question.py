"""The question about a picture: decides prompt, language and context in one place.

The request that waits may name language, detail and model; the language of what a person wrote, the
person's preferences, their prompt or everybody's, and what picture, batch and person are for make
up the rest.
"""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlmodel import Session

from imgapp.adapters import db
from imgapp.adapters.vision import (
    BASIC,
    PlaceOfUse,
    PromptVariables,
    Question,
    SourceText,
    make_ask,
    make_translation_ask,
)
from imgapp.models import Image, WrittenBy
from imgapp.services.analysis import prompts
from imgapp.services.analysis.preferences import DEFAULT_LANGUAGE
from imgapp.services.analysis.prompts import NamedPrompt
from imgapp.services.installation import vision_models

# One statement, as this is asked for each picture. The contexts of the three newest batches, from
# the oldest to the newest.
_SAID = """
    SELECT p.language, p.context, p.glossary, p.glossaries, p.vocabulary, p.never_cloud,
        o.number AS own_number, o.template AS own_template,
        e.number AS everybodys_number, e.template AS everybodys_template,
        ARRAY(
            SELECT n.context FROM (
                SELECT b.context, b.created_at FROM batches b
                WHERE b.context IS NOT NULL AND b.id IN (
                    SELECT i.batch_id FROM batch_items i WHERE i.image_id = %(image_id)s
                )
                ORDER BY b.created_at DESC LIMIT 3
            ) n ORDER BY n.created_at
        ) AS of_batches,
        (
            SELECT t.approved FROM image_texts t JOIN images i ON i.id = t.image_id
            WHERE i.id = %(image_id)s
                AND t.language = coalesce(%(made_from)s, i.ask ->> 'made_from')
        ) AS source,
        (
            SELECT jsonb_build_object('role', v.role, 'context', v.context)
            FROM image_uses v JOIN images i ON i.id = v.image_id
            WHERE i.id = %(image_id)s AND v.name = coalesce(%(use)s, i.ask ->> 'use')
            ORDER BY v.language = coalesce(i.ask ->> 'language', p.language) DESC, v.language
            LIMIT 1
        ) AS use
    FROM users u
    LEFT JOIN preferences p ON p.user_id = u.id
    LEFT JOIN LATERAL (
        SELECT number, template FROM prompts WHERE user_id = u.id ORDER BY number DESC LIMIT 1
    ) o ON true
    LEFT JOIN LATERAL (
        SELECT number, template FROM installation_prompts ORDER BY number DESC LIMIT 1
    ) e ON true
    WHERE u.id = %(user_id)s
"""
_PICTURE = """
    SELECT id, user_id, filename, s3_key, s3_bucket, width, height, facts, never_cloud, context,
        ask, language, language_by, error_code, priority, queued_at, started_at, attempts,
        lost_attempts
    FROM images WHERE id = %(image_id)s
"""


def ask_for(session: Session, image: Image, model: str | None = None) -> Question:
    """What to ask about this picture, in the transaction of its owner.

    `model` is the one that the claim names; None: the one of the request, or of the settings. What
    must not go to a cloud is asked of `BASIC`, whatever was named before that was said.
    """
    return _ask_for(_said(session, image), image, model)


def picture_and_ask(user_id: UUID, image_id: UUID, model: str) -> tuple[Image, Question] | None:
    """A picture, of which only this much is read, and what to ask about it; None if it is gone.

    One exchange, as this is read for each picture. Raises DatabaseUnavailable.
    """
    values = {"user_id": user_id, "image_id": image_id, "made_from": None, "use": None}
    pictures, said = db.read(user_id, (_PICTURE, values), (_SAID, values))
    if not pictures or not said:
        return None
    image = cast("Image", pictures[0])
    return image, _ask_for(said[0], image, model)


def _ask_for(said: Any, image: Image, model: str | None) -> Question:
    request = image.ask or {}
    model = model or request.get("model")
    if _stays_here(said, image, model):
        model = BASIC
    source = _source(said, request)
    if source is not None and model != BASIC:
        return make_translation_ask(
            source, _wishes(said, image, request), model=model, previous=image.error_code
        )
    own, everybodys = said.own_template, said.everybodys_template
    return _ask(
        said,
        image,
        prompts.choose((said.own_number, own), (said.everybodys_number, everybodys)),
        request,
        model=model,
        previous=image.error_code,
        use=_use(said, request),
    )


def _use(said: Any, request: dict[str, Any]) -> PlaceOfUse | None:
    name = request.get("use")
    known = said.use or {"role": "informative", "context": None}
    return PlaceOfUse(name, known["role"], known["context"]) if name else None


def ask_with(session: Session, image: Image, asked: NamedPrompt) -> Question:
    """What to ask about this picture with another prompt, else as if it were analysed now."""
    said = _said(session, image)
    model = BASIC if _stays_here(said, image, None) else None
    return _ask(said, image, asked, {}, model=model, previous=None)


def must_stay(session: Session, image: Image) -> bool:
    """Whether this picture must not leave the house, in the transaction of its owner."""
    return image.never_cloud or bool(_said(session, image).never_cloud)


def _said(session: Session, image: Image) -> Any:
    asked = image.ask or {}
    values = {
        "user_id": image.user_id,
        "image_id": image.id,
        "made_from": asked.get("made_from"),
        "use": asked.get("use"),
    }
    return session.connection().exec_driver_sql(_SAID, values).one()


def _ask(
    said: Any, image: Image, asked: NamedPrompt, request: dict[str, Any], **rest: Any
) -> Question:
    wishes = _wishes(said, image, request)
    return make_ask(wishes, template=asked.template, prompt_version=asked.version, **rest)


def _wishes(said: Any, image: Image, request: dict[str, Any]) -> PromptVariables:
    language = request.get("language") or _own_language(image) or said.language or DEFAULT_LANGUAGE
    return PromptVariables(
        language=language,
        detail=request.get("detail") or "standard",
        context=tuple(filter(None, [said.context, *said.of_batches, image.context])),
        glossary=(said.glossaries or {}).get(language) or said.glossary or "",
        vocabulary=tuple(said.vocabulary or ()),
    )


def _source(said: Any, request: dict[str, Any]) -> SourceText | None:
    """The approved words to be translated; None if the picture is to be looked at."""
    words = said.source if request.get("made_from") and not request.get("use") else None
    if not words or not words["alt_text"]:
        return None
    return SourceText(
        language=str(request["made_from"]),
        alt_text=words["alt_text"],
        description=words["description"],
        tags=tuple(words["tags"] or ()),
    )


def _own_language(image: Image) -> str | None:
    """That of the words which a person wrote: the texts of a picture are in one language."""
    return image.language if image.language_by == WrittenBy.PERSON else None


def _stays_here(said: Any, image: Image, model: str | None) -> bool:
    never = image.never_cloud or bool(said.never_cloud)
    return never and not vision_models.is_local(model)
