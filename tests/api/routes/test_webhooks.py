from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.models import WebhookEvent, new_id, now
from imgapp.services.webhooks import deliveries, delivery_attempts
from tests.conftest import Person
from tests.support.receivers import Receiver, receiving
from tests.support.webhook_rows import add_delivery, add_webhook, deliveries_of, delivery_of

URL = "http://127.0.0.1:9/hook"


@pytest.fixture(autouse=True)
def allowed(database: None, set_env: Callable[..., None]) -> None:
    set_env(IMGAPP_OUTBOUND_NETWORKS="127.0.0.1")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def hers(client_for: Callable[..., TestClient], alice: Person) -> TestClient:
    return client_for(alice)


def made(client: TestClient, **members: Any) -> dict[str, Any]:
    answer = client.post("/api/webhooks", json={"url": URL} | members)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_webhook_is_made_read_changed_and_removed(hers: TestClient) -> None:
    webhook = made(hers, name="CMS")
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    assert webhook["events"] == [event.value for event in WebhookEvent]
    path = f"/api/webhooks/{webhook['id']}"
    assert hers.get(path).json() == webhook
    assert hers.get("/api/webhooks").json() == {"items": [webhook], "next_cursor": None}
    changed = hers.patch(path, json={"events": ["analysis.failed"], "name": None}).json()
    assert changed == webhook | {"events": ["analysis.failed"]}
    rotated = hers.post(f"{path}/rotate").json()
    assert rotated["secret"] != secret
    assert rotated["previous_secret_until"] is not None
    assert hers.delete(path).status_code == 204
    assert hers.get(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "example.org"},
        {"url": "ftp://example.org/"},
        {"url": "https://user:password@example.org/"},
        {"url": "https://example.org/" + "a" * 2_000},
        {"url": None},
        {"url": URL, "events": []},
        {"url": URL, "events": ["ping"]},
        {"url": URL, "events": "analysis.failed"},
        {"url": URL, "name": "x" * 101},
        {"url": URL, "secret": "whsec_mine"},
    ],
)
def test_what_makes_no_webhook(hers: TestClient, body: dict[str, Any]) -> None:
    answer = hers.post("/api/webhooks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert hers.get("/api/webhooks").json()["items"] == []


def test_an_address_that_is_not_reached_is_refused_with_a_sentence(hers: TestClient) -> None:
    answer = hers.post("/api/webhooks", json={"url": "http://[::1]:9/"})
    assert (answer.status_code, answer.json()["code"]) == (422, "address_not_allowed")
    assert "IMGAPP_OUTBOUND_NETWORKS" in answer.json()["detail"]


def test_the_eleventh_webhook_is_one_too_many(hers: TestClient) -> None:
    for _ in range(10):
        made(hers)
    answer = hers.post("/api/webhooks", json={"url": URL})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_webhooks")


def test_a_test_is_sent_once_and_shown(hers: TestClient, receiver: Receiver) -> None:
    webhook = made(hers, url=receiver.url)
    path = f"/api/webhooks/{webhook['id']}"
    answer = hers.post(f"{path}/ping")
    assert answer.status_code == 202
    assert (answer.json()["event"], answer.json()["state"]) == ("ping", "pending")
    receiver.answers(500)
    assert delivery_attempts.run_one()
    assert not delivery_attempts.run_one()
    (shown,) = hers.get(f"{path}/deliveries").json()["items"]
    assert (shown["state"], shown["response_status"], shown["attempts"]) == ("failed", 500, 1)
    assert shown["error"] == {"code": "http_error", "message": "The receiver answered 500."}
    assert receiver.requests[0].headers["webhook-id"] == shown["id"]


def test_something_is_sent_again_as_it_was(
    alice: Person, hers: TestClient, receiver: Receiver
) -> None:
    webhook_id = add_webhook(alice.user_id, receiver.url)
    delivery_id = add_delivery(alice.user_id, webhook_id, payload='{"a":1}')
    path = f"/api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"
    delivery_attempts.run_one()
    answer = hers.post(path)
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    delivery_attempts.run_one()
    first, second = receiver.requests
    assert first.body == second.body == b'{"a":1}'
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(delivery_id)
    assert delivery_of(alice.user_id, delivery_id).state == "delivered"


def test_what_waits_is_sent_at_once_and_what_is_under_way_is_left_alone(
    alice: Person, hers: TestClient
) -> None:
    webhook_id = add_webhook(alice.user_id)
    later = add_delivery(alice.user_id, webhook_id, due_at=now() + timedelta(hours=5))
    path = f"/api/webhooks/{webhook_id}/deliveries/{later}/redeliver"
    assert hers.post(path).status_code == 202
    claim = delivery_attempts._claim()
    assert claim is not None
    assert claim.delivery_id == later
    assert hers.post(path).status_code == 202
    assert delivery_attempts._claim() is None


def test_a_webhook_that_is_switched_off_is_not_tried(alice: Person, hers: TestClient) -> None:
    webhook_id = add_webhook(alice.user_id, disabled_at=now(), disabled_reason="failing")
    delivery_id = add_delivery(alice.user_id, webhook_id, state="failed")
    for path in ("ping", f"deliveries/{delivery_id}/redeliver"):
        answer = hers.post(f"/api/webhooks/{webhook_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "webhook_disabled")
    assert hers.patch(f"/api/webhooks/{webhook_id}", json={"enabled": True}).json()["enabled"]
    assert hers.post(f"/api/webhooks/{webhook_id}/ping").status_code == 202


def test_nobody_tries_for_ever(
    alice: Person, hers: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of thirty a minute one comes back every two seconds; of two, none while this test asks.
    assert deliveries.PER_MINUTE == 30
    monkeypatch.setattr(deliveries, "PER_MINUTE", 2)
    webhook_id = add_webhook(alice.user_id)
    answers = [hers.post(f"/api/webhooks/{webhook_id}/ping").status_code for _ in range(3)]
    assert answers == [202, 202, 429]
    assert len(deliveries_of(alice.user_id)) == 2


def test_deliveries_come_in_pages(alice: Person, hers: TestClient) -> None:
    webhook_id = add_webhook(alice.user_id)
    ids = [str(add_delivery(alice.user_id, webhook_id)) for _ in range(5)]
    path, seen, cursor = f"/api/webhooks/{webhook_id}/deliveries", [], ""
    while cursor is not None:
        page = hers.get(path, params={"limit": 2, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        add_delivery(alice.user_id, webhook_id)
    assert seen == ids[::-1]
    other = add_webhook(alice.user_id)
    foreign = hers.get(path, params={"limit": 2}).json()["next_cursor"]
    answer = hers.get(f"/api/webhooks/{other}/deliveries", params={"cursor": foreign})
    assert answer.json()["code"] == "invalid_cursor"


def test_somebody_elses_delivery_is_a_missing_one(
    client_for: Callable[..., TestClient], alice: Person, mallory: Person
) -> None:
    """Also below a webhook of one's own."""
    hers, his = (add_webhook(person.user_id) for person in (alice, mallory))
    delivery_id = add_delivery(alice.user_id, hers)
    client = client_for(mallory)

    def answer(webhook_id: object, delivery_id: object) -> tuple[int, bytes]:
        path = f"/api/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"
        said = client.post(path)
        return said.status_code, said.content.replace(path.encode(), b"PATH")

    missing = answer(his, new_id())
    assert missing[0] == 404
    assert answer(hers, delivery_id) == answer(his, delivery_id) == missing
    assert delivery_of(alice.user_id, delivery_id).attempts == 0


def test_a_reading_token_sees_and_changes_nothing(
    client_for: Callable[..., TestClient], alice: Person
) -> None:
    from imgapp.models import Scope
    from imgapp.services.accounts.tokens import create_token

    webhook_id = add_webhook(alice.user_id)
    client = client_for(None)
    client.headers["authorization"] = (
        f"Bearer {create_token(alice.user_id, 'r', [Scope.READ]).token}"
    )
    path = f"/api/webhooks/{webhook_id}"
    assert client.get(path).status_code == client.get(f"{path}/deliveries").status_code == 200
    for method, suffix in (("PATCH", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/ping")):
        answer = client.request(method, path + suffix, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_the_document_says_what_is_sent() -> None:
    from imgapp.api import create_api

    document = create_api().openapi()
    sent = document["webhooks"]["message"]["post"]
    body = sent["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/WebhookMessage"}
    assert "WebhookMessage" in document["components"]["schemas"]
    named = {parameter["name"] for parameter in sent["parameters"]}
    assert named == {"webhook-id", "webhook-timestamp", "webhook-signature"}
