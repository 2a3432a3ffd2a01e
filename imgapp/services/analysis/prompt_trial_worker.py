"""Prompt trial answers: ask each question of a trial once, in the worker.

A question whose worker is gone is not asked again: nobody pays twice, and whoever tries a prompt
can try once more.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from imgapp.adapters import pacing as turns
from imgapp.adapters import queue
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.vision import BASIC, Description, Question
from imgapp.errors import (
    DatabaseUnavailable,
    DescriberError,
    ImgappError,
    PermanentDescriberError,
    QueueUnavailable,
    TransientDescriberError,
)
from imgapp.models import Image, PromptTrial, now
from imgapp.services.analysis.model_copies import picture_of
from imgapp.services.analysis.prompt_trials import LOST_AFTER, TEXTS
from imgapp.services.analysis.prompts import NamedPrompt
from imgapp.services.analysis.question import ask_with
from imgapp.services.common import metrics
from imgapp.services.installation import vision_models
from imgapp.services.queue import circuit_breaker, leases, pacing
from imgapp.services.spending import budgets, usage
from imgapp.services.spending.usage import CallCost

log = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class _Question:
    id: UUID
    trial_id: UUID
    ask: Question
    image: Image


@dataclass(frozen=True)
class _Call:
    """What was set aside under `id`, if anything, and what the model said."""

    id: UUID | None
    model: str
    said: Description | DescriberError | None


def answer_one(user_id: UUID, trial_id: UUID) -> None:
    """Ask the next open question of a trial, if there is one, and keep what comes back.

    Raises DatabaseUnavailable.
    """
    question = _take(user_id, trial_id)
    if question is None:
        return
    model = vision_models.model_asked(question.ask.model)
    call_id: UUID | None = None
    said: Description | DescriberError | None = None
    try:
        _check_cloud(question)
        call_id = budgets.reserve(user_id, model)
        found, seconds = _answer(question)
        said, changes = found, _answered(found, seconds)
    except Exception as error:
        if not isinstance(error, ImgappError):
            log.error("trial_broke", exc_info=error, extra={"trial_id": str(trial_id)})
        said = error if isinstance(error, DescriberError) else None
        changes = _failed(error)
    call = _Call(call_id, model, said)
    try:
        leases.insist_on(partial(_keep, question, call, changes))
    except DatabaseUnavailable:
        raise
    except Exception as error:
        # An answer that cannot be written is paid for, and is no answer.
        log.exception("trial_not_kept", extra={"trial_id": str(trial_id)})
        leases.insist_on(partial(_keep, question, call, _failed(error)))


def _keep(question: _Question, call: _Call, changes: dict[str, Any]) -> None:
    bill = usage.bill_of(call.model, call.said) if call.said else CallCost()
    with transaction(question.image.user_id) as session:
        if call.id is not None:
            usage.settle(session, call.id, bill, failed=changes["state"] == "failed")
            changes = {**changes, "cost": bill.cost}
        row = update(PromptTrial).where(col(PromptTrial.id) == question.id)
        session.execute(row.values(finished_at=now(), **changes))
        next_one = partial(queue.enqueue_trial, question.image.user_id, question.trial_id)
        after_commit(session, next_one)


def _take(user_id: UUID, trial_id: UUID) -> _Question | None:
    # Committed before anything is asked: a message that comes twice finds nothing to do.
    next_one = (
        select(PromptTrial)
        .where(
            col(PromptTrial.trial_id) == trial_id,
            col(PromptTrial.state) == "waiting",
            col(PromptTrial.created_at) > now() - LOST_AFTER,
        )
        .order_by(col(PromptTrial.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with transaction(user_id) as session:
        row = session.exec(next_one).first()
        if row is None:
            return None
        row.state, row.started_at = "asking", now()
        session.add(row)
        image = session.get_one(Image, row.image_id)
        ask = ask_with(session, image, NamedPrompt(row.prompt_version, row.template))
        return _Question(row.id, trial_id, ask, image)


def _check_cloud(question: _Question) -> None:
    if question.ask.model == BASIC:
        raise PermanentDescriberError(
            "This picture is not sent to a model elsewhere.", code="never_cloud"
        )


def _answer(question: _Question) -> tuple[Description, float]:
    """Raises ImgappError."""
    _check_server()
    picture = picture_of(question.image)
    turn = _turn()
    tokens = 0
    try:
        began = time.monotonic()
        model = vision_models.model_asked(question.ask.model)
        with metrics.asking(model) as answered:
            found = vision_models.describer_of(model).describe(picture, question.ask)
            answered(found)
        tokens = (found.input_tokens or 0) + (found.output_tokens or 0)
        return found, time.monotonic() - began
    finally:
        _settle(turn, tokens)


def _check_server() -> None:
    """A server that is left alone is not asked here either."""
    for trouble in circuit_breaker.troubles():
        if trouble.model in (None, vision_models.model_asked()):
            raise TransientDescriberError(trouble.message, code=trouble.code)


def _turn() -> turns.PacingPermit:
    deadline = time.monotonic() + _LONGEST_WAIT
    while not leases.stopping():
        turn = pacing.take_turn()
        leases.pause(turn.wait if turn.allowed else min(turn.wait, 1.0))
        if turn.allowed:
            return turn
        if time.monotonic() > deadline:
            break
    raise TransientDescriberError("Too many others ask the model now", code="rate_limited")


def _settle(turn: turns.PacingPermit, tokens: int) -> None:
    if turn is pacing.FREE:
        return
    try:
        turns.settle(turn, tokens)
    except QueueUnavailable:
        log.warning("turn_not_settled")


def _answered(found: Description, seconds: float) -> dict[str, Any]:
    said = asdict(found)
    return {
        "state": "answered",
        "answer": {name: said[name] for name in TEXTS},
        "model_version": found.model_version,
        "processing_time": seconds,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
    }


def _failed(error: Exception) -> dict[str, Any]:
    if not isinstance(error, ImgappError):
        error = ImgappError()
    changes = {"state": "failed", "error_code": error.code, "error_message": error.detail}
    if isinstance(error, DescriberError):
        names = ("model_version", "input_tokens", "output_tokens")
        changes |= {name: getattr(error, name) for name in names}
    return changes
