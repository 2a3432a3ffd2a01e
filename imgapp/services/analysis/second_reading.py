"""Second readings: reads what a model has described, for words that it missed (background work).

Nothing waits for it: neither upload nor analysis. Pictures that were described in this process are
noted in its memory, the newest ten thousand, and read one at a time while they come slowly enough
for that; what is noted goes with the process. Where something was missed, the lines are kept among
the facts of the picture, apart from its texts: a hint for its owner.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.reading import is_built_in, read_text
from imgapp.errors import PermanentDescriberError
from imgapp.models import Image
from imgapp.services.analysis.model_copies import copy_of
from imgapp.services.common.sanitize import clean_line
from imgapp.services.library.missed_words import READ, missed
from imgapp.services.queue import leases

MOST_OFFERED = 10_000
CALM_SECONDS = 0.5
"""While pictures are described faster than this, the processors are theirs."""

_lock = threading.Lock()
_offered: deque[tuple[UUID, UUID]] = deque(maxlen=MOST_OFFERED)
_last_at = 0.0


def offer(user_id: UUID, image_id: UUID) -> None:
    """Note a picture that a model has described; of too many the oldest are left unread."""
    global _last_at
    if not is_built_in():
        return
    with _lock:
        _offered.append((user_id, image_id))
        _last_at = time.monotonic()


def read_offered() -> None:
    """Read what is noted, until there is nothing left, or others need the processors.

    Raises DatabaseUnavailable, StoreUnavailable, ServiceUnavailable: what is left is read later.
    """
    while not leases.stopping() and (noted := _next()):
        read_again(*noted)


def read_again(user_id: UUID, image_id: UUID) -> None:
    """Read a picture and keep the lines if its texts miss one of them."""
    with transaction(user_id) as session:
        image = session.get(Image, image_id)
    if image is None or image.deleted_at is not None:
        return
    try:
        found = read_text(copy_of(image))
    except PermanentDescriberError:
        return
    if found is None:
        return
    lines = [line for line in map(clean_line, found.lines) if line]
    query = select(Image).where(col(Image.id) == image_id).with_for_update()
    with transaction(user_id) as session:
        current = session.execute(query).scalar_one_or_none()
        if current is None:
            return
        facts = {name: fact for name, fact in current.facts.items() if name != READ}
        if missed(lines, (current.visible_text, current.alt_text, current.description)):
            facts[READ] = lines
        if facts != current.facts:
            current.facts = facts
            after_commit(session, partial(events.publish, user_id, "image_edited", image_id))


def _next() -> tuple[UUID, UUID] | None:
    with _lock:
        calm = time.monotonic() >= _last_at + CALM_SECONDS
        return _offered.popleft() if calm and _offered else None
