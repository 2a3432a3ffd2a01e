"""Accounts of everybody: administrators list, change and delete them; the deleted are purged."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from imgapp.adapters import db, passwords
from imgapp.adapters.storage import get_store
from imgapp.errors import Conflict, NotFound
from imgapp.models import Shape, new_id
from imgapp.services.accounts.registration import check_password, clean_email, normalized
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.common.authorization import as_administrator
from imgapp.services.common.pagination import TextPlace, cut_page, read_cursor
from imgapp.services.storage import object_removals
from imgapp.services.uploads import tus_uploads

_AT_ONCE = 50

_PEOPLE = sa.text("SELECT * FROM imgapp_people(:id, :query, :after, :limit)")
_CREATE = sa.text("SELECT imgapp_create_user(:id, :email, :hash, :is_admin, false)")
_SET_PASSWORD = sa.text("SELECT imgapp_set_password(:id, :hash)")
_UPDATE = sa.text(
    "SELECT imgapp_update_person("
    ":id, :disabled, :is_admin, :set_quota, :quota_images, :quota_bytes)"
)
_DELETE = sa.text("SELECT imgapp_delete_person(:id)")
_PURGE_IMAGES = sa.text("SELECT count(*) FROM imgapp_purge_deleted_images(:limit)")
_PURGE_PERSON = sa.text("SELECT user_id, email FROM imgapp_purge_deleted_person()")
_FIRST_ADMIN = sa.text("SELECT imgapp_first_admin()")


class PersonPublic(Shape):
    """A person as administrators see them: never their pictures, nor any text of them."""

    id: UUID
    email: str
    is_admin: bool
    created_at: datetime
    disabled_at: datetime | None
    deleting_at: datetime | None = Field(description="Deleted: what is theirs is being removed")
    last_seen_at: datetime | None
    has_password: bool
    has_identity: bool = Field(description="Signs in through the single sign-on provider")
    images: int = Field(description="The trash included")
    bytes: int
    quota_images: int | None = Field(description="null: the installation's")
    quota_bytes: int | None


class NewPerson(PersonPublic):
    password: str | None = Field(description="A one-time password, shown this once")


class PeoplePage(Shape):
    items: list[PersonPublic]
    next_cursor: str | None


class PersonEdit(BaseModel):
    """What is left out stays as it is; a quota of null is the installation's."""

    model_config = ConfigDict(extra="forbid")

    disabled: bool | None = None
    is_admin: bool | None = None
    quota_images: int | None = Field(default=None, ge=0, le=2_000_000_000)
    quota_bytes: int | None = Field(default=None, ge=0, le=10**18)


def list_people(
    user_id: UUID, *, q: str | None = None, limit: int = 60, cursor: str | None = None
) -> PeoplePage:
    """One page of everybody, by e-mail address. Raises NotFound, InvalidRequest (cursor)."""
    query = (q or "").strip() or None
    scope = (user_id, "people", query)
    wanted = {"id": None, "query": query, "limit": limit + 1}
    with as_administrator(user_id) as session:
        after = read_cursor(TextPlace, cursor, *scope).text if cursor else None
        rows = session.execute(_PEOPLE, {**wanted, "after": after}).all()
    page, further = cut_page(rows, limit, lambda last: TextPlace(last.email), *scope)
    return PeoplePage(items=[_public(row) for row in page], next_cursor=further)


def get_person(user_id: UUID, person_id: UUID) -> PersonPublic:
    """One person. Raises NotFound."""
    with as_administrator(user_id) as session:
        return _fetch(session, person_id)


def add_person(
    user_id: UUID, email: str, password: str | None = None, *, is_admin: bool = False
) -> NewPerson:
    """Make an account for somebody, by default with a one-time password for them.

    Raises NotFound, InvalidRequest (`invalid_email`, `weak_password`), Conflict (`email_taken`).
    """
    email = clean_email(email)
    _check_admin(user_id)
    given = password or one_time_password()
    check_password(given, email)
    values = {"id": new_id(), "email": email, "hash": _hash(given), "is_admin": is_admin}
    with as_administrator(user_id) as session:
        person_id = session.execute(_CREATE, values).scalar_one()
        if person_id is None:
            raise Conflict("Somebody has an account with this e-mail address", code="email_taken")
        session.execute(_SET_PASSWORD, {"id": person_id, "hash": values["hash"]})
        person = _fetch(session, person_id)
        audit_trail.write(
            session,
            AuditKind.PERSON_ADDED,
            user_id,
            person=email,
            person_id=person_id,
            is_admin=is_admin,
        )
    return NewPerson(**person.model_dump(), password=None if password else given)


