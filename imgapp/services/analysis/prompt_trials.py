"""Prompt trials: try a prompt on a few pictures beside the present one, before it is saved.

Each question is a row that a worker answers (`prompt_trial_worker`). None becomes an analysis.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from imgapp.adapters import queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.vision import BASIC
from imgapp.errors import Conflict, NotFound
from imgapp.models import ErrorInfo, Image, ImageAnalysis, PromptTrial, Shape, new_id, now
from imgapp.services.analysis import prompts
from imgapp.services.analysis.preferences import DEFAULT_LANGUAGE
from imgapp.services.analysis.preferences import read as read_preferences
from imgapp.services.analysis.prompts import NamedPrompt, Scope, Template
from imgapp.services.common import rate_limits
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.installation import vision_models
from imgapp.services.installation.runtime_settings import installation

MOST_PICTURES = 3
PER_HOUR = 60
LOST_AFTER = timedelta(minutes=5)
"""After it was asked, or not even asked: nobody is at it any more."""
_SLACK = timedelta(seconds=2)
"""From an analysis to the row that says so."""
TRIED = "tried"
"""The prompt version of what is not saved yet."""
_WAITS = text("SELECT imgapp_waits_because(:model)")
_REASONS = {
    "paused": "Analyses are paused.",
    "budget": "This month's budget is used up.",
}
OPEN = ("waiting", "asking")

Side = Literal["now", "new"]
State = Literal["waiting", "asking", "answered", "failed"]


class TrialRequest(BaseModel):
    """A prompt, and the pictures that it is tried on: without any, the newest three."""

    model_config = ConfigDict(extra="forbid")

    template: Template
    image_ids: list[UUID] = Field(default=[], max_length=MOST_PICTURES)
    scope: Scope = Field(
        default="own",
        description="Which prompt it is held against; `everybody` is for administrators",
    )


class TrialAnswer(Shape):
    """What one prompt made of one picture."""

    state: State
    prompt_version: str = Field(description="`tried` is the one that is not saved")
    alt_text: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    visible_text: str | None = None
    decorative: bool | None = None
    language: str | None = None
    model_version: str | None = None
    processing_time: float | None = Field(default=None, description="Seconds")
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = Field(default=None, description="US dollars, where a price is known")
    made_at: datetime | None = Field(
        default=None, description="Of an analysis that was there already, and cost nothing"
    )
    error: ErrorInfo | None = None


class TriedPicture(Shape):
    """A picture with what both prompts say."""

    image_id: UUID
    now: TrialAnswer
    new: TrialAnswer


class TrialPublic(Shape):
    """How far a trial is. It is kept until the next one."""

    id: UUID
    created_at: datetime
    finished: bool
    pictures: list[TriedPicture]


TEXTS = ("alt_text", "description", "tags", "visible_text", "decorative", "language")
_COUNTED = ("model_version", "processing_time", "input_tokens", "output_tokens")


def start_trial(user_id: UUID, request: TrialRequest) -> TrialPublic:
    """Ask both prompts about the pictures, in the background.

    Where the present prompt's analysis is there already, nothing is asked for it again. Raises
    NotFound (a picture; or everybody's prompt, unless an administrator asks), Conflict
    (`trial_under_way`, `no_model`, `no_pictures`, `not_now`), InvalidRequest, RateLimited.
    """
    prompts.check(request.template)
    if vision_models.model_asked() == BASIC:
        raise Conflict("No vision model is configured for a prompt to go to.", code="no_model")
    if request.scope == "everybody":
        with as_administrator(user_id):
            pass
    with transaction(user_id) as session:
        _require_room(session, user_id)
        _pictures(session, request.image_ids)
    rate_limits.hit("prompt_trials", str(user_id), limit=PER_HOUR, per_seconds=3600)
    with transaction(user_id) as session:
        one_at_a_time(session, user_id, "prompt trials")
        _require_room(session, user_id)
        images = _pictures(session, request.image_ids)
        session.execute(delete(PromptTrial).where(col(PromptTrial.user_id) == user_id))
        trial_id = new_id()
        present = prompts.in_force(session, user_id, request.scope)
        for image in images:
            session.add(_present(session, trial_id, image, present))
            tried = NamedPrompt(TRIED, request.template)
            session.add(_row(trial_id, image, "new", tried))
        session.flush()
        trial = _public(_rows(session, trial_id))
        waiting = sum(one.state == "waiting" for p in trial.pictures for one in (p.now, p.new))
        # Beyond what an administrator lets be under way there is at most one.
        for _ in range(1 if installation().max_in_flight is not None else waiting):
            after_commit(session, partial(queue.enqueue_trial, user_id, trial_id))
    return trial


def get_trial(user_id: UUID, trial_id: UUID) -> TrialPublic:
    """How far a trial is, and what was answered. Raises NotFound."""
    with transaction(user_id) as session:
        rows = _rows(session, trial_id)
        if not rows:
            raise NotFound
        return _public(rows)


def end_trial(user_id: UUID, trial_id: UUID) -> None:
    """Ask nothing more, and forget what was answered. Raises NotFound."""
    with transaction(user_id) as session:
        gone = delete(PromptTrial).where(col(PromptTrial.trial_id) == trial_id)
        if session.execute(gone.returning(col(PromptTrial.id))).first() is None:
            raise NotFound


def _require_room(session: Session, user_id: UUID) -> None:
    reason = session.execute(_WAITS, {"model": vision_models.model_asked()}).scalar_one()
    if reason is not None:
        raise Conflict(_REASONS[reason], code="not_now")
    since = func.coalesce(col(PromptTrial.started_at), col(PromptTrial.created_at))
    under_way = select(PromptTrial.id).where(
        col(PromptTrial.user_id) == user_id,
        col(PromptTrial.state).in_(OPEN),
        since > now() - LOST_AFTER,
    )
    if session.exec(under_way.limit(1)).first() is not None:
        raise Conflict("A trial is under way. Wait for its answers.", code="trial_under_way")


def _pictures(session: Session, wanted: list[UUID]) -> list[Image]:
    """Those that were chosen, or the newest."""
    query = select(Image).where(col(Image.deleted_at).is_(None))
    ids = list(dict.fromkeys(wanted))
    if not ids:
        newest = query.order_by(col(Image.uploaded_at).desc(), col(Image.id).desc())
        images = list(session.exec(newest.limit(MOST_PICTURES)))
        if not images:
            raise Conflict("There are no pictures yet to try it on.", code="no_pictures")
        return images
    found = {image.id: image for image in session.exec(query.where(col(Image.id).in_(ids)))}
    if len(found) < len(ids):
        raise NotFound
    return [found[image_id] for image_id in ids]


def _present(session: Session, trial_id: UUID, image: Image, present: NamedPrompt) -> PromptTrial:
    """What the present prompt says: the newest analysis, if it would be asked the same again."""
    row = _row(trial_id, image, "now", present)
    known = session.get(ImageAnalysis, image.analysis_id) if image.analysis_id else None
    if known is None or known.prompt_version != present.version:
        return row
    if _said_since(session, image, known):
        return row
    row.state, row.finished_at = "answered", known.completed_at
    row.answer = {name: getattr(known, name) for name in TEXTS}
    row.answer["made_at"] = known.completed_at.isoformat()
    row.model_version, row.processing_time = known.model_version, known.processing_time
    return row


def _said_since(session: Session, image: Image, known: ImageAnalysis) -> bool:
    """Whether something was said since, or for that analysis alone, that may be in the prompt."""
    said = read_preferences(session, image.user_id)
    if image.updated_at > known.completed_at + _SLACK:
        return True
    if said is not None and said.updated_at is not None and said.updated_at > known.created_at:
        return True
    wanted = (said.language if said else None) or DEFAULT_LANGUAGE
    return (known.language or "").split("-")[0] != wanted.split("-")[0]


def _row(trial_id: UUID, image: Image, side: Side, asked: NamedPrompt) -> PromptTrial:
    return PromptTrial(
        trial_id=trial_id,
        user_id=image.user_id,
        image_id=image.id,
        side=side,
        template=asked.template,
        prompt_version=asked.version,
    )


def _rows(session: Session, trial_id: UUID) -> list[PromptTrial]:
    query = select(PromptTrial).where(col(PromptTrial.trial_id) == trial_id)
    return list(session.exec(query.order_by(col(PromptTrial.id))))


def _public(rows: list[PromptTrial]) -> TrialPublic:
    answers: dict[UUID, dict[str, TrialAnswer]] = {}
    for row in rows:
        answers.setdefault(row.image_id, {})[row.side] = _shown(row)
    sides = [one for sides in answers.values() for one in sides.values()]
    return TrialPublic(
        id=rows[0].trial_id,
        created_at=rows[0].created_at,
        finished=all(one.state not in OPEN for one in sides),
        pictures=[TriedPicture(image_id=image_id, **both) for image_id, both in answers.items()],
    )


def _shown(row: PromptTrial) -> TrialAnswer:
    state, error = row.state, None
    if row.error_code is not None:
        error = ErrorInfo(code=row.error_code, message=row.error_message or "")
    elif state in OPEN and (row.started_at or row.created_at) < now() - LOST_AFTER:
        state, error = "failed", ErrorInfo(code="lost", message="The trial was interrupted.")
    return TrialAnswer(
        state=state,
        prompt_version=row.prompt_version,
        error=error,
        cost=None if row.cost is None else float(row.cost),
        **{name: getattr(row, name) for name in _COUNTED},
        **(row.answer or {}),
    )
