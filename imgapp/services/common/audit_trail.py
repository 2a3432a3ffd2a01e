"""The audit trail: records who did what, when and from where, for administrators to read.

An event is written in the transaction of what it tells, so that neither is there without the other.
It never holds a secret, nor an e-mail address that somebody typed and that has no account.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session

from imgapp.adapters.db import transaction
from imgapp.models import Shape, new_id, now
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.pagination import Place, cut_page, read_cursor

DAYS_KEPT = 400
"""A little more than a year."""
_AT_ONCE = 1_000
_MOST_TOLD = 10_000
_DAY = timedelta(days=1)

_WRITE = text(
    "SELECT imgapp_audit(:id, :user_id, :kind, :address, :user_agent, :details, :once_within)"
).bindparams(bindparam("details", type_=JSONB))
_READ = text(
    "SELECT * FROM imgapp_audit_events(:kind, :person, CAST(:since AS timestamptz),"
    " CAST(:until AS timestamptz), CAST(:before AS timestamptz), CAST(:before_id AS uuid), :limit)"
)
_TRIM = text("SELECT imgapp_trim_audit(make_interval(days => :days), :limit)")


class AuditKind(StrEnum):
    """What happened."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_LIMITED = "sign_in_limited"
    SIGNED_OUT = "signed_out"
    SESSION_REVOKED = "session_revoked"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    TOKEN_CREATED = "token_created"  # noqa: S105
    TOKEN_REVOKED = "token_revoked"  # noqa: S105
    TOKEN_USED = "token_used"  # noqa: S105
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    ACCOUNT_CREATED = "account_created"
    ACCOUNT_EXPORTED = "account_exported"
    ACCOUNT_DELETED = "account_deleted"
    IMAGE_DELETED = "image_deleted"
    PERSON_ADDED = "person_added"
    PERSON_DISABLED = "person_disabled"
    PERSON_ENABLED = "person_enabled"
    PERSON_DELETED = "person_deleted"
    PERSON_REMOVED = "person_removed"
    """Of somebody who was deleted, nothing is left."""
    PASSWORD_RESET = "password_reset"  # noqa: S105
    ADMINISTRATOR_GRANTED = "administrator_granted"
    ADMINISTRATOR_REVOKED = "administrator_revoked"
    QUOTA_CHANGED = "quota_changed"
    INSTALLATION_CHANGED = "installation_changed"
    MODEL_CONNECTED = "model_connected"
    MODEL_CHANGED = "model_changed"
    MODEL_DISCONNECTED = "model_disconnected"
    MODEL_WANTED = "model_wanted"
    """Of the catalogue, to be fetched."""
    BUDGET_CHANGED = "budget_changed"
    FAILURES_RETRIED = "failures_retried"
    PROMPT_CHANGED = "prompt_changed"
    WEBHOOK_CREATED = "webhook_created"
    WEBHOOK_CHANGED = "webhook_changed"
    WEBHOOK_SECRET_CHANGED = "webhook_secret_changed"  # noqa: S105
    WEBHOOK_DELETED = "webhook_deleted"
    WEBHOOK_DISABLED = "webhook_disabled"
    """By imgapp itself: the receiver is gone, or failed for days."""


class AuditEventPublic(Shape):
    """One line of the trail. `user_id` and `email` say who did it, where that is known."""

    id: UUID
    at: datetime
    kind: str
    user_id: UUID | None
    email: str | None
    address: str
    user_agent: str
    details: dict[str, Any]


class AuditPage(Shape):
    items: list[AuditEventPublic]
    next_cursor: str | None


@dataclass(frozen=True)
class Source:
    """Where a call comes from, as far as it is known."""

    address: str = ""
    user_agent: str = ""


_NOWHERE = Source()
_source: ContextVar[Source] = ContextVar("source", default=_NOWHERE)
_told: dict[tuple[UUID, str], date] = {}
"""Uses of tokens that this process need not ask the database about again today."""


def set_source(address: str, user_agent: str) -> None:
    """From here on, what happens in this context comes from there."""
    _source.set(Source(address[:100], user_agent.replace("\0", "")[:300]))


def current_source() -> Source:
    """Where the call that is being answered comes from."""
    return _source.get()


def write(
    session: Session,
    kind: AuditKind,
    user_id: UUID | None,
    *,
    once_within: timedelta | None = None,
    **details: Any,
) -> None:
    """Add an event with the transaction; `user_id` is who did it.

    With `once_within`, the same from the same address is told only once in that time.
    """
    source = _source.get()
    values = {
        "id": new_id(),
        "user_id": user_id,
        "kind": kind.value,
        "address": source.address,
        "user_agent": source.user_agent,
        "details": {name: _plain(value) for name, value in details.items()},
        "once_within": once_within,
    }
    session.execute(_WRITE, values)


def record(
    kind: AuditKind, user_id: UUID | None, *, once_within: timedelta | None = None, **details: Any
) -> None:
    """Add an event about something that changed nothing in the database."""
    with transaction() as session:
        write(session, kind, user_id, once_within=once_within, **details)


def note_token_use(user_id: UUID, token_id: UUID) -> None:
    """Tell that a token was used, once a day for each address that it is used from."""
    use, today = (token_id, _source.get().address), now().date()
    if _told.get(use) == today:
        return
    with transaction() as session:
        write(session, AuditKind.TOKEN_USED, user_id, once_within=_DAY, token_id=token_id)
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told[use] = today


def list_events(
    user_id: UUID,
    *,
    kind: AuditKind | None = None,
    person: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 60,
    cursor: str | None = None,
) -> AuditPage:
    """One page of the trail, newest first; `person` is a part of an e-mail address.

    Raises NotFound unless the caller is an administrator, and InvalidRequest (cursor).
    """
    person = (person or "").strip() or None
    wanted = {"kind": kind, "person": person, "since": since, "until": until}
    scope = (user_id, "audit", *wanted.values())
    with as_administrator(user_id) as session:
        place = read_cursor(Place, cursor, *scope) if cursor else None
        before = {"before": place and place.at, "before_id": place and place.id}
        rows = session.execute(_READ, {**wanted, **before, "limit": limit + 1}).all()
    page, further = cut_page(rows, limit, lambda last: Place(last.at, last.id), *scope)
    return AuditPage(items=[_public(row) for row in page], next_cursor=further)


def trim_trail() -> int:
    """Forget events that are older than `DAYS_KEPT`; returns how many."""
    gone = 0
    while True:
        with transaction() as session:
            some: int = session.execute(_TRIM, {"days": DAYS_KEPT, "limit": _AT_ONCE}).scalar_one()
        gone += some
        if some < _AT_ONCE:
            return gone


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | bool | None) else str(value)


def _public(row: Any) -> AuditEventPublic:
    return AuditEventPublic(
        id=row.id,
        at=row.at,
        kind=row.kind,
        user_id=row.user_id,
        email=row.actor_email,
        address=row.address,
        user_agent=row.user_agent,
        details=row.details,
    )
