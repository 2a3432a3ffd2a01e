"""One at a time: what a person starts twice at once is done in turn."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

_WAIT = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


def one_at_a_time(session: Session, user_id: UUID | None, what: str) -> None:
    """Wait until no other transaction does the same for this person, and keep others waiting.

    None is for what is there once for everybody.

    For limits and numbers: two at once would both find room for one more. Until the transaction
    ends; nothing else of the person waits.
    """
    session.execute(_WAIT, {"what": f"{what} {user_id}"})
