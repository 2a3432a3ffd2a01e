"""Waiting reasons: keep in the rows what pending pictures wait for: pause, budget, provider."""

from __future__ import annotations

from functools import partial

from sqlalchemy import text
from sqlmodel import Session, col, select

from imgapp.adapters import events
from imgapp.adapters.db import after_commit, transaction
from imgapp.models import Image, Installation, Preferences, Waiting, WaitingReason
from imgapp.services.installation import vision_models
from imgapp.services.queue.circuit_breaker import troubles_in
from imgapp.services.spending import budgets

_AT_ONCE = 2_000
_ONLY_ONE = text("SELECT pg_try_advisory_xact_lock(hashtext('imgapp_note_waits'))")
_NOTE = text("SELECT image_id, user_id FROM imgapp_note_waits(:models, :limit)").bindparams(
    vision_models.MODELS
)

_WORDS = {
    WaitingReason.PAUSED: "You have paused your analyses.",
    WaitingReason.PROVIDER_DOWN: "The vision model server does not answer.",
}


def note_waits() -> int:
    """Correct the rows that say something else, some thousands at once; returns how many.

    One worker at a time does this. Raises DatabaseUnavailable.
    """
    with transaction() as session:
        if not session.execute(_ONLY_ONE).scalar_one():
            return 0
        rows = session.execute(_NOTE, {**vision_models.as_parameter(), "limit": _AT_ONCE}).all()
        for row in rows:
            after_commit(
                session, partial(events.publish, row.user_id, "image_queued", row.image_id)
            )
    return len(rows)


def why(session: Session, image: Image) -> Waiting | None:
    """Why this picture waits, in the transaction of its owner; None if it does not."""
    if image.waiting_reason is None:
        return None
    return explain(session, WaitingReason(image.waiting_reason), (image.ask or {}).get("model"))


def explain(session: Session, reason: WaitingReason, model: str | None = None) -> Waiting:
    """Why a person's pictures wait, those asked of `model`, in the transaction of that person."""
    if reason is WaitingReason.PAUSED:
        return _paused(session)
    if reason is WaitingReason.PROVIDER_DOWN and (found := troubles_in(session)):
        trouble = next((one for one in found if one.model in (None, model)), found[0])
        return Waiting(reason=reason, message=trouble.message, since=trouble.since)
    said = budgets.words(session) if reason is WaitingReason.BUDGET else _WORDS[reason]
    return Waiting(reason=reason, message=said, since=None)


def _paused(session: Session) -> Waiting:
    own = session.exec(select(Preferences.paused_at).where(col(Preferences.paused))).first()
    everybody = session.exec(select(Installation.paused_at)).one()
    reason = WaitingReason.PAUSED
    words = "An administrator has paused all analyses." if everybody else _WORDS[reason]
    return Waiting(reason=reason, message=words, since=everybody or own)
