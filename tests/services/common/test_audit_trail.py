"""The audit trail: what is told, to whom, and what never is."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest
import sqlalchemy as sa

from imgapp.adapters import db
from imgapp.errors import InvalidRequest, NotFound, NotSignedIn
from imgapp.models import now
from imgapp.services.accounts import administration, own_account, registration, sessions, tokens
from imgapp.services.accounts.administration import PersonEdit
from imgapp.services.common import audit_trail
from imgapp.services.common.audit_trail import AuditKind
from imgapp.services.library import images
from tests.support.rows import add_image

WHERE = {"user_agent": "Firefox/140.0", "address": "203.0.113.9"}


@pytest.fixture(autouse=True)
def _from_somewhere() -> None:
    audit_trail.set_source("203.0.113.9", "Firefox/140.0")
    audit_trail._told.clear()


def trail(admin, **filters) -> list[tuple[str, str | None]]:
    """Kind and actor, oldest first."""
    items = audit_trail.list_events(admin.user_id, **filters).items
    return [(item.kind, item.email) for item in reversed(items)]


def test_a_persons_life_is_told_in_order(admin, alice) -> None:
    signed_in = sessions.sign_in(alice.email, alice.password, **WHERE)
    token = tokens.create_token(alice.user_id, "laptop")
    tokens.viewer_of_token(token.token)
    tokens.viewer_of_token(token.token)
    tokens.revoke_token(alice.user_id, token.id)
    images.delete_image(alice.user_id, add_image(alice.user_id).id, permanent=True)
    own_account.change_password(
        alice.user_id, alice.password, "another battery staple", keep_session=None
    )
    sessions.sign_out(signed_in.viewer)
    own_account.export_account(alice.user_id)
    own_account.delete_account(alice.user_id, alice.email)
    administration.purge_deleted()
    told = trail(admin)
    assert [kind for kind, _ in told] == [
        "signed_in",
        "token_created",
        "token_used",
        "token_revoked",
        "image_deleted",
        "password_changed",
        "account_exported",
        "account_deleted",
        "person_removed",
    ]
    assert {email for _, email in told[:-1]} == {alice.email}
    assert told[-1] == ("person_removed", None)


def test_administration_is_told_with_who_and_whom(admin) -> None:
    carol = administration.add_person(admin.user_id, "carol@example.org")
    for edit in (
        PersonEdit(disabled=True),
        PersonEdit(disabled=True),
        PersonEdit(disabled=False),
        PersonEdit(is_admin=True),
        PersonEdit(is_admin=False, quota_images=5),
    ):
        administration.update_person(admin.user_id, carol.id, edit)
    administration.reset_password(admin.user_id, carol.id)
    administration.delete_person(admin.user_id, carol.id)
    told = audit_trail.list_events(admin.user_id).items
    assert [item.kind for item in reversed(told)] == [
        "person_added",
        "person_disabled",
        "person_enabled",
        "administrator_granted",
        "administrator_revoked",
        "quota_changed",
        "password_reset",
        "person_deleted",
    ]
    for item in told:
        assert item.email == admin.email
        assert item.details["person"] == carol.email
        assert (item.address, item.user_agent) == ("203.0.113.9", "Firefox/140.0")


def test_a_failed_sign_in_names_the_account_but_no_address_that_has_none(admin, alice) -> None:
    for email in (alice.email, "secret-plan@example.org"):
        with pytest.raises(NotSignedIn):
            sessions.sign_in(email, "a guess that is wrong", **WHERE)
    assert trail(admin) == [("sign_in_failed", alice.email), ("sign_in_failed", None)]


def test_no_secret_is_told(admin, alice) -> None:
    token = tokens.create_token(alice.user_id, "laptop").token
    cookie = sessions.sign_in(alice.email, alice.password, **WHERE).cookie
    added = administration.add_person(admin.user_id, "carol@example.org")
    with pytest.raises(NotSignedIn):
        sessions.sign_in(alice.email, "typed-in-the-wrong-field", **WHERE)
    page = audit_trail.list_events(admin.user_id)
    told = json.dumps(page.model_dump(mode="json"))
    assert "laptop" in told
    for secret in (token, cookie, added.password, alice.password, "typed-in-the-wrong-field"):
        assert secret
        assert secret not in told


def test_a_token_is_told_of_once_a_day_for_each_address(administrator, admin, alice) -> None:
    token = tokens.create_token(alice.user_id, "laptop").token
    for address in ("203.0.113.9", "198.51.100.7", "203.0.113.9"):
        audit_trail.set_source(address, "")
        tokens.viewer_of_token(token)
        audit_trail._told.clear()  # as another process
    assert [kind for kind, _ in trail(admin)].count("token_used") == 2
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE audit_events SET at = at - interval '25 hours'"))
    tokens.viewer_of_token(token)
    assert [kind for kind, _ in trail(admin)].count("token_used") == 3


def test_what_did_not_happen_is_not_told(admin, alice) -> None:
    with suppress(RuntimeError), db.transaction(alice.user_id) as session:
        audit_trail.write(session, AuditKind.SIGNED_IN, alice.user_id)
        raise RuntimeError
    assert trail(admin) == []


def test_the_trail_is_filtered(administrator, admin, alice, mallory) -> None:
    for person in (alice, mallory, alice):
        audit_trail.record(AuditKind.SIGNED_IN, person.user_id)
    audit_trail.record(AuditKind.PERSON_DISABLED, admin.user_id, person=alice.email)
    assert len(trail(admin)) == 4
    assert trail(admin, kind=AuditKind.PERSON_DISABLED) == [("person_disabled", admin.email)]
    assert len(trail(admin, person=" ALICE@ ")) == 3
    assert len(trail(admin, person="mallory")) == 1
    assert trail(admin, person="100%") == []
    moment = now()
    assert trail(admin, since=moment) == []
    assert len(trail(admin, until=moment)) == 4
    assert trail(admin, until=moment - timedelta(hours=1)) == []


def test_the_trail_is_paged(admin, alice) -> None:
    for number in range(7):
        audit_trail.record(AuditKind.SIGNED_IN, alice.user_id, number=number)
    seen, cursor = [], None
    while True:
        page = audit_trail.list_events(admin.user_id, limit=3, cursor=cursor)
        seen += [item.details["number"] for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1, 0]


def test_a_cursor_is_good_for_its_own_list_only(admin, alice) -> None:
    for _ in range(3):
        audit_trail.record(AuditKind.SIGNED_IN, alice.user_id)
    cursor = audit_trail.list_events(admin.user_id, limit=1).next_cursor
    with pytest.raises(InvalidRequest):
        audit_trail.list_events(admin.user_id, kind=AuditKind.SIGNED_IN, cursor=cursor)
    with pytest.raises(InvalidRequest):
        audit_trail.list_events(admin.user_id, cursor="x")


def test_only_administrators_read_it(alice, mallory) -> None:
    audit_trail.record(AuditKind.SIGNED_IN, alice.user_id)
    for person in (alice, mallory):
        with pytest.raises(NotFound):
            audit_trail.list_events(person.user_id)


def test_it_outlives_the_person(admin) -> None:
    user_id = registration.create_user("carol@example.org", "correct horse battery staple")
    administration.delete_person(admin.user_id, user_id)
    administration.purge_deleted()
    assert ("account_created", "carol@example.org") in trail(admin)


def test_after_a_year_it_is_forgotten_and_the_last_quarter_never(administrator, admin) -> None:
    for days in (0, 89, 399, 401):
        audit_trail.record(AuditKind.SIGNED_IN, admin.user_id, days=days)
    with administrator.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE audit_events SET at = at - make_interval(days => (details->>'days')::int)"
            )
        )
    assert audit_trail.trim_trail() == 1
    with db.transaction() as session:
        trimmed = session.execute(sa.text("SELECT imgapp_trim_audit(interval '1 hour', 10)"))
        assert trimmed.scalar_one() == 1
    kept = [item.details["days"] for item in audit_trail.list_events(admin.user_id).items]
    assert kept == [0, 89]
