"""What the page about webhooks says, word by word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imgapp.models import DeliveryState, ErrorInfo, WebhookEvent, new_id, now
from imgapp.services.webhooks.deliveries import DeliveryPublic
from imgapp.services.webhooks.webhooks import WebhookPublic
from imgapp.ui.settings import webhook_sections, webhooks

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def webhook(**fields: Any) -> webhooks.WebhookRow:
    given: dict[str, Any] = {
        "id": new_id(), "name": "", "url": "https://cms.example.org:8443/hook?key=1",
        "events": list(WebhookEvent), "enabled": True, "disabled_reason": None,
        "created_at": MOMENT, "failing_since": None, "previous_secret_until": None,
    }  # fmt: skip
    return webhooks.webhook_row(WebhookPublic(**given | fields))


def delivery(**fields: Any) -> DeliveryPublic:
    given: dict[str, Any] = {
        "id": new_id(), "event": "ping", "image_id": None, "occurred_at": MOMENT,
        "state": DeliveryState.DELIVERED, "attempts": 1, "attempted_at": MOMENT,
        "next_attempt_at": None, "response_status": 200, "seconds": 0.123, "error": None,
    }  # fmt: skip
    return DeliveryPublic(**given | fields)


REFUSED = ErrorInfo(code="http_error", message="The receiver answered 500.")


def test_a_webhook_is_called_by_its_name_or_else_by_its_host() -> None:
    assert webhook(name="CMS").title == "CMS"
    assert webhook().title == "cms.example.org:8443"


@pytest.mark.parametrize(
    ("fields", "trouble", "since"),
    [
        ({}, "", ""),
        ({"failing_since": MOMENT}, "Nothing has arrived there", MOMENT.isoformat()),
        ({"enabled": False, "disabled_reason": "person"}, "Switched off", ""),
        (
            {"enabled": False, "disabled_reason": "failing", "failing_since": MOMENT},
            "Switched off, because nothing arrived for three days",
            "",
        ),
    ],
)
def test_what_is_wrong_with_a_webhook(fields: dict[str, Any], trouble: str, since: str) -> None:
    row = webhook(**fields)
    assert (row.trouble, row.since) == (trouble, since)


@pytest.mark.parametrize(
    ("fields", "state", "result"),
    [
        ({}, "delivered", "The receiver answered 200 · 0.12 s"),
        (
            {"state": DeliveryState.FAILED, "attempts": 9, "error": REFUSED},
            "failed",
            "The receiver answered 500 · 0.12 s · 9 attempts",
        ),
        ({"state": DeliveryState.PENDING}, "sending", ""),
        (
            {"state": DeliveryState.PENDING, "next_attempt_at": MOMENT, "error": REFUSED},
            "waiting",
            "The receiver answered 500 · 0.12 s",
        ),
    ],
)
def test_a_delivery(fields: dict[str, Any], state: str, result: str) -> None:
    row = webhooks.delivery_row(delivery(**fields))
    assert (row.what, row.state, row.result) == ("Test", state, result)


@pytest.mark.parametrize(
    ("state", "minutes", "soon"),
    [
        (DeliveryState.DELIVERED, None, False),
        (DeliveryState.PENDING, None, True),
        (DeliveryState.PENDING, 0, True),
        (DeliveryState.PENDING, 2, False),
    ],
)
def test_the_page_looks_again_while_something_is_over_soon(
    state: DeliveryState, minutes: int | None, soon: bool
) -> None:
    due = None if minutes is None else now() + timedelta(minutes=minutes)
    assert webhooks.over_soon(delivery(state=state, next_attempt_at=due)) is soon


def test_every_choice_of_events_can_be_sent_and_has_words() -> None:
    for value in webhook_sections._EVENTS.values():
        assert webhooks._told(list(map(WebhookEvent, value.split(" "))))
    assert set(webhooks._TOLD) == set(WebhookEvent)
    everything = webhooks._told(list(WebhookEvent))
    assert everything == "every analysis and approved texts"
    assert set(webhooks._STATES) == set(DeliveryState)
