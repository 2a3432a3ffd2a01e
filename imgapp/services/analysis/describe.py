"""Analyses: claim a picture, ask a describer, write what it says or why it did not.

The row is the truth. Whoever finishes checks, in the transaction that writes, that the lease is
still theirs: a result of a lease that ran out, or of a picture that was deleted, is dropped.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from imgapp.adapters import db, events, queue
from imgapp.adapters.db import Query, after_commit, transaction
from imgapp.adapters.vision import BASIC, Description, Question
from imgapp.errors import (
    AnswerOverdue,
    DatabaseUnavailable,
    DescriberError,
    ImgappError,
    LeaseLost,
    NotFound,
    ServiceUnavailable,
    ShuttingDown,
    TransientDescriberError,
)
from imgapp.models import (
    AnalysisStatus,
    Image,
    ImageAnalysis,
    ImageStatus,
    Priority,
    new_id,
    now,
)
from imgapp.services.analysis import second_reading
from imgapp.services.analysis.answer_reuse import question_of
from imgapp.services.analysis.model_copies import picture_of, unseen
from imgapp.services.analysis.options import AnalysisOptions, run_of
from imgapp.services.analysis.question import picture_and_ask
from imgapp.services.common import metrics
from imgapp.services.installation import vision_models
from imgapp.services.library.serialize import image_status
from imgapp.services.library.text_provenance import TEXT_FIELDS, current_text
from imgapp.services.queue import (
    circuit_breaker,
    concurrency,
    leases,
    pacing,
    permits,
    waiting_reasons,
)
from imgapp.services.queue.leases import ImageClaim
from imgapp.services.queue.requeueing import queue_again
from imgapp.services.spending import usage
from imgapp.services.spending.usage import CallCost
from imgapp.services.texts.answers import is_of_own, keep_answer
from imgapp.services.webhooks import deliveries

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
MAX_UNUSABLE = 3
"""Attempts after which an answer that cannot be used is final: each of them is paid for."""
_UNUSABLE = {"unusable_answer", "wrong_language"}
_RETRY_SECONDS = (1.0, 3.0, 9.0, 20.0)
_AWAY_SECONDS = 10.0
_LONGEST_RETRY_AFTER = 6 * 3600.0


_LEASED = f"""
    SELECT i.id, i.user_id, i.deleted_at, i.ask, i.facts, i.attempts, i.decorative,
        {", ".join(f"i.{name}_by" for name in TEXT_FIELDS)},
        (SELECT t.language FROM image_texts t WHERE t.image_id = i.id AND t.is_own) AS own_language
    FROM images i WHERE i.id = %(image_id)s AND i.lease_id = %(lease_id)s FOR UPDATE
"""  # noqa: S608
_LET_GO = """
    UPDATE images SET analysis_status = 'pending', lease_id = NULL, lease_expires_at = NULL
    WHERE id = %(image_id)s
"""


@dataclass(frozen=True)
class DescriberAnswer:
    """A describer's answer, to what, when it was asked and how many seconds it took."""

    description: Description
    ask: Question
    asked_at: datetime
    seconds: float


@dataclass(frozen=True)
class RetryDecision:
    """What a failure means for the picture: another attempt after `delay` seconds, or None."""

    code: str
    message: str
    delay: float | None


def run_one() -> UUID | None:
    """Describe the fairest due picture; None if nothing may be analysed now.

    Raises DatabaseUnavailable, QueueUnavailable, and ShuttingDown if this worker takes no more
    pictures.
    """
    with pacing.next_claim() as (claim, tokens):
        if claim is None:
            return None
        try:
            finding = leases.hold(claim, partial(_describe, claim), partial(_pay, claim))
            tokens.append(_tokens(finding.description))
        except LeaseLost:
            log.warning("lease_lost", extra={"image_id": str(claim.image_id)})
        except ShuttingDown:
            leases.hand_back(claim)
        except Exception as error:
            if isinstance(error, DescriberError):
                tokens.append(_tokens(error))
            leases.insist_on(partial(_fail, claim, error))
        else:
            _finish(claim, finding)
    if concurrency.restrained():
        queue.issue_permits()
    return claim.image_id


