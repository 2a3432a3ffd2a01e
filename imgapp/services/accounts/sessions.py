"""Sessions: start, look up and end them; of the opaque cookie only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlmodel import Session, col, select

from imgapp.adapters import db, passwords
from imgapp.errors import InvalidRequest, NotFound, NotSignedIn, RateLimited
from imgapp.models import AccessToken, Identity, Shape, User, UserSession, Viewer, now
from imgapp.services.accounts import sign_in_limits
from imgapp.services.accounts.registration import MAX_PASSWORD, clean_email, normalized
from imgapp.services.accounts.user_agents import device_of
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind

COOKIE_MAX_AGE = 400 * 24 * 3600  # seconds; the longest that browsers keep one
LIFETIME = timedelta(days=30)
"""A session ends so long after it was last seen."""
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """`cookie` is shown to the browser once and stored nowhere."""

    cookie: str
    viewer: Viewer
    password_is_temporary: bool = False


class SessionPublic(Shape):
    """A browser that is signed in, as its owner sees it in a list."""

    id: UUID
    device: str
    address: str
    auth_method: Literal["password", "oidc"]
    created_at: datetime
    last_seen_at: datetime
    current: bool = Field(description="The one that this request came with")


def sign_in(email: str, password: str, *, user_agent: str, address: str) -> SignedIn:
    """Start a session. Raises NotSignedIn, after the same time whether or not the person exists,
    and RateLimited after too many failures, whether or not the password is right."""
    person = _find_person(email)
    user_id: UUID | None = person.id if person else None
    try:
        sign_in_limits.begin(email, address)
    except RateLimited:
        audit_trail.record(AuditKind.SIGN_IN_LIMITED, user_id, once_within=sign_in_limits.PER)
        raise
    stored: str | None = person.password_hash if person else None
    matches = passwords.verify_password(stored, normalized(password[: MAX_PASSWORD + 1]))
    if person is None or not matches or person.disabled:
        sign_in_limits.failed(email, address)
        audit_trail.record(AuditKind.SIGN_IN_FAILED, user_id)
        raise NotSignedIn("The e-mail address or the password is not right", code="invalid_sign_in")
    sign_in_limits.succeeded(email, address)
    if stored is not None and passwords.needs_rehash(stored):
        stored = _replace_hash(person.id, stored, password)
    return start_session(person.id, user_agent=user_agent, address=address, proved_by=stored)


def start_session(
    user_id: UUID,
    *,
    user_agent: str,
    address: str,
    auth_method: str = "password",
    proved_by: str | None = None,
) -> SignedIn:
    """Start a session for a person who has proved who they are. Raises NotSignedIn if disabled.

    `proved_by` is the hash of the password that they gave: no session begins if it was replaced
    while it was checked.
    """
    cookie = secrets.token_urlsafe(32)
    moment = now()
    with db.transaction(user_id) as session:
        user = session.get(User, user_id, with_for_update={"key_share": True})
        if user is None or proved_by not in (None, user.password_hash):
            raise NotSignedIn("The password is not right any more", code="invalid_sign_in")
        session.execute(sa.delete(UserSession).where(col(UserSession.expires_at) < moment))
        session.add(
            UserSession(
                user_id=user_id,
                token_hash=hash_secret(cookie),
                expires_at=moment + LIFETIME,
                user_agent=user_agent.replace("\0", "")[:300],
                address=address[:100],
                auth_method=auth_method,
            )
        )
        session.flush()
        look_up = sa.text("SELECT * FROM imgapp_session(:hash)")
        row = session.execute(look_up, {"hash": hash_secret(cookie)}).one_or_none()
        found = _found(row)
        if found is None:
            raise NotSignedIn("This account is disabled")
        user.last_seen_at = moment
        audit_trail.write(session, AuditKind.SIGNED_IN, user_id, method=auth_method)
    return SignedIn(cookie, found[0], user.password_is_temporary)


def require_still_good(session: Session, viewer: Viewer) -> None:
    """What the viewer came with counts yet, and will until the transaction ends.

    For what outlives it: a request that is under way while all access is taken away must not leave
    new access behind. Raises NotSignedIn.
    """
    session.get(User, viewer.user_id, with_for_update={"key_share": True})
    wanted = [(UserSession, viewer.session_id), (AccessToken, viewer.token_id)]
    wanted.append((Identity, viewer.token_id))
    if not any(key is not None and session.get(table, key) for table, key in wanted):
        raise NotSignedIn


def sign_out(viewer: Viewer) -> None:
    """End the viewer's session at once."""
    with db.transaction(viewer.user_id) as session:
        if _end(session, col(UserSession.id) == viewer.session_id):
            audit_trail.write(session, AuditKind.SIGNED_OUT, viewer.user_id)


