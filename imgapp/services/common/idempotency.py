"""Idempotency: answers a request that is repeated under its `Idempotency-Key` as the first time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, InvalidRequest
from imgapp.models import IdempotencyKey, now

MAX_KEY_LENGTH = 255
KEPT = timedelta(days=1)
ABANDONED = timedelta(minutes=5)
"""An unfinished request that is older was lost with its process."""


@dataclass(frozen=True)
class StoredResponse:
    """What was answered before."""

    status_code: int
    body: dict[str, Any]


def begin(user_id: UUID, key: str, fingerprint: str) -> StoredResponse | None:
    """Claim the key for this request; the answer if it was given already.

    Raises InvalidRequest (malformed key), Conflict (other content, or still running).
    """
    if not 0 < len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidRequest(f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable characters.")
    with transaction(user_id) as session:
        session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created_at) < now() - KEPT))
        claim = (
            insert(IdempotencyKey)
            .values(user_id=user_id, key=key, fingerprint=fingerprint, created_at=now())
            .on_conflict_do_nothing()
            .returning(col(IdempotencyKey.key))
        )
        if session.execute(claim).first() is not None:
            return None
        query = select(IdempotencyKey).where(col(IdempotencyKey.key) == key).with_for_update()
        known = session.exec(query).one()
        if known.fingerprint != fingerprint:
            raise Conflict(
                "This Idempotency-Key was used for another request.", code="idempotency_key_reused"
            )
        if known.status_code is not None:
            return StoredResponse(known.status_code, known.response or {})
        if known.created_at > now() - ABANDONED:
            raise Conflict("The first request with this Idempotency-Key is still running.")
        known.created_at = now()
        session.add(known)
        return None


def finish(user_id: UUID, key: str, answer: StoredResponse) -> None:
    """Keep the answer for a day."""
    with transaction(user_id) as session:
        keep(session, key, answer)


def keep(session: Session, key: str, answer: StoredResponse) -> None:
    """As `finish`, in the transaction that does what is answered: both happen, or neither."""
    session.execute(
        update(IdempotencyKey)
        .where(col(IdempotencyKey.key) == key)
        .values(status_code=answer.status_code, response=answer.body)
    )


def abandon(user_id: UUID, key: str) -> None:
    """Let the key be used again: the request failed."""
    with transaction(user_id) as session:
        session.execute(
            delete(IdempotencyKey).where(
                col(IdempotencyKey.key) == key, col(IdempotencyKey.status_code).is_(None)
            )
        )
