"""Runs: analyse many pictures of a person again, by model, language and detail.

A run notes its pictures when it is made and queues them a few hundred at a time (`run_feeder`), so
that those which wait keep their texts, and cancelling is a matter of a moment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlmodel import Session, col

from imgapp.adapters import wake_ups
from imgapp.adapters.db import after_commit, transaction
from imgapp.adapters.vision import BASIC
from imgapp.errors import Conflict, NotFound
from imgapp.models import Run, RunItem, RunOutcome, now
from imgapp.services.analysis import run_feeder
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.analysis.run_schemas import (
    NewRun,
    RunCounts,
    RunFilter,
    RunItemPage,
    RunItemPublic,
    RunPage,
    RunPreview,
    RunPublic,
)
from imgapp.services.batches import batches
from imgapp.services.common import idempotency
from imgapp.services.common.idempotency import StoredResponse
from imgapp.services.common.one_at_a_time import one_at_a_time
from imgapp.services.common.pagination import IdPlace, cut_page, newest_page, read_cursor
from imgapp.services.common.sanitize import check_language
from imgapp.services.installation import vision_models
from imgapp.services.library.bulk import BulkResult, ImageSelection
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.spending import budgets

MOST_PICTURES = 250_000
"""In one run: the newest of them."""
MOST_OPEN = 20
"""Runs of a person that are not finished."""
DAYS_KEPT = 90
_PURGED_AT_ONCE = 20

_CHOSEN = """
    FROM images i LEFT JOIN image_analyses a ON a.id = i.analysis_id
    WHERE i.user_id = :user_id AND i.deleted_at IS NULL
        AND (CAST(:ids AS uuid[]) IS NULL OR i.id = ANY(CAST(:ids AS uuid[])))
        AND (CAST(:status AS text) IS NULL OR i.analysis_status = :status)
        AND (CAST(:error AS text) IS NULL OR i.error_code = :error)
        AND (CAST(:model_version AS text) IS NULL OR a.model_version = :model_version)
        AND (CAST(:batch AS uuid) IS NULL
            OR i.id IN (SELECT b.image_id FROM batch_items b WHERE b.batch_id = :batch))
        AND (NOT :searched OR i.id IN (
            SELECT imgapp_find(CAST(:wanted AS jsonb), NULL, 0, :most, false)
        ))
        AND NOT (:elsewhere AND (
            i.never_cloud OR EXISTS (SELECT FROM preferences p WHERE p.never_cloud)
        ))
    ORDER BY i.id DESC LIMIT :most
"""
_NOTE = text(
    "INSERT INTO run_items (run_id, user_id, image_id, outcome)"
    f" SELECT :run_id, i.user_id, i.id, 'waiting' {_CHOSEN}"
)
_COUNT = text(f"SELECT count(*) FROM (SELECT {_CHOSEN}) chosen")  # noqa: S608
_PURGE = text("SELECT imgapp_purge_runs(make_interval(days => :days), :limit)")


def create_run(user_id: UUID, new: NewRun, *, key: str | None = None) -> RunPublic:
    """Note the pictures and begin; `key` is an Idempotency-Key.

    Raises InvalidRequest (model, key), NotFound (batch), Conflict.
    """
    vision_models.check(new.model)
    if key is not None:
        told = hashlib.sha256(f"run {new.model_dump_json()}".encode()).hexdigest()
        known = idempotency.begin(user_id, key, told)
        if known is not None:
            return RunPublic.model_validate(known.body)
    try:
        with transaction(user_id) as session:
            run = _make(session, user_id, new)
            shown = _shown(session, [run])[0]
            if key is not None:
                idempotency.keep(session, key, StoredResponse(201, shown.model_dump(mode="json")))
    except BaseException:
        if key is not None:
            idempotency.abandon(user_id, key)
        raise
    # So that few need not wait for the worker's next look.
    run_feeder.feed_run(user_id, shown.id)
    return shown if key is not None else get_run(user_id, shown.id)


def preview_run(user_id: UUID, new: NewRun) -> RunPreview:
    """What such a run would do now. Raises InvalidRequest (model), NotFound (batch)."""
    vision_models.check(new.model)
    with transaction(user_id) as session:
        total = session.execute(_COUNT, _terms(session, user_id, new)).scalar_one()
    return RunPreview(total=total, estimate=budgets.estimate(user_id, total, new.model))


def get_run(user_id: UUID, run_id: UUID) -> RunPublic:
    """How far a run is. Raises NotFound."""
    with transaction(user_id) as session:
        return _shown(session, [_fetch(session, run_id)])[0]


def list_runs(user_id: UUID, *, limit: int = 60, cursor: str | None = None) -> RunPage:
    """One page, newest first. Raises InvalidRequest (cursor)."""
    scope = (user_id, "runs")
    query = select(Run).where(col(Run.user_id) == user_id)
    order = (col(Run.created_at), col(Run.id))
    with transaction(user_id) as session:
        rows, further = newest_page(session, query, order, scope, limit=limit, cursor=cursor)
        return RunPage(items=_shown(session, rows), next_cursor=further)


def list_items(
    user_id: UUID,
    run_id: UUID,
    *,
    outcome: RunOutcome | None = None,
    limit: int = 60,
    cursor: str | None = None,
) -> RunItemPage:
    """One page of a run's pictures, newest first. Raises NotFound, InvalidRequest (cursor)."""
    scope = (user_id, "run", run_id, outcome)
    query = select(RunItem).where(col(RunItem.run_id) == run_id)
    if outcome is not None:
        query = query.where(col(RunItem.outcome) == outcome)
    with transaction(user_id) as session:
        _fetch(session, run_id)
        if cursor:
            query = query.where(col(RunItem.image_id) < read_cursor(IdPlace, cursor, *scope).id)
        query = query.order_by(col(RunItem.image_id).desc()).limit(limit + 1)
        rows = session.execute(query).scalars().all()
    page, further = cut_page(rows, limit, lambda last: IdPlace(last.image_id), *scope)
    items = [RunItemPublic.model_validate(row.model_dump()) for row in page]
    return RunItemPage(items=items, next_cursor=further)


