"""Meaning: adds the vector of its words to what is looked for (semantic search).

Only plain words have one: with quotes, a minus or an `or`, words alone are asked for. Where nothing
of a person's can be found by meaning, as in a database without pgvector, no encoder is started.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID

from imgapp.adapters import db, text_embeddings
from imgapp.errors import ServiceUnavailable
from imgapp.services.library.image_query import ImageQuery

log = logging.getLogger(__name__)

_OPERATORS = re.compile(r'["“”„‟«»\uff02]|(?:^|\s)-\S|\sor\s', re.IGNORECASE)
_MOST_KNOWN = 500
"""A search is asked several times: for a window, a count, a timeline, with every change."""

_ON = "SELECT imgapp_meaning_is_on() AS said"
_HAS = "SELECT imgapp_has_meaning() AS said"

_known: OrderedDict[str, str] = OrderedDict()
_lock = threading.Lock()


def terms_of(user_id: UUID, wanted: ImageQuery) -> dict[str, Any]:
    """As the functions in the database take it. Call it before a transaction: an encoder may have
    to start. Raises DatabaseUnavailable."""
    terms = wanted.terms()
    if (
        wanted.q is not None
        and wanted.meaning
        and not _OPERATORS.search(wanted.q)
        and _says(user_id, _HAS)
        and (vector := _vector(wanted.q))
    ):
        terms["near"] = vector
    return terms


def is_on(user_id: UUID) -> bool:
    """Whether texts are compared at all. Raises DatabaseUnavailable."""
    return _says(user_id, _ON)


def _says(user_id: UUID, question: str) -> bool:
    [rows] = db.read(user_id, (question, {}))
    return bool(rows[0].said)


def _vector(query: str) -> str:
    """Empty where there is none."""
    with _lock:
        if query in _known:
            _known.move_to_end(query)
            return _known[query]
    try:
        vector = text_embeddings.embed_query(query)
    except ServiceUnavailable as error:
        log.warning("query_not_embedded", extra={"reason": error.code})
        return ""
    with _lock:
        _known[query] = vector
        while len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return vector
