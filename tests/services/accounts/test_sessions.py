"""Browser sessions: opaque, hashed at rest, sliding, and over at once when ended."""

from __future__ import annotations

import hashlib
import statistics
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from imgapp.adapters import db, passwords
from imgapp.errors import NotFound, NotSignedIn
from imgapp.models import User, UserSession, new_id, now
from imgapp.services.accounts import sessions


def sign_in(person: Any, password: str | None = None) -> sessions.SignedIn:
    return sessions.sign_in(
        person.email, password or person.password, user_agent="Firefox", address="127.0.0.1"
    )


def stored(person: Any) -> list[UserSession]:
    with db.transaction(person.user_id) as session:
        return list(session.execute(sa.select(UserSession)).scalars())


def change(person: Any, **values: Any) -> None:
    with db.transaction(person.user_id) as session:
        session.execute(sa.update(UserSession).values(**values))


def disable(person: Any, administrator: sa.Engine) -> None:
    with administrator.begin() as connection:
        connection.execute(
            sa.update(User).where(User.email == person.email).values(disabled_at=now())
        )


def test_signing_in_starts_a_session_that_cookie_and_id_lead_to(alice) -> None:
    signed_in = sign_in(alice)
    viewer = signed_in.viewer
    assert (viewer.user_id, viewer.email, viewer.is_admin) == (alice.user_id, alice.email, False)
    assert sessions.viewer_of_cookie(signed_in.cookie) == viewer
    assert viewer.session_id is not None
    assert sessions.viewer_of_session(viewer.session_id) == viewer


def test_an_administrator_is_one_in_the_session_too(admin) -> None:
    assert sign_in(admin).viewer.is_admin


def test_the_address_is_trimmed_and_its_case_ignored(alice) -> None:
    signed_in = sessions.sign_in(" ALICE@Example.org\n", alice.password, user_agent="", address="")
    assert signed_in.viewer.user_id == alice.user_id


def test_the_cookie_is_256_random_bits_and_only_its_hash_is_stored(alice) -> None:
    one, two = sign_in(alice).cookie, sign_in(alice).cookie
    assert one != two
    assert len(one) == 43  # 32 bytes in base64url
    assert {row.token_hash for row in stored(alice)} == {
        hashlib.sha256(cookie.encode()).hexdigest() for cookie in (one, two)
    }
    assert stored(alice)[0].user_agent == "Firefox"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("alice@example.org", "wrong horse battery staple"),
        ("alice@example.org", ""),
        ("alice@example.org", "correct horse battery staple" + "x" * 2_000),
        ("nobody@example.org", "correct horse battery staple"),
        ("no address", "correct horse battery staple"),
        ("alice@example.org\x00", "correct horse battery staple"),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(alice, email: str, password: str) -> None:
    with pytest.raises(NotSignedIn) as refusal:
        sessions.sign_in(email, password, user_agent="", address="")
    assert refusal.value.detail == "The e-mail address or the password is not right"
    assert stored(alice) == []


@pytest.mark.long
def test_an_unknown_address_takes_as_long_as_a_wrong_password(usual_passwords, alice) -> None:
    def seconds(email: str) -> float:
        start = time.process_time()
        with pytest.raises(NotSignedIn):
            sessions.sign_in(email, "wrong horse battery staple", user_agent="", address="")
        return time.process_time() - start

    seconds("nobody@example.org")
    known = statistics.median(seconds(alice.email) for _ in range(3))
    unknown = statistics.median(seconds("nobody@example.org") for _ in range(3))
    # Without the substitute hash the ratio is about 0.02.
    assert 0.5 < unknown / known < 2


def test_a_disabled_account_cannot_sign_in_and_its_sessions_are_over(alice, administrator) -> None:
    signed_in = sign_in(alice)
    disable(alice, administrator)
    assert sessions.viewer_of_cookie(signed_in.cookie) is None
    assert signed_in.viewer.session_id is not None
    assert sessions.viewer_of_session(signed_in.viewer.session_id) is None
    with pytest.raises(NotSignedIn):
        sign_in(alice)


def test_signing_out_ends_this_session_and_no_other(alice, mallory) -> None:
    here, there, hers = sign_in(alice), sign_in(alice), sign_in(mallory)
    sessions.sign_out(here.viewer)
    assert sessions.viewer_of_cookie(here.cookie) is None
    assert sessions.viewer_of_cookie(there.cookie) == there.viewer
    assert sessions.viewer_of_cookie(hers.cookie) == hers.viewer
    assert [row.id for row in stored(alice)] == [there.viewer.session_id]


