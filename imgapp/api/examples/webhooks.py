"""Webhooks and their deliveries, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID

_WEBHOOK: dict[str, Any] = {
    "id": "019a2f60-1b2c-7d3e-8f40-5a6b7c8d9e0f",
    "name": "Catalogue",
    "url": "https://cms.example.org/hooks/imgapp",
    "events": ["analysis.completed", "analysis.failed"],
    "enabled": True,
    "disabled_reason": None,
    "created_at": "2026-07-04T12:00:00Z",
    "failing_since": None,
    "previous_secret_until": None,
}
_DELIVERY: dict[str, Any] = {
    "id": "019a2f60-2c3d-7e4f-9051-6b7c8d9e0f10",
    "event": "analysis.completed",
    "image_id": EXAMPLE_ID,
    "occurred_at": "2026-07-04T12:30:04.430000Z",
    "state": "pending",
    "attempts": 1,
    "attempted_at": "2026-07-04T12:30:04.600000Z",
    "next_attempt_at": "2026-07-04T12:30:10Z",
    "response_status": 503,
    "seconds": 0.042,
    "error": {"code": "http_error", "message": "The server answered 503."},
}

WEBHOOKS: dict[str, dict[str, Any]] = {
    "WebhookPublic": _WEBHOOK,
    "WebhookList": {"items": [_WEBHOOK], "next_cursor": None},
    "NewWebhook": {**_WEBHOOK, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "DeliveryPublic": _DELIVERY,
    "DeliveriesPage": {"items": [_DELIVERY], "next_cursor": None},
}
