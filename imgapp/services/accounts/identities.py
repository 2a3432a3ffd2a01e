"""Identities: link people of the single sign-on provider to accounts (OIDC subjects)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from imgapp.adapters import db
from imgapp.adapters.oidc import Claimant
from imgapp.errors import InvalidRequest, SignInRefused
from imgapp.models import AccessToken, Identity, User, UserSession, new_id, now
from imgapp.services.accounts.registration import clean_email
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.settings import get_settings


def find(issuer: str, subject: str) -> sa.Row[Any] | None:
    """`identity_id, user_id, email, is_admin, disabled` of the person, if they are known."""
    table = sa.func.imgapp_identity(issuer, subject).table_valued(
        sa.column("identity_id", sa.Uuid),
        sa.column("user_id", sa.Uuid),
        "email",
        sa.column("is_admin", sa.Boolean),
        sa.column("disabled", sa.Boolean),
    )
    with db.transaction() as session:
        return session.execute(sa.select(table)).one_or_none()


def person_of(claimant: Claimant) -> UUID:
    """The account of whoever signed in: known, linked by its verified address, or made now.

    Raises SignInRefused.
    """
    for _ in range(3):  # the same person may do the same in another tab
        known = find(claimant.issuer, claimant.subject)
        if known is not None:
            return _known_person(known, claimant)
        with suppress(IntegrityError):
            _link_or_create(claimant)
    raise SignInRefused(reason="raced")


def _known_person(known: sa.Row[Any], claimant: Claimant) -> UUID:
    if known.disabled:
        raise SignInRefused(code="account_disabled", reason="disabled")
    user_id: UUID = known.user_id
    with db.transaction(user_id) as session:
        session.execute(
            sa.update(Identity)
            .where(col(Identity.id) == known.identity_id)
            .values(email=claimant.email, last_used_at=now())
        )
    return user_id


def _link_or_create(claimant: Claimant) -> None:
    email = _usable(claimant.email)
    table = sa.func.imgapp_sign_in(email).table_valued(
        sa.column("id", sa.Uuid), sa.column("disabled", sa.Boolean)
    )
    with db.transaction() as session:
        person = session.execute(sa.select(table)).one_or_none()
    if person is None:
        _create(email, claimant)
    elif not claimant.email_verified:
        raise SignInRefused(code="email_not_verified", reason="email not verified")
    elif person.disabled:
        raise SignInRefused(code="account_disabled", reason="disabled")
    else:
        _link(person.id, claimant)


def _usable(email: str | None) -> str:
    try:
        return clean_email(email or "")
    except InvalidRequest as error:
        raise SignInRefused(code="email_missing", reason="no email") from error


def _create(email: str, claimant: Claimant) -> None:
    if get_settings().signup == "closed":
        raise SignInRefused(code="sign_up_closed", reason="sign-up is closed")
    user_id = new_id()
    with db.transaction(user_id) as session:
        call = sa.func.imgapp_create_user(user_id, email, None, False, False)
        if session.execute(sa.select(call.cast(sa.Uuid))).scalar_one() is None:
            return  # somebody has it now: look again
        if not claimant.email_verified:
            session.execute(sa.select(sa.func.imgapp_mark_self_registered(user_id)))
        _add_identity(session, user_id, claimant)
        audit_trail.write(
            session, AuditKind.ACCOUNT_CREATED, user_id, method="oidc", administrator=False
        )


def _link(user_id: UUID, claimant: Claimant) -> None:
    with db.transaction(user_id) as session:
        user = session.get_one(User, user_id, with_for_update=True)
        took_over = user.self_registered
        if took_over:
            _take_over(session, user)
        _add_identity(session, user_id, claimant)
        audit_trail.write(
            session, AuditKind.IDENTITY_LINKED, user_id, issuer=claimant.issuer, took_over=took_over
        )


def _take_over(session: Session, user: User) -> None:
    """Leave nothing of the access of whoever made this account with an address never shown to be
    theirs: it may have been somebody who waited for its owner."""
    user.password_hash, user.password_changed_at = None, now()
    user.self_registered = False
    for table in (UserSession, AccessToken, Identity):
        session.execute(sa.delete(table))  # of this person: row-level security sees to it
    session.flush()


def _add_identity(session: Session, user_id: UUID, claimant: Claimant) -> None:
    session.add(
        Identity(
            user_id=user_id,
            issuer=claimant.issuer,
            subject=claimant.subject,
            email=claimant.email,
            last_used_at=now(),
        )
    )
    session.flush()