def request_analysis(
    user_id: UUID, image_id: UUID, wishes: AnalysisOptions | None = None
) -> ImageStatus:
    """Analyse a picture (again), before bulk work. Raises NotFound, InvalidRequest (model).

    One that is being analysed is left alone; one that waits for a retry waits no longer, and is
    asked as is said here.
    """
    wishes = wishes or AnalysisOptions()
    vision_models.check(wishes.model)
    with transaction(user_id) as session:
        query = select(Image).where(col(Image.id) == image_id, col(Image.deleted_at).is_(None))
        image = session.execute(query.with_for_update()).scalar_one_or_none()
        if image is None:
            raise NotFound
        if image.analysis_status != AnalysisStatus.IN_PROGRESS:
            queue_again(image, Priority.INTERACTIVE)
            image.ask = wishes.as_request()
            session.add(image)
            after_commit(session, partial(queue.enqueue_analysis, image_id))
            _publish(session, image, "image_queued")
            session.flush()
        return image_status(image, waiting_reasons.why(session, image))


def sweep() -> None:
    """Return what killed workers held, say what waits and why, and see that nothing that is due
    waits without a permit.

    Raises DatabaseUnavailable, QueueUnavailable.
    """
    leases.look_at_the_clock()
    try:
        leases.return_expired()
        circuit_breaker.look_at_the_queue()
        waiting_reasons.note_waits()
        permits.issue_missing()
    except DatabaseUnavailable:
        leases.spare()
        raise


def verdict(error: Exception, attempts: int, jitter: float) -> RetryDecision:
    """What to do after the failure of attempt number `attempts` (`jitter` is from 0 to 1).

    The first retry comes within a second, all of them within 40, unless the provider asks for more.
    """
    if not isinstance(error, ImgappError):
        error = TransientDescriberError(
            "Something went wrong while the picture was described", code="internal_error"
        )
    if isinstance(error, ServiceUnavailable):
        # That says nothing of the picture, and has cost nothing.
        return RetryDecision(error.code, error.detail, _AWAY_SECONDS * (0.75 + 0.25 * jitter))
    if not isinstance(error, TransientDescriberError):
        return RetryDecision(error.code, error.detail, None)
    if attempts >= (MAX_UNUSABLE if error.code in _UNUSABLE else MAX_ATTEMPTS):
        message = f"{error.detail.rstrip('.')}. imgapp tried {attempts} times."
        return RetryDecision(error.code, message, None)
    delay = _RETRY_SECONDS[attempts - 1] * (0.75 + 0.25 * jitter)
    if (asked := getattr(error, "retry_after", None)) is not None:
        # Never sooner than asked, and not everybody in the same moment.
        delay = max(delay, min(asked, _LONGEST_RETRY_AFTER) * (1 + 0.1 * jitter))
    return RetryDecision(error.code, error.detail, delay)


def _describe(claim: ImageClaim) -> DescriberAnswer:
    found = picture_and_ask(claim.user_id, claim.image_id, claim.model)
    if found is None:
        raise LeaseLost
    image, ask = found
    if not claim.asks:
        # No turn was taken for it; and what must not leave the house has two guards.
        ask = replace(ask, model=BASIC)
    metrics.picture_taken(image)
    picture = picture_of(image) if ask.source is None else unseen(image)
    asked_at, started = now(), time.monotonic()
    model = vision_models.model_asked(ask.model)
    with metrics.asking(model) as answered:
        description = vision_models.describer_of(model).describe(picture, ask)
        answered(description)
    return DescriberAnswer(description, ask, asked_at, time.monotonic() - started)