def test_nobody_signs_somebody_else_out(alice, mallory) -> None:
    hers = sign_in(alice)
    forged = mallory.viewer.model_copy(update={"session_id": hers.viewer.session_id})
    sessions.sign_out(forged)
    assert sessions.viewer_of_cookie(hers.cookie) == hers.viewer


@pytest.mark.parametrize("cookie", ["", "x", "imgapp_session", "é" * 50, "\ud800", "a" * 100_000])
def test_a_made_up_cookie_is_nobodys(database: None, cookie: str) -> None:
    assert sessions.viewer_of_cookie(cookie) is None


def test_an_unknown_session_is_nobodys(database: None) -> None:
    assert sessions.viewer_of_session(new_id()) is None


def test_a_session_is_over_once_it_expires(alice) -> None:
    cookie = sign_in(alice).cookie
    change(alice, expires_at=now() - timedelta(seconds=1))
    assert sessions.viewer_of_cookie(cookie) is None


def test_a_session_that_is_used_lasts_30_days_more(alice) -> None:
    cookie = sign_in(alice).cookie
    change(alice, last_seen_at=now() - timedelta(days=29), expires_at=now() + timedelta(days=1))
    sessions.viewer_of_cookie(cookie)
    (row,) = stored(alice)
    assert now() - row.last_seen_at < timedelta(minutes=1)
    assert row.expires_at - row.last_seen_at == sessions.LIFETIME


def test_use_is_written_down_at_most_once_a_minute(alice) -> None:
    signed_in = sign_in(alice)
    (before,) = stored(alice)
    sessions.viewer_of_cookie(signed_in.cookie)
    (after,) = stored(alice)
    assert after.last_seen_at == before.last_seen_at


def test_signing_in_clears_the_persons_expired_sessions(alice) -> None:
    sign_in(alice)
    change(alice, expires_at=now() - timedelta(days=1))
    fresh = sign_in(alice)
    assert [row.id for row in stored(alice)] == [fresh.viewer.session_id]


def test_a_hash_with_old_parameters_is_replaced_at_sign_in(usual_passwords, alice) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(alice.password)

    def stored_hash() -> str | None:
        with db.transaction(alice.user_id) as session:
            return session.get_one(User, alice.user_id).password_hash

    with db.transaction(alice.user_id) as session:
        session.get_one(User, alice.user_id).password_hash = old
    sign_in(alice)
    renewed = stored_hash()
    assert renewed is not None
    assert not passwords.needs_rehash(renewed)
    sign_in(alice)
    assert stored_hash() == renewed


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_a_person_sees_their_sessions_with_this_one_first(alice, mallory) -> None:
    here = sessions.start_session(alice.user_id, user_agent=FIREFOX, address="203.0.113.9")
    sessions.start_session(alice.user_id, user_agent="", address="", auth_method="oidc")
    sessions.start_session(mallory.user_id, user_agent="hers", address="")
    listed = sessions.list_sessions(alice.user_id, here.viewer.session_id)
    assert [one.current for one in listed] == [True, False]
    assert [one.auth_method for one in listed] == ["password", "oidc"]
    assert (listed[0].device, listed[0].address) == ("Firefox on Windows", "203.0.113.9")
    assert not any(one.current for one in sessions.list_sessions(alice.user_id))


def test_a_session_is_ended_by_its_owner_alone(alice, mallory) -> None:
    signed_in = sessions.start_session(alice.user_id, user_agent="", address="")
    session_id = signed_in.viewer.session_id
    with pytest.raises(NotFound):
        sessions.revoke_session(mallory.user_id, session_id)
    assert sessions.viewer_of_cookie(signed_in.cookie) is not None
    sessions.revoke_session(alice.user_id, session_id)
    assert sessions.viewer_of_cookie(signed_in.cookie) is None
    with pytest.raises(NotFound):
        sessions.revoke_session(alice.user_id, session_id)


def test_signing_out_everywhere_else_keeps_this_one_and_everybody_elses(alice, mallory) -> None:
    here, *others = (
        sessions.start_session(alice.user_id, user_agent="", address="") for _ in range(3)
    )
    hers = sessions.start_session(mallory.user_id, user_agent="", address="")
    assert sessions.revoke_other_sessions(alice.user_id, here.viewer.session_id) == 2
    assert sessions.viewer_of_cookie(here.cookie) is not None
    assert sessions.viewer_of_cookie(hers.cookie) is not None
    assert [sessions.viewer_of_cookie(other.cookie) for other in others] == [None, None]
    assert sessions.revoke_other_sessions(alice.user_id, None) == 1
    assert sessions.viewer_of_cookie(here.cookie) is None
