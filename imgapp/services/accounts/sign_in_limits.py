"""Sign-in limits: count attempts by account and by address (throttling).

The limits know nothing of who has an account, so that they say nothing about it either. They hold
for the right password too: otherwise the answer would tell that it was right.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from imgapp.errors import RateLimited
from imgapp.services.common import rate_limits

PER = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS = 10
PER_ACCOUNT = 100
PER_ADDRESS = 100
SIGN_UPS_PER = timedelta(hours=1)
SIGN_UPS_PER_ADDRESS = 50

_PAIR, _ACCOUNT, _ADDRESS = "sign_in", "sign_in_account", "sign_in_address"
_DETAIL = "Too many attempts to sign in. Try again in a few minutes."


def begin(account: str, address: str) -> None:
    """Count an attempt. Raises RateLimited."""
    account = account.strip().casefold()
    _take(rate_limits.check, _ADDRESS, address, PER_ADDRESS)
    _take(rate_limits.check, _ACCOUNT, account, PER_ACCOUNT)
    _take(rate_limits.hit, _PAIR, f"{account} {address}", PER_ACCOUNT_AND_ADDRESS)


def failed(account: str, address: str) -> None:
    """It was not the right password. Never raises."""
    account = account.strip().casefold()
    for name, key, limit in ((_ADDRESS, address, PER_ADDRESS), (_ACCOUNT, account, PER_ACCOUNT)):
        with suppress(RateLimited):
            _take(rate_limits.hit, name, key, limit)


def succeeded(account: str, address: str) -> None:
    """It was: from this address, the account's failures do not count any more."""
    rate_limits.forget(_PAIR, f"{account.strip().casefold()} {address}")


def sign_up(address: str) -> None:
    """Count an attempt to make an account. Raises RateLimited."""
    rate_limits.hit(
        "sign_up",
        address,
        limit=SIGN_UPS_PER_ADDRESS,
        per_seconds=SIGN_UPS_PER.total_seconds(),
        detail="Too many accounts were made from here. Try again later.",
        fail_open=False,
    )


def _take(take: Callable[..., object], name: str, key: str, limit: int) -> None:
    seconds = PER.total_seconds()
    take(name, key, limit=limit, per_seconds=seconds, detail=_DETAIL, fail_open=False)