def _finish(claim: ImageClaim, finding: DescriberAnswer) -> None:
    try:
        leases.insist_on(partial(_complete, claim, finding))
    except DatabaseUnavailable:
        raise
    except Exception as error:
        # An answer that cannot be written is paid for, and is no answer.
        bill = usage.bill_of(claim.model, finding.description)
        leases.insist_on(partial(_fail, claim, error, bill))


def _complete(claim: ImageClaim, finding: DescriberAnswer) -> None:
    """Written in two exchanges: this is done for each picture."""
    bill = usage.bill_of(claim.model, finding.description)
    lease = {"image_id": claim.image_id, "lease_id": claim.lease_id}
    with transaction(claim.user_id) as session:
        rows, [noted], webhooks = db.execute(
            session,
            (_LEASED, lease),
            circuit_breaker.answer(claim),
            deliveries.enabled_webhooks(claim.user_id),
        )
        if noted.ended_an_outage:
            after_commit(session, permits.issue_missing)
        concurrency.answered(session, claim, finding.seconds)
        kept: list[Query] = []
        if rows and rows[0].deleted_at is None:
            kept = _keep(session, rows[0], claim, finding, bill)
            if webhooks:
                after_commit(session, queue.enqueue_delivery)
        elif rows:
            kept = [(_LET_GO, lease)]
        # An answer that nobody has use for any more is paid for, too.
        if claim.asks:
            kept.append(usage.settlement(claim.lease_id, bill))
        db.execute(session, *kept)


def _keep(
    session: Session, image: Any, claim: ImageClaim, finding: DescriberAnswer, bill: CallCost
) -> list[Query]:
    analysis = _analysis(claim, finding, image, bill)
    changes: dict[str, object] = {
        "facts": image.facts | dict(finding.description.facts),
        "analysis_status": AnalysisStatus.COMPLETED,
        "attempts": image.attempts + 1,
        "completed_at": analysis["completed_at"],
    }
    changes |= dict.fromkeys(("error_code", "error_message", "ask", "lease_id", "lease_expires_at"))
    _publish(session, image, "image_described")
    after_commit(session, partial(metrics.analysis_ended, "completed"))
    if claim.asks:
        after_commit(session, partial(second_reading.offer, image.user_id, image.id))
    ask, own = finding.ask, image.own_language
    if ask.use or (own and not is_of_own(own, ask.language, finding.description.language)):
        return _keep_beside(session, claim, finding, analysis, changes)
    changes |= current_text(image, finding.description) | {"analysis_id": analysis["id"]}
    return [db.insertion("image_analyses", analysis), _update(claim, changes)]


def _keep_beside(
    session: Session,
    claim: ImageClaim,
    finding: DescriberAnswer,
    analysis: dict[str, object],
    changes: dict[str, object],
) -> list[Query]:
    """What is said in another language than the picture's own text, or for a use: rarer, and more
    to do."""
    db.execute(session, db.insertion("image_analyses", analysis))
    answer, ask = ImageAnalysis.model_validate(analysis), finding.ask
    keep_answer(
        session,
        session.get_one(Image, claim.image_id),
        answer,
        ask.language,
        made_from=ask.made_from,
        use=ask.use,
    )
    session.flush()
    return [_update(claim, changes)]


def _update(claim: ImageClaim, changes: dict[str, object]) -> Query:
    named = ", ".join(f"{name} = %({name})s" for name in changes)
    update = f"UPDATE images SET {named} WHERE id = %(id)s"  # noqa: S608
    return update, changes | {"id": claim.image_id}


def _pay(claim: ImageClaim, outcome: Callable[[], DescriberAnswer]) -> None:
    """Nobody waits for the answer any more: it came too late, the worker ends, or the picture is
    gone or another worker's by now. It is paid for all the same."""
    try:
        said: Description | DescriberError = outcome().description
    except DescriberError as error:
        said = error
    except Exception:
        return
    if claim.asks:
        leases.insist_on(partial(_settle_late, claim, said))


