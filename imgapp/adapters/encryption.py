"""Encryption: seals secrets for the database, so that a copy of it gives none away (Fernet)."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from imgapp.errors import ConfigurationError
from imgapp.settings import get_settings


def seal(secret: str, purpose: str) -> str:
    """The secret as text that only `IMGAPP_SECRET_KEY` and the same purpose open.

    Raises ConfigurationError where there is no such key.
    """
    return _box(purpose).encrypt(secret.encode()).decode()


def unseal(sealed: str, purpose: str) -> str | None:
    """The secret; None if it was sealed with another key, or is damaged."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        return None


def fingerprint(*parts: str | None) -> str:
    """Tells the same from other things without telling anybody what they are: 32 hex digits."""
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()[:32]


def _box(purpose: str) -> Fernet:
    own = get_settings().secret_key
    if own is None:
        raise ConfigurationError("IMGAPP_SECRET_KEY is not set")
    # The same key signs cookies and links: what is made of it here is of no use there (RFC 5869).
    derived = HKDF(SHA256(), 32, salt=None, info=f"imgapp {purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derived.derive(own.get_secret_value().encode())))
