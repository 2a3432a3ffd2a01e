"""Texts by language over REST: write, approve, return, list, and many at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from imgapp.models import WebhookEvent
from imgapp.services.webhooks import delivery_attempts
from tests.conftest import Person
from tests.support.rows import add_image
from tests.support.webhook_rows import add_webhook, deliveries_of


@pytest.fixture
def client(client_for: Callable[..., TestClient], alice: Person) -> TestClient:
    return client_for(alice)


def a_picture(person: Person) -> str:
    image = add_image(person.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    return f"/api/images/{image.id}"


def test_a_text_is_written_approved_and_returned(client: TestClient, alice: Person) -> None:
    picture = a_picture(alice)
    written = client.put(f"{picture}/texts/de", json={"alt_text": "Ein Rad", "tags": ["Rad"]})
    assert written.status_code == 200
    assert written.json()["state"] == "draft"
    read = client.get(f"{picture}/texts/de")
    assert (read.json(), read.headers["etag"]) == (written.json(), written.headers["etag"])
    known = client.get(f"{picture}/texts/de", headers={"If-None-Match": read.headers["etag"]})
    assert known.status_code == 304
    approved = client.post(f"{picture}/texts/de/approve")
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    stale = client.post(
        f"{picture}/texts/de/return",
        json={"note": "zu kurz"},
        headers={"If-Match": written.headers["etag"]},
    )
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    returned = client.post(f"{picture}/texts/de/return", json={"note": "zu kurz"})
    assert (returned.json()["state"], returned.json()["note"]) == ("returned", "zu kurz")
    assert client.get(picture).json()["texts"]["de"] == returned.json()
    reopened = client.post(f"{picture}/texts/de/reopen").json()
    assert (reopened["state"], reopened["approved"]["alt_text"]) == ("draft", "Ein Rad")
    changes = client.get(f"{picture}/texts/de/changes", params={"limit": 2}).json()
    assert [one["kind"] for one in changes["items"]] == ["reopened", "returned"]
    rest = client.get(
        f"{picture}/texts/de/changes", params={"limit": 2, "cursor": changes["next_cursor"]}
    ).json()
    assert [one["kind"] for one in rest["items"]] == ["approved", "written"]


def test_what_makes_no_sense_is_said(client: TestClient, alice: Person) -> None:
    picture = a_picture(alice)

    def refusal(method: str, path: str, **body: object) -> tuple[int, str]:
        answer = client.request(method, f"{picture}{path}", json=body)
        return answer.status_code, answer.json()["code"]

    assert refusal("PUT", "/texts/qq", alt_text="x") == (400, "unknown_language")
    assert refusal("PUT", "/texts/de", alt_text="x", state="approved")[0] == 422
    assert refusal("POST", "/texts/fr/approve") == (404, "not_found")
    assert refusal("POST", "/texts/en/return")[0] == 422
    assert client.put(f"{picture}/texts/de", json={"description": "Rot."}).status_code == 200
    assert refusal("POST", "/texts/de/approve") == (409, "nothing_to_approve")
    assert refusal("PUT", "/texts/de", tags=[], approve=True) == (409, "nothing_to_approve")
    unknown = client.get("/api/images", params={"state": "perfect"})
    assert unknown.status_code == 422
    assert client.get("/api/images", params={"language": "qq"}).json()["code"] == "unknown_language"


def test_lists_and_bulk_approval_go_by_language_and_state(
    client: TestClient, alice: Person
) -> None:
    one, two = a_picture(alice), a_picture(alice)
    for picture, alt_text in ((one, "Eins"), (two, "Zwei")):
        client.put(f"{picture}/texts/de", json={"alt_text": alt_text})
    client.post(f"{one}/texts/de/approve")

    def listed(**said: str) -> set[str]:
        answer = client.get("/api/images", params=said).json()
        assert answer["total"] == len(answer["items"])
        return {f"/api/images/{item['id']}" for item in answer["items"]}

    assert listed(language="de", state="approved") == {one}
    assert listed(language="de", state="draft") == {two}
    assert listed(language="fr", state="missing") == {one, two}
    done = client.post(
        "/api/images/actions",
        json={
            "action": "approve",
            "filter": {"language": "de", "state": "draft"},
            "language": "de",
        },
    )
    assert (done.json()["asked"], done.json()["changed"]) == (1, 1)
    assert listed(language="de", state="approved") == {one, two}
    wrong = client.post(
        "/api/images/actions", json={"action": "trash", "filter": {}, "language": "de"}
    )
    assert wrong.status_code == 422


def test_programs_are_told_of_what_is_approved(client: TestClient, alice: Person) -> None:
    add_webhook(alice.user_id, events=[WebhookEvent.TEXT_APPROVED])
    picture = a_picture(alice)
    client.put(f"{picture}/texts/de", json={"alt_text": "Ein Rad"})
    assert deliveries_of(alice.user_id) == []
    client.post(f"{picture}/texts/de/approve")
    client.post(f"{picture}/texts/de/approve")
    [told] = deliveries_of(alice.user_id)
    assert (told.event, told.language) == ("text.approved", "de")
    payload = delivery_attempts.payload_of(told)
    assert payload is not None
    assert '"language":"de"' in payload
    assert '"Ein Rad"' in payload


def test_a_program_that_has_the_file_gets_the_text_that_it_wants(
    client: TestClient, alice: Person
) -> None:
    image = add_image(alice.user_id, alt_text="A bicycle", alt_text_by="model", language="en")
    picture = f"/api/images/{image.id}"
    client.put(f"{picture}/texts/pt", json={"alt_text": "Uma bicicleta", "approve": True})
    client.put(f"{picture}/texts/pt", json={"alt_text": "Bicicleta"})

    def text(**said: str) -> tuple[str, str] | None:
        found = client.get(f"/api/images/by-hash/{image.sha256}", params=said).json()["text"]
        body = {"sha256": [image.sha256], **said}
        [item] = client.post("/api/images/by-hash", json=body).json()["items"]
        assert item["text"] == found
        return None if found is None else (found["language"], found["alt_text"])

    assert text() is None
    assert text(language="pt-BR") == ("pt", "Bicicleta")
    assert text(language="pt-BR", state="approved") == ("pt", "Uma bicicleta")
    assert text(language="fr") == ("en", "A bicycle")
    assert text(language="fr", state="approved") == ("pt", "Uma bicicleta")
    unknown = client.get(f"/api/images/by-hash/{image.sha256}", params={"language": "qq"})
    assert unknown.json()["code"] == "unknown_language"
