"""Whose account it is that a provider speaks of, also while somebody else is busy with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from imgapp.adapters import db, passwords
from imgapp.adapters.oidc import Claimant
from imgapp.errors import Forbidden, NotSignedIn, SignInRefused
from imgapp.models import Identity, Viewer
from imgapp.services.accounts import identities, own_account, registration, sessions, tokens
from tests.conftest import Person

PASSWORD = "mallory waits for alice"
ALICE = Claimant("https://login.example.org", "sub-alice", "alice@example.org", True)


@pytest.fixture
def squatted(admin: Person) -> UUID:
    """An account that somebody made with an address that may not be theirs."""
    return registration.create_user("alice@example.org", PASSWORD, self_registered=True)


def started(user_id: UUID) -> Viewer:
    return sessions.start_session(user_id, user_agent="", address="").viewer


def in_the_middle(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    """Let something happen right after a password was found to be right."""
    verify = passwords.verify_password

    def verify_and_lose_time(stored: str | None, password: str) -> bool:
        matches = verify(stored, password)
        happens()
        return matches

    monkeypatch.setattr(passwords, "verify_password", verify_and_lose_time)


def test_who_comes_first_is_found_again(squatted: UUID) -> None:
    assert identities.person_of(ALICE) == squatted
    known = identities.find(ALICE.issuer, ALICE.subject)
    assert known is not None
    assert (known.user_id, known.email, known.disabled) == (squatted, ALICE.email, False)
    assert identities.find("https://evil.example", ALICE.subject) is None
    assert identities.find(ALICE.issuer, "SUB-ALICE") is None


def test_a_sign_in_under_way_does_not_outlive_the_password(
    squatted: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_middle(monkeypatch, lambda: identities.person_of(ALICE))
    with pytest.raises(NotSignedIn):
        sessions.sign_in("alice@example.org", PASSWORD, user_agent="", address="")
    assert sessions.list_sessions(squatted) == []


def test_nor_does_a_change_of_it_bring_it_back(
    squatted: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_middle(monkeypatch, lambda: identities.person_of(ALICE))
    with pytest.raises(Forbidden):
        own_account.change_password(squatted, PASSWORD, "still waiting for her", keep_session=None)
    assert not own_account.get_account(squatted).has_password


def test_nor_is_a_token_left_behind(squatted: UUID) -> None:
    waiting = started(squatted)
    assert tokens.create_token(squatted, "before", viewer=waiting)
    identities.person_of(ALICE)
    with pytest.raises(NotSignedIn):
        tokens.create_token(squatted, "after", viewer=waiting)
    assert tokens.list_tokens(squatted) == []


def test_a_token_may_make_another_while_it_counts(squatted: UUID) -> None:
    first = tokens.create_token(squatted, "first")
    viewer = tokens.viewer_of_token(first.token)
    assert viewer is not None
    assert tokens.create_token(squatted, "second", viewer=viewer)
    tokens.revoke_token(squatted, first.id)
    with pytest.raises(NotSignedIn):
        tokens.create_token(squatted, "third", viewer=viewer)


def test_who_was_linked_before_without_proof_is_not_any_more(admin: Person) -> None:
    mallory = Claimant(ALICE.issuer, "sub-mallory", ALICE.email, False)
    account = identities.person_of(mallory)
    assert identities.person_of(ALICE) == account
    assert identities.find(mallory.issuer, mallory.subject) is None
    with pytest.raises(SignInRefused) as refused:
        identities.person_of(mallory)
    assert refused.value.code == "email_not_verified"


def test_an_account_that_somebody_vouched_for_keeps_its_ways_in(alice: Person) -> None:
    waiting = started(alice.user_id)
    tokens.create_token(alice.user_id, "hers")
    assert identities.person_of(ALICE) == alice.user_id
    assert [one.name for one in tokens.list_tokens(alice.user_id)] == ["hers"]
    assert sessions.viewer_of_session(waiting.session_id) is not None  # type: ignore[arg-type]
    assert own_account.get_account(alice.user_id).has_password


def test_nobody_links_to_somebody_else_under_row_level_security(
    alice: Person, mallory: Person
) -> None:
    identities.person_of(ALICE)
    with db.transaction(mallory.user_id) as session:
        assert session.exec(select(Identity)).all() == []
    with (
        pytest.raises(Exception, match="row-level security"),
        db.transaction(mallory.user_id) as session,
    ):
        session.add(Identity(user_id=alice.user_id, issuer="i", subject="s"))
