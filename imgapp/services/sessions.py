"""Browsers that are signed in: an opaque cookie, of which only the SHA-256 is stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from imgapp.adapters import db, passwords
from imgapp.errors import InvalidRequest, NotSignedIn
from imgapp.models import User, UserSession, Viewer, now
from imgapp.services.users import MAX_PASSWORD, clean_email, normalized

COOKIE_MAX_AGE = 400 * 24 * 3600  # seconds; the longest that browsers keep one
LIFETIME = timedelta(days=30)
"""A session ends so long after it was last seen."""
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """`cookie` is shown to the browser once and stored nowhere."""

    cookie: str
    viewer: Viewer


def sign_in(email: str, password: str, *, user_agent: str, address: str) -> SignedIn:
    """Start a session. Raises NotSignedIn, after the same time whether or not the person exists."""
    person = _find_person(email)
    stored: str | None = person.password_hash if person else None
    matches = passwords.verify_password(stored, normalized(password[: MAX_PASSWORD + 1]))
    if person is None or not matches or person.disabled:
        raise NotSignedIn("The e-mail address or the password is not right", code="invalid_sign_in")
    if stored is not None and passwords.needs_rehash(stored):
        _replace_hash(person.id, password)
    return start_session(person.id, user_agent=user_agent, address=address)


def start_session(user_id: UUID, *, user_agent: str, address: str) -> SignedIn:
    """Start a session for a person who has proved who they are."""
    cookie = secrets.token_urlsafe(32)
    moment = now()
    with db.transaction(user_id) as session:
        session.execute(sa.delete(UserSession).where(col(UserSession.expires_at) < moment))
        session.add(
            UserSession(
                user_id=user_id,
                token_hash=hash_secret(cookie),
                expires_at=moment + LIFETIME,
                user_agent=user_agent.replace("\0", "")[:300],
                address=address[:100],
            )
        )
        session.flush()
        found = _look_up(session, sa.func.imgapp_session(hash_secret(cookie)))
    if found is None:
        raise NotSignedIn("This account is disabled")
    return SignedIn(cookie, found[0])


def sign_out(viewer: Viewer) -> None:
    """End the viewer's session at once."""
    with db.transaction(viewer.user_id) as session:
        session.execute(sa.delete(UserSession).where(col(UserSession.id) == viewer.session_id))


def viewer_of_cookie(cookie: str) -> Viewer | None:
    """Who sent the cookie, or None if its session is over."""
    return _viewer(sa.func.imgapp_session(hash_secret(cookie)))


def viewer_of_session(session_id: UUID) -> Viewer | None:
    """Whose session it is, or None if it is over."""
    return _viewer(sa.func.imgapp_session_by_id(session_id))


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


def _viewer(call: sa.Function[Any]) -> Viewer | None:
    with db.transaction() as session:
        found = _look_up(session, call)
    if found is None:
        return None
    viewer, expires_at = found
    if expires_at < now() + LIFETIME - _SEEN_EVERY:
        _touch(viewer)
    return viewer


def _look_up(session: Session, call: sa.Function[Any]) -> tuple[Viewer, datetime] | None:
    table = call.table_valued("session_id", "user_id", "email", "is_admin", "expires_at")
    row = session.execute(sa.select(table)).one_or_none()
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


def _replace_hash(user_id: UUID, password: str) -> None:
    with db.transaction(user_id) as session:
        session.execute(
            sa.update(User)
            .where(col(User.id) == user_id)
            .values(password_hash=passwords.hash_password(normalized(password)))
        )
