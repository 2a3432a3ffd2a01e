"""Embedding: makes what pictures' texts mean searchable, a batch at a time (vector index).

The database notes which texts have changed (`embedding_requests`). Whoever takes some of them has
them for a minute; what is changed meanwhile is asked for again. Where there is no pgvector, nothing
is ever asked for.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from imgapp.adapters import imaging, text_embeddings
from imgapp.adapters.db import transaction
from imgapp.errors import ServiceUnavailable

AT_ONCE = 64
_MOST_BATCHES = 100
"""In one go, of each lane: half a minute, after which the worker looks whether it is to stop."""
_LOOK_SECONDS = 0.2
"""How long the processors are looked at before the second lane begins."""
BESIDE = "second embedding lane"
_MOST_READ = 500
"""Characters of what is read in a picture: a page of a book is about its beginning."""
_WEIGHTS = {"alt_text": 1.0, "tags": 1.0, "description": 0.5, "visible_text": 0.25}
"""Of several ways to make one vector of four texts, each with a vector of its own found most: 96 of
100 queries right on top, where the texts joined to one found 94 and were told apart worse."""

_TAKE = text("SELECT user_id, image_id, asked_at FROM imgapp_take_embedding_requests(:limit)")
_TEXTS = text(
    "SELECT id, alt_text, array_to_string(tags, ', ') AS tags, description,"
    " left(visible_text, :most) AS visible_text"
    " FROM images WHERE id = ANY(:ids) AND deleted_at IS NULL"
)
_KEEP = text(
    "SELECT imgapp_keep_embeddings("
    "CAST(:ids AS uuid[]), CAST(:asked AS timestamptz[]), CAST(:vectors AS text[]))"
)


def embed_some() -> int:
    """Embed what is asked for, in the background; returns how many.

    Where a batch is full and the processors have nothing else to do, there is a second lane beside
    the first: while one waits for the database, the other's encoder works. Raises
    DatabaseUnavailable, ServiceUnavailable.
    """
    done = _embed_batch(0)
    if done < AT_ONCE:
        return done
    counted: list[int] = []
    beside = threading.Thread(target=_embed_beside, args=[counted], name=BESIDE, daemon=True)
    beside.start()
    try:
        for _ in range(_MOST_BATCHES):
            some = _embed_batch(0)
            done += some
            if some < AT_ONCE:
                break
    finally:
        beside.join()
    return done + sum(counted)


def _embed_beside(counted: list[int]) -> None:
    """Until others need the processors, or pictures come in; what fails is left to the first
    lane."""
    with suppress(ServiceUnavailable):
        processors = text_embeddings.Processors()
        time.sleep(_LOOK_SECONDS)
        while len(counted) < _MOST_BATCHES and not imaging.is_busy() and processors.are_free():
            counted.append(_embed_batch(1))
            if counted[-1] < AT_ONCE:
                break


def _embed_batch(lane: int) -> int:
    asked: dict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    with transaction() as session:
        for row in session.execute(_TAKE, {"limit": AT_ONCE}):
            asked[row.user_id][row.image_id] = row.asked_at
    for user_id, pictures in asked.items():
        with transaction(user_id) as session:
            rows = session.execute(_TEXTS, {"ids": list(pictures), "most": _MOST_READ}).all()
        vectors = text_embeddings.embed([_weighted(row) for row in rows], lane=lane)
        values = {
            "ids": [row.id for row in rows],
            "asked": [pictures[row.id] for row in rows],
            "vectors": vectors,
        }
        with transaction(user_id) as session:
            session.execute(_KEEP, values)
    return sum(map(len, asked.values()))


def _weighted(row: Any) -> list[tuple[str, float]]:
    return [(said, weight) for name, weight in _WEIGHTS.items() if (said := getattr(row, name))]
