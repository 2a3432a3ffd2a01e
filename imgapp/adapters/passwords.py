"""Passwords: hashes and verifies them (Argon2id, RFC 9106: 3 passes, 64 MB)."""

from __future__ import annotations

import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def hash_password(password: str) -> str:
    """The hash to store, its salt and parameters included; takes 64 MB and about 0.1 s."""
    return _hasher.hash(_bytes(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. Without a hash the answer is no, and takes as long."""
    substitute = _nobodys_hash()
    try:
        _hasher.verify(password_hash or substitute, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe())


def _bytes(password: str) -> bytes:
    # JSON can carry lone surrogates, which plain UTF-8 refuses.
    return password.encode("utf-8", "surrogatepass")
