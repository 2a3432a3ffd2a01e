"""How often somebody may try to sign in or up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imgapp.adapters import passwords
from imgapp.errors import NotSignedIn, RateLimited
from imgapp.services.accounts import sessions, sign_in_limits
from imgapp.services.common import audit_trail


def attempt(email: str, password: str, address: str = "203.0.113.9") -> str:
    try:
        sessions.sign_in(email, password, user_agent="tests", address=address)
    except NotSignedIn:
        return "wrong"
    except RateLimited:
        return "limited"
    return "in"


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_ten_failures_end_the_attempts_for_known_and_unknown_alike(alice, email: str) -> None:
    answers = [attempt(email, "a guess that is wrong") for _ in range(11)]
    assert answers == ["wrong"] * 10 + ["limited"]
    assert attempt(email.upper(), alice.password) == "limited"


def test_a_limited_answer_costs_as_little_for_known_and_unknown(
    alice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No time tells whether there is such an account."""
    emails = [alice.email, "nobody@example.org"]
    for email in emails:
        for _ in range(10):
            sign_in_limits.begin(email, "203.0.113.9")
    done: list[str] = []
    monkeypatch.setattr(passwords, "verify_password", lambda *_: done.append("hash"))
    monkeypatch.setattr(audit_trail, "record", lambda *_, **__: done.append("record"))
    for email in emails:
        assert attempt(email, "a guess that is wrong") == "limited"
        assert done.pop() == "record"
        assert done == []


def test_others_and_other_addresses_are_not_kept_out(alice, mallory) -> None:
    for _ in range(11):
        attempt(alice.email, "a guess that is wrong")
    assert attempt(alice.email, alice.password, "198.51.100.7") == "in"
    assert attempt(mallory.email, mallory.password) == "in"


def test_signing_in_forgets_ones_slips(alice) -> None:
    for _ in range(3):
        assert [attempt(alice.email, "a slip of the finger") for _ in range(9)] == ["wrong"] * 9
        assert attempt(alice.email, alice.password) == "in"


def limited_after(most: int, failure: Callable[[int], tuple[str, str]]) -> bool:
    for number in range(most):
        account, address = failure(number)
        sign_in_limits.begin(account, address)
        sign_in_limits.failed(account, address)
    account, address = failure(most)
    with pytest.raises(RateLimited) as refusal:
        sign_in_limits.begin(account, address)
    return 0 < refusal.value.retry_after <= sign_in_limits.PER.total_seconds()


def test_an_address_that_tries_many_accounts_is_kept_out(database: None) -> None:
    assert limited_after(sign_in_limits.PER_ADDRESS, lambda n: (f"{n}@example.org", "203.0.113.9"))


def test_an_account_that_many_addresses_try_is_locked_for_a_while(database: None) -> None:
    assert limited_after(sign_in_limits.PER_ACCOUNT, lambda n: ("alice@example.org", f"10.0.0.{n}"))


def test_an_address_makes_so_many_accounts_and_no_more(database: None) -> None:
    for _ in range(sign_in_limits.SIGN_UPS_PER_ADDRESS):
        sign_in_limits.sign_up("203.0.113.9")
    with pytest.raises(RateLimited):
        sign_in_limits.sign_up("203.0.113.9")
    sign_in_limits.sign_up("198.51.100.7")


def test_without_redis_guessing_is_limited_all_the_same(alice, set_env, tmp_path) -> None:
    set_env(REDIS_URL=f"unix://{tmp_path}/nobody.sock")
    answers = [attempt("carol@example.org", "a guess that is wrong") for _ in range(11)]
    assert answers == ["wrong"] * 10 + ["limited"]