def update_person(user_id: UUID, person_id: UUID, edit: PersonEdit) -> PersonPublic:
    """Disable, enable, make an administrator, set quotas. Raises NotFound, Conflict
    (`last_administrator`)."""
    quotas = {"quota_images", "quota_bytes"}
    with as_administrator(user_id) as session:
        before = _fetch(session, person_id)
        values = {
            "id": person_id,
            "disabled": edit.disabled,
            "is_admin": edit.is_admin,
            "set_quota": bool(quotas & edit.model_fields_set),
            **before.model_dump(include=quotas),
            **edit.model_dump(include=quotas & edit.model_fields_set),
        }
        _expect_done(session.execute(_UPDATE, values).scalar_one())
        after = _fetch(session, person_id)
        for kind in _changes(before, after):
            details = after.model_dump(include=quotas) if kind is AuditKind.QUOTA_CHANGED else {}
            audit_trail.write(
                session, kind, user_id, person=after.email, person_id=person_id, **details
            )
    return after


def reset_password(user_id: UUID, person_id: UUID) -> str:
    """A one-time password for somebody who forgot theirs; ends their sessions. Raises NotFound."""
    with as_administrator(user_id) as session:
        person = _fetch(session, person_id)
    password = one_time_password()
    values = {"id": person_id, "hash": _hash(password)}
    with as_administrator(user_id) as session:
        _expect_done(session.execute(_SET_PASSWORD, values).scalar_one())
        audit_trail.write(
            session, AuditKind.PASSWORD_RESET, user_id, person=person.email, person_id=person_id
        )
    return password


def delete_person(user_id: UUID, person_id: UUID) -> None:
    """Sign somebody out for good; the worker removes what is theirs. Raises NotFound, Conflict
    (`last_administrator`)."""
    with as_administrator(user_id) as session:
        person = _fetch(session, person_id)
        _expect_done(session.execute(_DELETE, {"id": person_id}).scalar_one())
        audit_trail.write(
            session, AuditKind.PERSON_DELETED, user_id, person=person.email, person_id=person_id
        )


def operator() -> UUID:
    """In whose name the command line acts: the first administrator's. Raises NotFound."""
    with db.transaction() as session:
        user_id: UUID | None = session.execute(_FIRST_ADMIN).scalar_one()
    if user_id is None:
        raise NotFound("There is no administrator yet: imgapp user add EMAIL --admin")
    return user_id


def purge_deleted() -> int:
    """Remove what belongs to people who were deleted, then themselves; returns how many of both.

    A person goes last, when none of their files is left: whenever this is interrupted, what is
    left is found again. Raises DatabaseUnavailable, StoreUnavailable.
    """
    removed = 0
    while (some := _purge_images()) > 0:
        removed += some
    object_removals.sweep()
    while (some := _purge_person()) > 0:
        removed += some
    return removed


def one_time_password() -> str:
    """Random, and easy to read out: 80 bits in groups of four without look-alikes (RFC 4648)."""
    letters = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _purge_images() -> int:
    with db.transaction() as session:
        return int(session.execute(_PURGE_IMAGES, {"limit": _AT_ONCE}).scalar_one())


def _purge_person() -> int:
    with db.transaction() as session:
        # Tried and taken back, to learn whose turn it is: files go first, and no transaction waits.
        person = session.execute(_PURGE_PERSON).one_or_none()
        session.rollback()
    if person is None:
        return 0
    # What no row ever knew of, if there is anything.
    for folder in ("users", "incoming"):
        get_store().delete_prefix(f"{folder}/{person.user_id}/")
    tus_uploads.remove_all(person.user_id)
    return _forget_person(person.user_id)


def _forget_person(user_id: UUID) -> int:
    with db.transaction() as session:
        person = session.execute(_PURGE_PERSON).one_or_none()
        if person is None or person.user_id != user_id:
            # Something of theirs came in meanwhile, or another worker was first.
            session.rollback()
            return 0
        audit_trail.write(
            session, AuditKind.PERSON_REMOVED, None, person=person.email, person_id=user_id
        )
    return 1


def _check_admin(user_id: UUID) -> None:
    """Before a password is hashed: nobody else keeps the processor busy with that."""
    with as_administrator(user_id):
        pass


def _fetch(session: Session, person_id: UUID) -> PersonPublic:
    values = {"id": person_id, "query": None, "after": None, "limit": 1}
    row = session.execute(_PEOPLE, values).one_or_none()
    if row is None:
        raise NotFound
    return _public(row)


def _public(row: sa.Row[Any]) -> PersonPublic:
    return PersonPublic.model_validate(dict(row._mapping))


def _changes(before: PersonPublic, after: PersonPublic) -> Iterator[AuditKind]:
    if (before.disabled_at is None) != (after.disabled_at is None):
        yield AuditKind.PERSON_DISABLED if after.disabled_at else AuditKind.PERSON_ENABLED
    if before.is_admin != after.is_admin:
        yield AuditKind.ADMINISTRATOR_GRANTED if after.is_admin else AuditKind.ADMINISTRATOR_REVOKED
    if (before.quota_images, before.quota_bytes) != (after.quota_images, after.quota_bytes):
        yield AuditKind.QUOTA_CHANGED


def _expect_done(outcome: str) -> None:
    if outcome == "missing":
        raise NotFound
    if outcome == "last_administrator":
        raise Conflict(
            "This is the only administrator: make somebody else one first",
            code="last_administrator",
        )


def _hash(password: str) -> str:
    return passwords.hash_password(normalized(password))
