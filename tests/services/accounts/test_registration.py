"""Accounts: who may make one, with which address and password."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from imgapp.adapters import db, passwords
from imgapp.errors import Conflict, Forbidden, InvalidRequest, NotFound
from imgapp.models import User
from imgapp.services.accounts import registration
from imgapp.settings import get_settings

GOOD = "correct horse battery staple"


def stored(user_id) -> User:
    with db.transaction(user_id) as session:
        return session.get_one(User, user_id)


def test_an_account_keeps_the_address_and_a_hash_of_the_password(
    database: None, usual_passwords: None
) -> None:
    assert not registration.has_users()
    user_id = registration.create_user("  Alice@Example.org ", GOOD)
    user = stored(user_id)
    assert registration.has_users()
    assert (user.email, user.is_admin, user.disabled_at) == ("Alice@Example.org", False, None)
    assert user.password_hash is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.verify_password(user.password_hash, GOOD)


def test_an_address_is_taken_whatever_its_case(alice) -> None:
    with pytest.raises(Conflict) as refusal:
        registration.create_user(alice.email.upper(), GOOD)
    assert refusal.value.code == "email_taken"


def test_an_account_is_found_by_its_address_whatever_its_case(alice) -> None:
    assert registration.find_user(" ALICE@example.ORG ") == alice.user_id
    with pytest.raises(NotFound, match=r"nobody@example\.org"):
        registration.find_user("nobody@example.org")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "alice",
        "@example.org",
        "alice@",
        "a b@example.org",
        "a@b@c",
        "a\x00@b.org",
        "a@b\ud800",
        "alice@" + "x" * 250,
        "alice@example.org\nbcc: x",
    ],
)
def test_what_is_no_address_is_refused(database: None, email: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        registration.create_user(email, GOOD)
    assert refusal.value.code == "invalid_email"
    assert not registration.has_users()


@pytest.mark.parametrize(
    "password",
    ["", "short", "ninechars", "x" * 1_001, "aaaaaaaaaaaa", "Password123", "alice@example.org"],
)
def test_a_weak_password_is_refused(database: None, password: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        registration.create_user("Alice@example.org", password)
    assert refusal.value.code == "weak_password"
    assert not registration.has_users()


@pytest.mark.parametrize(
    "password", ["ten chars!", "всегда дождь", "x y" * 333, "a\ud800bcdefghij"]
)
def test_any_characters_make_a_password(database: None, password: str) -> None:
    user_id = registration.create_user("alice@example.org", password)
    assert passwords.verify_password(
        stored(user_id).password_hash, registration.normalized(password)
    )


def test_the_first_account_is_made_once(database: None) -> None:
    registration.create_user("one@example.org", GOOD, is_admin=True, only_first=True)
    with pytest.raises(Forbidden) as refusal:
        registration.create_user("two@example.org", GOOD, is_admin=True, only_first=True)
    assert refusal.value.code == "not_first"


def test_of_many_who_try_to_be_first_one_succeeds(database: None) -> None:
    call = "SELECT imgapp_create_user(gen_random_uuid(), :email, 'hash', true, true)"

    def attempt(number: int) -> bool:
        with db.transaction() as session:
            made = session.execute(sa.text(call), {"email": f"{number}@example.org"}).scalar_one()
        return made is not None

    with ThreadPoolExecutor(8) as people:
        assert sum(people.map(attempt, range(16))) == 1


@pytest.mark.parametrize(
    ("env", "token", "allowed"),
    [
        ({}, "", True),
        ({"IMGAPP_HOST": "0.0.0.0"}, "", False),
        ({"IMGAPP_HOST": "0.0.0.0", "IMGAPP_FIRST_ACCOUNT_TOKEN": "sesame"}, "", False),
        ({"IMGAPP_HOST": "0.0.0.0", "IMGAPP_FIRST_ACCOUNT_TOKEN": "sesame"}, "Sesame", False),
        ({"IMGAPP_HOST": "0.0.0.0", "IMGAPP_FIRST_ACCOUNT_TOKEN": "sesame"}, "sesame", True),
        ({"IMGAPP_PUBLIC_URL": "https://pictures.example.org"}, "", False),
        ({"IMGAPP_PUBLIC_URL": "http://127.0.0.1:9000"}, "", True),
    ],
)
def test_the_first_account_is_for_loopback_or_the_one_time_token(
    set_env: Callable[..., None], env: dict[str, str], token: str, allowed: bool
) -> None:
    set_env(**env)
    assert registration.may_make_first_account(get_settings(), token) is allowed
