"""Text checks: asks the rules about texts that have changed, and keeps their doubts (background).

The database notes that a text has to be looked at again by forgetting its doubts: when its words
change, or what is known of its picture, or another picture says the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.services.library.bulk import TOLD_ONE_BY_ONE
from imgapp.services.texts.doubts import WrittenText, doubts_of

AT_ONCE = 200
_MOST_BATCHES = 100
"""In one go, after which the worker looks whether it is to stop."""
SAME = "same_as_another"
_MOST_FACTS = 10_000

_NEXT = text("SELECT user_id, image_id FROM imgapp_unchecked_texts(:limit)")
# The pictures first, in the order of their ids, as whoever changes one locks it before its texts;
# what somebody is changing is looked at the next time.
_LOCK = text(
    "SELECT id FROM images WHERE id = ANY(CAST(:ids AS uuid[]))"
    " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"
)
_READ = text("""
    SELECT t.image_id, t.language, t.alt_text, t.description, t.tags, t.decorative, t.changed_at,
        i.visible_text, i.filename, i.context, left(i.facts::text, :most) AS facts,
        p.context AS of_all, p.glossary, p.glossaries ->> t.language AS of_language,
        ARRAY(
            SELECT b.context FROM batch_items n JOIN batches b ON b.id = n.batch_id
            WHERE n.image_id = t.image_id AND b.context IS NOT NULL LIMIT 3
        ) AS of_batches,
        ARRAY(
            SELECT o.approved::text FROM image_texts o
            WHERE o.image_id = t.image_id AND o.approved IS NOT NULL
        ) AS approved,
        t.alt_text <> '' AND EXISTS (
            SELECT FROM image_texts o
            WHERE o.user_id = t.user_id AND o.language = t.language AND o.alt_text <> ''
                AND md5(o.alt_text) = md5(t.alt_text) AND o.image_id <> t.image_id
        ) AS same_as_others
    FROM image_texts t
    JOIN images i ON i.id = t.image_id
    LEFT JOIN preferences p ON p.user_id = t.user_id
    WHERE t.image_id = ANY(CAST(:ids AS uuid[])) AND t.doubts IS NULL
""")
_KEEP = text("""
    WITH found AS (
        SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS v (image_id uuid, language text, doubts jsonb)
    )
    UPDATE image_texts t SET doubts = f.doubts FROM found f
    WHERE t.image_id = f.image_id AND t.language = f.language AND t.doubts IS NULL
""")
_TOUCH = text(
    "UPDATE images SET updated_at = clock_timestamp() WHERE id = ANY(CAST(:ids AS uuid[]))"
)
# Those that said it alone until now; whoever is changing one has it looked at anyway.
_SAME = text("""
    WITH free AS (
        SELECT o.image_id, o.language FROM image_texts o
        WHERE o.doubts IS NOT NULL AND NOT o.doubts @> CAST(:same AS jsonb)
            AND EXISTS (
                SELECT FROM image_texts t
                WHERE t.image_id = ANY(CAST(:ids AS uuid[])) AND t.doubts @> CAST(:same AS jsonb)
                    AND o.user_id = t.user_id AND o.language = t.language AND o.alt_text <> ''
                    AND md5(o.alt_text) = md5(t.alt_text) AND o.image_id <> t.image_id
            )
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE image_texts o SET doubts = NULL FROM free
    WHERE o.image_id = free.image_id AND o.language = free.language
""")


def check_some() -> int:
    """Look at texts that changed, the latest first; how many. Raises DatabaseUnavailable."""
    done = 0
    for _ in range(_MOST_BATCHES):
        some = _check_batch()
        done += some
        if not some:
            break
    return done


def _check_batch() -> int:
    waiting: dict[UUID, set[UUID]] = defaultdict(set)
    with transaction() as session:
        for row in session.execute(_NEXT, {"limit": AT_ONCE}):
            waiting[row.user_id].add(row.image_id)
    return sum(_check_pictures(user_id, ids) for user_id, ids in waiting.items())


def _check_pictures(user_id: UUID, ids: set[UUID]) -> int:
    with transaction(user_id) as session:
        free = list(session.execute(_LOCK, {"ids": list(ids)}).scalars())
        rows = session.execute(_READ, {"ids": free, "most": _MOST_FACTS}).all() if free else []
        if not rows:
            return 0
        _keep(session, rows)
        after_commit(session, partial(_tell, user_id, {row.image_id for row in rows}))
        return len(rows)


def _keep(session: Session, rows: Sequence[Any]) -> None:
    found = [
        {
            "image_id": str(row.image_id),
            "language": row.language,
            "doubts": [asdict(doubt) for doubt in doubts_of(_written(row))],
        }
        for row in rows
    ]
    ids = list({row.image_id for row in rows})
    session.execute(_KEEP, {"rows": json.dumps(found)})
    session.execute(_TOUCH, {"ids": ids})
    if any(row.same_as_others for row in rows):
        session.execute(_SAME, {"ids": ids, "same": json.dumps([{"rule": SAME}])})


def _written(row: Any) -> WrittenText:
    return WrittenText(
        language=row.language,
        alt_text=row.alt_text,
        description=row.description,
        tags=tuple(row.tags or ()),
        decorative=row.decorative,
        visible_text=row.visible_text,
        filename=row.filename,
        known=tuple(_known(row)),
        same_as_others=bool(row.same_as_others),
    )


def _known(row: Any) -> Iterator[str]:
    said = (row.of_language, row.glossary, row.of_all, row.context, row.facts)
    yield from filter(None, said)
    yield from row.of_batches
    yield from row.approved


def _tell(user_id: UUID, ids: set[UUID]) -> None:
    if len(ids) > TOLD_ONE_BY_ONE // 10:
        events.publish_many(user_id)
        return
    for image_id in ids:
        events.publish(user_id, "image_edited", image_id)
