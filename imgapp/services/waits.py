"""What pending pictures wait for, kept true in their rows: a pause, a budget, a server."""

from __future__ import annotations

from functools import partial

from sqlalchemy import text

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.services.breaker import server_and_model

_AT_ONCE = 2_000
_NOTE = text("SELECT image_id, user_id FROM imgapp_note_waits(:server, :model, :local, :limit)")


def note_waits() -> int:
    """Correct the rows that say something else, some thousands at once; returns how many.

    Raises DatabaseUnavailable.
    """
    with transaction() as session:
        rows = session.execute(_NOTE, {**server_and_model(), "limit": _AT_ONCE}).all()
        for row in rows:
            after_commit(
                session, partial(events.publish, row.user_id, "image_queued", row.image_id)
            )
    return len(rows)