def cancel_run(user_id: UUID, run_id: UUID) -> RunPublic:
    """Queue nothing more, and take back what waits. What is being analysed is finished.

    Raises NotFound.
    """
    with transaction(user_id) as session:
        run = _fetch(session, run_id)
        if run.finished_at is None:
            note = update(Run).where(col(Run.id) == run_id, col(Run.cancelled_at).is_(None))
            session.execute(note.values(cancelled_at=now()))
    # If this process dies here, the feeder does it.
    run_feeder.feed_run(user_id, run_id)
    return get_run(user_id, run_id)


def purge_runs() -> int:
    """Forget runs that ended `DAYS_KEPT` ago; returns how many."""
    gone = 0
    while True:
        with transaction() as session:
            values = {"days": DAYS_KEPT, "limit": _PURGED_AT_ONCE}
            some: int = session.execute(_PURGE, values).scalar_one()
        gone += some
        if some < _PURGED_AT_ONCE:
            return gone


def _make(session: Session, user_id: UUID, new: NewRun) -> Run:
    one_at_a_time(session, user_id, "runs")
    unfinished = select(func.count()).select_from(Run).where(col(Run.finished_at).is_(None))
    if session.execute(unfinished).scalar_one() >= MOST_OPEN:
        raise Conflict(
            f"{MOST_OPEN} runs are under way. Wait until one is finished, or cancel one.",
            code="too_many_runs",
        )
    terms = _terms(session, user_id, new)
    chosen = new.filter.model_dump(mode="json", exclude_none=True) if new.filter else None
    run = Run(
        user_id=user_id,
        chosen={"images": True} if chosen is None else {"filter": chosen},
        model=new.model,
        language=new.language,
        detail=new.detail,
        made_from=new.made_from,
        use=new.use,
        reuse=new.reuse,
        total=session.execute(_COUNT, terms).scalar_one(),
    )
    run.finished_at = None if run.total else run.created_at
    session.add(run)
    after_commit(session, wake_ups.call_for_chores)
    session.flush()
    if run.total:
        session.execute(_NOTE, {**terms, "run_id": run.id})
    return run


def _terms(session: Session, user_id: UUID, new: NewRun) -> dict[str, Any]:
    wanted = new.filter or RunFilter()
    if wanted.batch is not None:
        batches.check(session, wanted.batch)
    words = ImageQuery(
        q=wanted.q,
        tags=(wanted.tag or "",),
        language=check_language(wanted.language) if wanted.language else None,
        state=wanted.state,
    )
    asks = vision_models.model_asked(new.model) != BASIC
    return {
        "user_id": user_id,
        "ids": new.images,
        "status": wanted.status.value if wanted.status else None,
        "error": wanted.error,
        "model_version": wanted.model_version,
        "batch": wanted.batch,
        "wanted": json.dumps(words.terms()),
        "searched": words.filtered,
        # What may not go to a model would only be described as it is described now.
        "elsewhere": wanted.model_version == BASIC
        and asks
        and not vision_models.is_local(new.model),
        "most": MOST_PICTURES,
    }


def _fetch(session: Session, run_id: UUID) -> Run:
    # Row-level security leaves this person's rows only: fetching is the ownership check.
    run: Run | None = session.execute(select(Run).where(col(Run.id) == run_id)).scalar_one_or_none()
    if run is None:
        raise NotFound
    return run


def _shown(session: Session, rows: Iterable[Run]) -> list[RunPublic]:
    runs = list(rows)
    query = (
        select(col(RunItem.run_id), col(RunItem.outcome), func.count())
        .where(col(RunItem.run_id).in_([run.id for run in runs]))
        .group_by(col(RunItem.run_id), col(RunItem.outcome))
    )
    counts: dict[UUID, dict[str, int]] = {run.id: {} for run in runs}
    for run_id, outcome, count in session.execute(query) if runs else ():
        counts[run_id][outcome] = count
    return [
        RunPublic(
            **run.model_dump(exclude={"user_id", "chosen"}),
            filter=run.chosen.get("filter"),
            pictures=RunCounts(**counts[run.id]),
        )
        for run in runs
    ]


def analyze(
    user_id: UUID, chosen: ImageSelection, wishes: AnalysisOptions | None = None
) -> tuple[BulkResult, UUID | None]:
    """Analyse pictures again in a run, whose id comes with it; none if there are no pictures.

    Raises Conflict (too many runs), DatabaseUnavailable, InvalidRequest (model).
    """
    ids = chosen.resolve(user_id)
    if not ids:
        return BulkResult(0), None
    how = wishes.model_dump() if wishes else {}
    run = create_run(user_id, NewRun.model_construct(images=ids, reuse=False, **how))
    return BulkResult(len(ids), changed=ids[: run.total]), run.id
