"""Personal access tokens: create, list, revoke; shown once, stored as their SHA-256."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import Field
from sqlmodel import col, select

from imgapp.adapters import db
from imgapp.errors import InvalidRequest, NotFound
from imgapp.models import AccessToken, Scope, Shape, Viewer, now
from imgapp.services.accounts.sessions import hash_secret, require_still_good
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind

PREFIX = "imgapp_"
"""Secret scanners and people recognise the token by it."""
_HINT = len(PREFIX) + 4
_MAX_NAME = 100


class TokenPublic(Shape):
    """A token as its owner sees it in a list."""

    id: UUID
    name: str
    hint: str = Field(description="How the token begins")
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewToken(TokenPublic):
    """`token` is shown this once."""

    token: str


def create_token(
    user_id: UUID,
    name: str,
    scopes: Iterable[Scope] = (Scope.READ, Scope.WRITE),
    expires_at: datetime | None = None,
    *,
    viewer: Viewer | None = None,
) -> NewToken:
    """Make a token, at the wish of `viewer` if one is given. Raises InvalidRequest, NotSignedIn."""
    name = name.strip()
    wanted = sorted(set(scopes))
    if not 1 <= len(name) <= _MAX_NAME or not name.isprintable():
        raise InvalidRequest(f"A token has a name of 1 to {_MAX_NAME} ordinary characters")
    if not wanted:
        raise InvalidRequest("A token has at least one scope: read, write")
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= now()):
        raise InvalidRequest("A token expires in the future, at a time with a zone")
    token = PREFIX + secrets.token_urlsafe(32)
    row = AccessToken(
        user_id=user_id,
        name=name,
        token_hash=hash_secret(token),
        hint=token[:_HINT],
        scopes=[scope.value for scope in wanted],
        expires_at=expires_at,
    )
    with db.transaction(user_id) as session:
        if viewer is not None:
            require_still_good(session, viewer)
        session.add(row)
        audit_trail.write(session, AuditKind.TOKEN_CREATED, user_id, token_id=row.id, name=name)
    return NewToken(**_public(row).model_dump(), token=token)


def list_tokens(user_id: UUID) -> list[TokenPublic]:
    """The person's tokens, newest first."""
    newest_first = select(AccessToken).order_by(
        col(AccessToken.created_at).desc(), col(AccessToken.id).desc()
    )
    with db.transaction(user_id) as session:
        return [_public(row) for row in session.exec(newest_first)]


def revoke_token(user_id: UUID, token_id: UUID) -> None:
    """End a token at once. Raises NotFound, for somebody else's too."""
    with db.transaction(user_id) as session:
        row = session.get(AccessToken, token_id)
        if row is None:
            raise NotFound
        session.delete(row)
        audit_trail.write(
            session, AuditKind.TOKEN_REVOKED, user_id, token_id=token_id, name=row.name
        )


def viewer_of_token(token: str) -> Viewer | None:
    """Who sent the token, or None if it is unknown, revoked or expired."""
    if not token.startswith(PREFIX):
        return None
    row = db.look_up("imgapp_token", hash_secret(token))
    if row is None:
        return None
    audit_trail.note_token_use(row.user_id, row.token_id)
    return Viewer(
        user_id=row.user_id,
        email=row.email,
        is_admin=row.is_admin,
        token_id=row.token_id,
        scopes=frozenset(row.scopes),
    )


def _public(row: AccessToken) -> TokenPublic:
    return TokenPublic(**row.model_dump(exclude={"user_id", "token_hash"}))