def _settle_late(claim: ImageClaim, said: Description | DescriberError) -> None:
    bill = usage.bill_of(claim.model, said)
    with transaction(claim.user_id) as session:
        usage.settle(session, claim.lease_id, bill, failed=isinstance(said, DescriberError))


def _tokens(found: Description | DescriberError) -> int:
    return (found.input_tokens or 0) + (found.output_tokens or 0)


def _analysis(
    claim: ImageClaim, finding: DescriberAnswer, image: Image, bill: CallCost
) -> dict[str, object]:
    """A row of `ImageAnalysis`."""
    found = finding.description
    return {
        "id": new_id(),
        "image_id": claim.image_id,
        "user_id": claim.user_id,
        "lease_id": claim.lease_id,
        **{name: getattr(found, name) for name in TEXT_FIELDS},
        "processing_time": finding.seconds,
        "created_at": finding.asked_at,
        "completed_at": now(),
        "model_version": found.model_version,
        "prompt_version": found.prompt_version,
        "input_tokens": found.input_tokens,
        "output_tokens": found.output_tokens,
        "cost": bill.dollars,
        "detail": finding.ask.detail,
        "asked": question_of(finding.ask),
        "run_id": run_of(image),
    }


def _fail(claim: ImageClaim, error: Exception, bill: CallCost | None = None) -> None:
    """`bill` is what the call cost if the error does not say it."""
    if not isinstance(error, ImgappError):
        log.error("analysis_broke", exc_info=error, extra={"image_id": str(claim.image_id)})
    bill = bill or usage.bill_of_failure(claim.model, error)
    with transaction(claim.user_id) as session:
        image = _leased(session, claim)
        counts = circuit_breaker.failed(session, claim, error)
        if getattr(error, "code", None) == "model_timeout":
            concurrency.timed_out(session, claim)
        if claim.asks and not isinstance(error, AnswerOverdue):
            usage.settle(session, claim.lease_id, bill, failed=True)
        if image is None:
            return
        ruling = _rule(image, error, counts=counts)
        image.error_code, image.error_message = ruling.code, ruling.message
        if ruling.delay is None:
            image.analysis_status = AnalysisStatus.FAILED
            image.completed_at, image.ask = now(), None
            _publish(session, image, "image_failed")
            deliveries.send_soon(session, image.user_id)
        else:
            image.analysis_status = AnalysisStatus.PENDING
            image.due_at = now() + timedelta(seconds=ruling.delay)
            permit = partial(queue.enqueue_analysis, image.id, delay=ruling.delay)
            after_commit(session, permit)
            _publish(session, image, "image_queued")
        outcome = "failed" if ruling.delay is None else "retried"
        after_commit(session, partial(metrics.analysis_ended, outcome, ruling.code))
        _release(image)


def _rule(image: Image, error: Exception, *, counts: bool) -> RetryDecision:
    if isinstance(error, DescriberError) and not counts:
        # It waits with the others until the server is back, behind one that may fare better.
        return RetryDecision(error.code, error.detail, 0.0)
    image.attempts += counts and not isinstance(error, ServiceUnavailable)
    return verdict(error, image.attempts, random.random())  # noqa: S311


def _leased(session: Session, claim: ImageClaim) -> Image | None:
    """The row, locked, if the lease is still ours and there is still use for the result."""
    query = select(Image).where(
        col(Image.id) == claim.image_id, col(Image.lease_id) == claim.lease_id
    )
    image = session.execute(query.with_for_update()).scalar_one_or_none()
    if image is not None and image.deleted_at is not None:
        image.analysis_status = AnalysisStatus.PENDING
        _release(image)
        return None
    return image


def _release(image: Image) -> None:
    image.lease_id = image.lease_expires_at = None


def _publish(session: Session, image: Image, kind: str) -> None:
    after_commit(session, partial(events.publish, image.user_id, kind, image.id))