def list_sessions(user_id: UUID, current: UUID | None = None) -> list[SessionPublic]:
    """The browsers in which the person is signed in, the `current` one first, then by last use."""
    query = (
        select(UserSession)
        .where(col(UserSession.expires_at) > now())
        .order_by(col(UserSession.last_seen_at).desc(), col(UserSession.id).desc())
    )
    with db.transaction(user_id) as session:
        found = [_public(row, current) for row in session.exec(query)]
    return sorted(found, key=lambda one: not one.current)


def revoke_session(user_id: UUID, session_id: UUID) -> None:
    """End one of the person's sessions at once. Raises NotFound, for somebody else's too."""
    with db.transaction(user_id) as session:
        if not _end(session, col(UserSession.id) == session_id):
            raise NotFound
        audit_trail.write(session, AuditKind.SESSION_REVOKED, user_id, sessions=1)


def revoke_other_sessions(user_id: UUID, keep: UUID | None) -> int:
    """End all sessions of the person but one; returns how many."""
    with db.transaction(user_id) as session:
        ended = end_sessions(session, keep)
        if ended:
            audit_trail.write(session, AuditKind.SESSION_REVOKED, user_id, sessions=ended)
    return ended


def end_sessions(session: Session, keep: UUID | None) -> int:
    """End all sessions of the transaction's person but one; returns how many."""
    return _end(session, col(UserSession.id).is_distinct_from(keep))


def viewer_of_cookie(cookie: str) -> Viewer | None:
    """Who sent the cookie, or None if its session is over."""
    return _viewer("imgapp_session", hash_secret(cookie))


def viewer_of_session(session_id: UUID) -> Viewer | None:
    """Whose session it is, or None if it is over."""
    return _viewer("imgapp_session_by_id", session_id)


def live_sessions(session_ids: Collection[UUID]) -> set[UUID]:
    """Which of these sessions are not over."""
    statement = sa.text(
        "SELECT found.session_id FROM unnest(CAST(:ids AS uuid[])) AS wanted(id),"
        " LATERAL imgapp_session_by_id(wanted.id) AS found"
    )
    with db.transaction() as session:
        return set(session.execute(statement, {"ids": list(session_ids)}).scalars())


def hash_secret(secret: str) -> str:
    """What is stored of a random secret; being random, it needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _viewer(function: str, argument: object) -> Viewer | None:
    found = _found(db.look_up(function, argument))
    if found is None:
        return None
    viewer, expires_at = found
    if expires_at < now() + LIFETIME - _SEEN_EVERY:
        _touch(viewer)
    return viewer


def _found(row: Any) -> tuple[Viewer, datetime] | None:
    if row is None:
        return None
    viewer = Viewer(
        user_id=row.user_id, email=row.email, is_admin=row.is_admin, session_id=row.session_id
    )
    return viewer, row.expires_at


def _touch(viewer: Viewer) -> None:
    moment = now()
    with db.transaction(viewer.user_id) as session:
        session.execute(
            sa.update(UserSession)
            .where(col(UserSession.id) == viewer.session_id)
            .values(last_seen_at=moment, expires_at=moment + LIFETIME)
        )
        session.execute(
            sa.update(User).where(col(User.id) == viewer.user_id).values(last_seen_at=moment)
        )


def _end(session: Session, which: sa.ColumnElement[bool]) -> int:
    # Under row-level security only the person's own sessions are there to end.
    ended = session.execute(sa.delete(UserSession).where(which).returning(col(UserSession.id)))
    return len(ended.all())


def _public(row: UserSession, current: UUID | None) -> SessionPublic:
    return SessionPublic.model_validate(
        row.model_dump() | {"device": device_of(row.user_agent), "current": row.id == current}
    )


def _find_person(email: str) -> sa.Row[Any] | None:
    try:
        email = clean_email(email)
    except InvalidRequest:
        return None
    table = sa.func.imgapp_sign_in(email).table_valued(
        sa.column("id", sa.Uuid), "password_hash", sa.column("disabled", sa.Boolean)
    )
    with db.transaction() as session:
        return session.execute(sa.select(table)).one_or_none()


def _replace_hash(user_id: UUID, stored: str, password: str) -> str:
    """Store the same password as it is hashed now; what it is hashed as afterwards."""
    new = passwords.hash_password(normalized(password))
    with db.transaction(user_id) as session:
        session.execute(
            sa.update(User)
            .where(col(User.id) == user_id, col(User.password_hash) == stored)
            .values(password_hash=new)
        )
    return new
