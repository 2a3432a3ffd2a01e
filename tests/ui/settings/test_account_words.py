"""What the pages about accounts say, word by word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from imgapp.models import Scope, new_id
from imgapp.services.accounts.administration import PersonPublic
from imgapp.services.accounts.own_account import Usage
from imgapp.services.accounts.sessions import SessionPublic
from imgapp.services.accounts.tokens import TokenPublic
from imgapp.services.common.audit_trail import AuditEventPublic, AuditKind
from imgapp.ui.admin import audit, people
from imgapp.ui.settings import account

MOMENT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def usage(**fields: Any) -> Usage:
    none = {"images": 0, "bytes": 0, "quota_images": None, "quota_bytes": None}
    return Usage(**none | fields)


@pytest.mark.parametrize(
    ("fields", "words", "percent"),
    [
        ({}, "0 pictures, 0 bytes", -1),
        ({"images": 1, "bytes": 2_100_000}, "1 picture, 2.1 MB", -1),
        ({"images": 1_200, "bytes": 3_400_000_000}, "1,200 pictures, 3.4 GB", -1),
        ({"images": 5, "quota_images": 20}, "5 of 20 pictures, 0 bytes", 25),
        ({"bytes": 10**9, "quota_bytes": 2 * 10**9}, "0 pictures, 1.0 GB of 2.0 GB", 50),
        ({"quota_images": 9, "quota_bytes": 9}, "0 of 9 pictures, 0 bytes of 9 bytes", 0),
        ({"images": 5, "quota_images": 0}, "5 of 0 pictures, 0 bytes", 100),
        ({"images": 50, "quota_images": 10}, "50 of 10 pictures, 0 bytes", 100),
    ],
)  # fmt: skip
def test_usage(fields: dict[str, int], words: str, percent: int) -> None:
    assert account.usage_words(usage(**fields)) == words
    assert account.usage_percent(usage(**fields)) == percent


@pytest.mark.parametrize(
    ("method", "address", "where"),
    [
        ("password", "203.0.113.9", "203.0.113.9"),
        ("oidc", "203.0.113.9", "203.0.113.9 · single sign-on"),
        ("password", "", "unknown address"),
    ],
)
def test_a_session(method: Any, address: str, where: str) -> None:
    row = account.session_row(
        SessionPublic(
            id=new_id(), device="Firefox on Windows", address=address, auth_method=method,
            created_at=MOMENT, last_seen_at=MOMENT, current=True,
        )
    )  # fmt: skip
    assert (row.device, row.where, row.current) == ("Firefox on Windows", where, True)
    assert row.last_seen_at == "2026-07-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        ([Scope.READ, Scope.WRITE], "may read and change"),
        ([Scope.READ], "may only read"),
        ([Scope.WRITE], "may only change"),
    ],
)
def test_a_token(scopes: list[Scope], may: str) -> None:
    row = account.token_row(
        TokenPublic(
            id=new_id(), name="laptop", hint="imgapp_abcd", scopes=scopes, created_at=MOMENT,
            expires_at=None, last_used_at=None,
        )
    )  # fmt: skip
    assert (row.may, row.hint) == (may, "imgapp_abcd…")
    assert (row.expires_at, row.last_used_at) == ("", "")


@pytest.mark.parametrize(
    ("fields", "state", "stored"),
    [
        ({}, "active", "no pictures"),
        ({"disabled_at": MOMENT}, "disabled", "no pictures"),
        ({"disabled_at": MOMENT, "deleting_at": MOMENT}, "deleting", "no pictures"),
        ({"images": 1, "bytes": 5}, "active", "1 picture, 5 bytes"),
    ],
)
def test_a_person(fields: dict[str, Any], state: str, stored: str) -> None:
    given: dict[str, Any] = {
        "id": new_id(), "email": "carol@example.org", "is_admin": False, "created_at": MOMENT,
        "disabled_at": None, "deleting_at": None, "last_seen_at": None, "has_password": True,
        "has_identity": False, "images": 0, "bytes": 0, "quota_images": None, "quota_bytes": None,
    }  # fmt: skip
    row = people.person_row(PersonPublic(**given | fields), is_me=False)
    assert (row.state, row.stored, row.last_seen_at) == (state, stored, "")


def event(kind: str, **details: Any) -> audit.EventRow:
    return audit.event_row(
        AuditEventPublic(
            id=new_id(), at=MOMENT, kind=kind, user_id=None, email="admin@example.org",
            address="203.0.113.9", user_agent="Firefox/140.0 (Windows NT 10.0)", details=details,
        )
    )  # fmt: skip


def test_every_kind_of_event_has_words_of_its_own() -> None:
    assert set(audit.WORDS) == set(AuditKind)
    assert len(set(audit.WORDS.values())) == len(AuditKind)


@pytest.mark.parametrize(
    ("row", "what", "about", "tone"),
    [
        (event("signed_in"), "Signed in", "", ""),
        (event("sign_in_failed"), "Failed to sign in", "", "warn"),
        (event("person_disabled", person="c@example.org"), "Disabled", "c@example.org", ""),
        (event("image_deleted", filename="a.jpg"), "Removed a picture for good", "a.jpg", "bad"),
        (event("session_revoked", sessions=2), "Signed out elsewhere", "2 of their browsers", ""),
        (event("of_another_version"), "Of another version", "", ""),
    ],
)
def test_an_event(row: audit.EventRow, what: str, about: str, tone: str) -> None:
    assert (row.what, row.about, row.tone) == (what, about, tone)
    assert (row.who, row.where) == ("admin@example.org", "203.0.113.9 · Firefox on Windows")
