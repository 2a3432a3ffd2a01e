"""Webhook signatures: sign deliveries (HMAC-SHA256, standardwebhooks.com)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from datetime import datetime

from standardwebhooks import Webhook


def write_secret(key: bytes) -> str:
    """A secret as people copy it: `whsec_` and the key (24 to 64 bytes) in base64."""
    return f"whsec_{base64.b64encode(key).decode()}"


def signed_headers(
    secrets: Iterable[str], message_id: str, at: datetime, body: str
) -> dict[str, str]:
    """The three headers of a message, with a signature by each of the secrets."""
    signatures = [Webhook(secret).sign(message_id, at, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
