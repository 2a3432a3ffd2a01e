"""Doubts about the texts for a use: asks the rules as they are read, with the role (lint)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.models import ImagePublic, ImageUse, UseRole
from imgapp.services.texts.doubts import LONGEST, WrittenText, doubts_of

_LONGEST = {UseRole.FUNCTIONAL: LONGEST // 2}
"""What a link or button does is said in few words."""

_KNOWN = text("""
    SELECT p.context, p.glossary, p.glossaries, coalesce(p.rules_off, '{}') AS rules_off,
        left(i.facts::text, 10000) AS facts,
        ARRAY(
            SELECT b.context FROM batch_items n JOIN batches b ON b.id = n.batch_id
            WHERE n.image_id = i.id AND b.context IS NOT NULL LIMIT 3
        ) AS of_batches,
        ARRAY(
            SELECT t.approved::text FROM image_texts t
            WHERE t.image_id = i.id AND t.approved IS NOT NULL
        ) AS approved
    FROM images i LEFT JOIN preferences p ON p.user_id = i.user_id WHERE i.id = :image_id
""")


def doubts_of_uses(
    session: Session, picture: ImagePublic, uses: list[ImageUse]
) -> dict[UUID, list[dict[str, str]]]:
    """By the id of the use; none where it has no words. The rules that its owner does not want are
    not asked."""
    if not uses:
        return {}
    row = session.execute(_KNOWN, {"image_id": picture.id}).one()
    found = {}
    for use in uses:
        written = _written(picture, use, row)
        doubts = doubts_of(written, row.rules_off) if use.alt_text is not None else ()
        found[use.id] = [asdict(doubt) for doubt in doubts]
    return found


def _written(picture: ImagePublic, use: ImageUse, row: Any) -> WrittenText:
    return WrittenText(
        language=use.language,
        alt_text=use.alt_text,
        description=use.description,
        visible_text=picture.visible_text,
        filename=picture.filename,
        known=tuple(_known(picture, use, row)),
        longest=_LONGEST.get(UseRole(use.role), LONGEST),
        use=use.role,
    )


def _known(picture: ImagePublic, use: ImageUse, row: Any) -> Iterator[str]:
    said = [use.name, use.context, picture.context, row.context, row.glossary, row.facts]
    yield from filter(None, [*said, (row.glossaries or {}).get(use.language)])
    yield from row.of_batches
    yield from row.approved
