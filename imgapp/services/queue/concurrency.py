"""Concurrency: learns how many calls at once a model server of one's own takes.

It starts with one, rises while answers come faster together, and falls at a time-out: the rule is
in `alembic/sql/queue/concurrency.sql`. How many there may be in all is the administrators' to set.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlmodel import Session, select

from imgapp.adapters.db import transaction
from imgapp.models import LearnedConcurrency, Shape
from imgapp.services.installation import vision_models
from imgapp.services.installation.runtime_settings import installation
from imgapp.services.queue.leases import ImageClaim

_ANSWERED = text("SELECT imgapp_learn_from_answer(:server, :model, :seconds, :limit)")
_TIMED_OUT = text("SELECT imgapp_learn_from_timeout(:server, :model)")


class ServerPace(Shape):
    """How a server of one's own fares with a model."""

    at_once: int
    """Calls."""
    seconds: float | None
    """That a call takes."""


def answered(session: Session, claim: ImageClaim, seconds: float) -> None:
    """An answer came; its call is not settled yet."""
    model = vision_models.find(claim.model)
    if model is not None and model.learned:
        limit = model.server.seconds
        values = {"server": claim.server, "model": claim.model, "seconds": seconds, "limit": limit}
        session.execute(_ANSWERED, values)


def timed_out(session: Session, claim: ImageClaim) -> None:
    """No answer came in time."""
    model = vision_models.find(claim.model)
    if model is not None and model.learned:
        session.execute(_TIMED_OUT, {"server": claim.server, "model": claim.model})


def restrained() -> bool:
    """Whether more pictures may be due than may be under way. Raises DatabaseUnavailable."""
    known = vision_models.routes().known.values()
    return installation().limited or any(model.slots is not None for model in known)


def seconds_a_picture() -> float | None:
    """How long the default takes from one picture to the next, as far as that is known."""
    model = vision_models.find(vision_models.model_asked())
    pace = paces().get((model.server_id, model.name)) if model is not None else None
    return pace.seconds / pace.at_once if pace is not None and pace.seconds else None


def paces() -> dict[tuple[str, str], ServerPace]:
    """What was learned, by server and model. Raises DatabaseUnavailable."""
    with transaction() as session:
        rows = session.exec(select(LearnedConcurrency)).all()
        return {
            (row.server, row.model): ServerPace(at_once=row.slots, seconds=row.seconds)
            for row in rows
        }
