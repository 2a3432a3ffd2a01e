"""Registration: creates accounts by the rules of e-mail addresses and passwords."""

from __future__ import annotations

import re
import secrets
import unicodedata
from uuid import UUID

import sqlalchemy as sa

from imgapp.adapters import db, passwords
from imgapp.errors import Conflict, Forbidden, InvalidRequest, NotFound
from imgapp.models import new_id
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.settings import Settings

# NIST SP 800-63B: length decides, composition rules do not help, and common ones are refused.
MIN_PASSWORD = 10
MAX_PASSWORD = 1_000
_COMMON = frozenset(
    """
    1234567890 12345678910 0123456789 0987654321 123456789a a123456789 1q2w3e4r5t 1qaz2wsx3edc
    qwertyuiop qwerty1234 qwerty12345 qwerty123456 asdfghjkl1 abcdefghij abcd123456 abc1234567
    password12 password123 password1234 password12345 passw0rd123 p@ssw0rd123 mypassword
    administrator changeme123 letmein123 welcome123 iloveyou123 sunshine123 football123
    """.split()  # noqa: SIM905
)

_MAX_EMAIL = 254  # RFC 5321, 4.5.3.1.3
_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f\ud800-\udfff]{1,64}@[^\s@\x00-\x1f\x7f\ud800-\udfff]+")


def create_user(
    email: str,
    password: str,
    *,
    is_admin: bool = False,
    only_first: bool = False,
    self_registered: bool = False,
) -> UUID:
    """Make an account; with `only_first`, only if there is none at all.

    Raises InvalidRequest (`invalid_email`, `weak_password`), Conflict (`email_taken`) and
    Forbidden (`not_first`).
    """
    email = clean_email(email)
    check_password(password, email)
    call = sa.func.imgapp_create_user(
        new_id(), email, passwords.hash_password(normalized(password)), is_admin, only_first
    )
    with db.transaction() as session:
        user_id: UUID | None = session.execute(sa.select(call.cast(sa.Uuid))).scalar_one()
        if user_id is not None and self_registered:
            session.execute(sa.select(sa.func.imgapp_mark_self_registered(user_id)))
        if user_id is not None:
            audit_trail.write(session, AuditKind.ACCOUNT_CREATED, user_id, administrator=is_admin)
    if user_id is not None:
        return user_id
    if only_first:
        raise Forbidden("The first account exists already", code="not_first")
    raise Conflict("Somebody has an account with this e-mail address", code="email_taken")


def has_users() -> bool:
    """Whether anybody has an account yet."""
    with db.transaction() as session:
        return bool(session.execute(sa.select(sa.func.imgapp_user_count())).scalar_one())


def find_user(email: str) -> UUID:
    """The id behind an e-mail address. Raises NotFound, InvalidRequest."""
    found = sa.func.imgapp_sign_in(clean_email(email)).table_valued(sa.column("id", sa.Uuid))
    with db.transaction() as session:
        user_id: UUID | None = session.execute(sa.select(found.c.id)).scalar_one_or_none()
    if user_id is None:
        raise NotFound(f"There is no account with the e-mail address {email.strip()!r}")
    return user_id


def first_account_needs_token(settings: Settings) -> bool:
    """Whether others can reach this server: not on loopback, or through a proxy in front of it."""
    return not settings.only_this_machine


def may_make_first_account(settings: Settings, token: str) -> bool:
    """Whether this caller may: anyone on loopback, elsewhere who has the one-time token."""
    if not first_account_needs_token(settings):
        return True
    expected = settings.first_account_token
    return expected is not None and secrets.compare_digest(
        expected.get_secret_value().encode(), token.encode()
    )


def clean_email(email: str) -> str:
    """The address without the space around it. Raises InvalidRequest."""
    email = email.strip()
    if len(email) > _MAX_EMAIL or not _EMAIL.fullmatch(email):
        raise InvalidRequest("This is not an e-mail address", code="invalid_email")
    return email


def check_password(password: str, email: str) -> None:
    """Raise InvalidRequest with a sentence that says what is wrong with a new password."""
    plain = normalized(password).casefold()
    if len(plain) < MIN_PASSWORD:
        problem = f"A password has at least {MIN_PASSWORD} characters"
    elif len(password) > MAX_PASSWORD:
        problem = f"A password has at most {MAX_PASSWORD} characters"
    elif plain in _COMMON or len(set(plain)) == 1:
        problem = "This password is among the first that somebody would try"
    elif plain in (email.casefold(), email.casefold().split("@")[0]):
        problem = "The e-mail address is no password"
    else:
        return
    raise InvalidRequest(problem, code="weak_password")


def normalized(password: str) -> str:
    """The same characters whichever keyboard they come from (NIST SP 800-63B: NFKC)."""
    return unicodedata.normalize("NFKC", password)
