"""One's own account: read it, change its password, export everything, delete it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field
from sqlmodel import Session, col, select

from imgapp.adapters import db, passwords
from imgapp.errors import Conflict, Forbidden, InvalidRequest, NotFound
from imgapp.models import Identity, Image, Shape, StorageUsage, TextPublic, User, now
from imgapp.services.accounts import sessions, sign_in_limits
from imgapp.services.accounts.registration import MAX_PASSWORD, check_password, normalized
from imgapp.services.analysis import preferences, prompts
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.library.serialize import texts_of
from imgapp.services.library.text_provenance import TEXT_FIELDS
from imgapp.services.spending import usage as spending_usage
from imgapp.services.webhooks import webhooks
from imgapp.settings import get_settings

EXPORT_STEP = 500
"""Pictures read at a time."""
_DELETE = sa.text("SELECT imgapp_delete_person(:id)")


class Usage(Shape):
    """What a person's pictures take, the trash included; a quota of null is no limit."""

    images: int
    bytes: int = Field(description="Of the originals")
    quota_images: int | None
    quota_bytes: int | None


class Account(Shape):
    """A person as they see themselves."""

    id: UUID
    email: str
    is_admin: bool
    created_at: datetime
    has_password: bool
    password_is_temporary: bool
    password_changed_at: datetime | None
    linked: list[str] = Field(description="Single sign-on providers this account is linked with")
    usage: Usage


def get_account(user_id: UUID) -> Account:
    """The person's own account. Raises NotFound when it is gone."""
    settings = get_settings()
    with db.transaction(user_id) as session:
        user = _fetch(session, user_id)
        counted = session.get(StorageUsage, user_id)
        linked = session.exec(select(Identity.issuer).order_by(col(Identity.issuer))).all()
    return Account(
        id=user.id,
        email=user.email,
        is_admin=user.is_admin,
        created_at=user.created_at,
        has_password=user.password_hash is not None,
        password_is_temporary=user.password_is_temporary,
        password_changed_at=user.password_changed_at,
        linked=list(linked),
        usage=Usage(
            images=counted.images if counted else 0,
            bytes=counted.bytes if counted else 0,
            quota_images=_first(user.quota_images, settings.quota_images),
            quota_bytes=_first(user.quota_bytes, settings.quota_bytes),
        ),
    )


def change_password(user_id: UUID, current: str, new: str, *, keep_session: UUID | None) -> None:
    """Replace the password and end all other sessions.

    Raises Forbidden (`wrong_password`), RateLimited, Conflict (`no_password`) and InvalidRequest
    (`weak_password`).
    """
    address = audit_trail.current_source().address
    with db.transaction(user_id) as session:
        user = _fetch(session, user_id)
    proved_by = user.password_hash
    if proved_by is None:
        raise Conflict("This account has no password: it signs in elsewhere", code="no_password")
    sign_in_limits.begin(user.email, address)
    if not passwords.verify_password(proved_by, normalized(current[: MAX_PASSWORD + 1])):
        sign_in_limits.failed(user.email, address)
        raise Forbidden("The current password is not right", code="wrong_password")
    sign_in_limits.succeeded(user.email, address)
    check_password(new, user.email)
    new_hash = passwords.hash_password(normalized(new))
    with db.transaction(user_id) as session:
        user = _fetch(session, user_id)
        session.refresh(user, with_for_update={"key_share": True})
        if user.password_hash != proved_by:  # replaced while this one was hashed
            raise Forbidden("The current password is not right", code="wrong_password")
        user.password_hash = new_hash
        user.password_changed_at, user.password_is_temporary = now(), False
        session.add(user)
        ended = sessions.end_sessions(session, keep_session)
        audit_trail.write(session, AuditKind.PASSWORD_CHANGED, user_id, sessions_ended=ended)


def delete_account(user_id: UUID, email: str) -> None:
    """Sign out everywhere for good; the worker removes what is theirs. `email` is what they typed.

    Raises InvalidRequest (`email_mismatch`), Conflict (`last_administrator`), NotFound.
    """
    with db.transaction(user_id) as session:
        user = _fetch(session, user_id)
        if email.strip().casefold() != user.email.casefold():
            raise InvalidRequest(
                "This is not the e-mail address of the account", code="email_mismatch"
            )
        if session.execute(_DELETE, {"id": user_id}).scalar_one() == "last_administrator":
            raise Conflict(
                "You are the only administrator: make somebody else one first",
                code="last_administrator",
            )
        audit_trail.write(session, AuditKind.ACCOUNT_DELETED, user_id)


def export_account(user_id: UUID) -> dict[str, Any]:
    """The head of a person's export: all of the account that is not a picture."""
    account = get_account(user_id)
    audit_trail.record(AuditKind.ACCOUNT_EXPORTED, user_id)
    spent = spending_usage.list_months(user_id, spending_usage.MOST_MONTHS)
    told = [one.model_dump(mode="json") for one in webhooks.list_webhooks(user_id)]
    return {
        "exported_at": now().isoformat(),
        "account": account.model_dump(mode="json"),
        "preferences": preferences.get_preferences(user_id).model_dump(mode="json"),
        "prompt": prompts.get_prompt(user_id).template,
        "webhooks": told,
        "spending": [one.model_dump(mode="json") for one in spent],
    }


def export_images(user_id: UUID, after: UUID | None) -> list[dict[str, Any]]:
    """The next pictures of an export, the trash included, in the order of their ids."""
    query = select(Image).order_by(col(Image.id)).limit(EXPORT_STEP)
    if after is not None:
        query = query.where(col(Image.id) > after)
    with db.transaction(user_id) as session:
        rows = list(session.exec(query))
        texts = texts_of(session, [image.id for image in rows])
        return [_exported(image, texts.get(image.id, {})) for image in rows]


def _exported(image: Image, texts: dict[str, TextPublic]) -> dict[str, Any]:
    fields = {
        "id", "filename", "mime_type", "file_size", "sha256", "width", "height", "facts",
        "uploaded_at", "updated_at", "deleted_at", "context", "never_cloud", *TEXT_FIELDS,
        *(f"{name}_by" for name in TEXT_FIELDS),
    }  # fmt: skip
    shown = image.model_dump(mode="json", include=fields)
    said = {language: text.model_dump(mode="json") for language, text in texts.items()}
    return shown | {"texts": said, "original": f"/api/images/{image.id}/file?variant=original"}


def _first(own: int | None, installations: int | None) -> int | None:
    return installations if own is None else own


def _fetch(session: Session, user_id: UUID) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound
    return user
