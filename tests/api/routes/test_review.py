"""`/api/review` for programs."""

from __future__ import annotations

from collections.abc import Callable

from starlette.testclient import TestClient

from imgapp.models import new_id
from tests.conftest import Person
from tests.support.rows import add_image


def test_a_program_takes_a_picture_decides_and_takes_it_back(
    client_for: Callable[..., TestClient], alice: Person
) -> None:
    image = add_image(alice.user_id, alt_text="A dog", alt_text_by="model", language="en")
    client, reviewer = client_for(alice), str(new_id())
    wanted = {"language": "en", "reviewer": reviewer}
    queue = client.get("/api/review", params=wanted).json()
    assert (queue["total"], queue["leased_seconds"]) == (1, 90)
    [item] = queue["items"]
    assert (item["image_id"], item["image"]["alt_text"]) == (str(image.id), "A dog")
    assert client.get("/api/review", params={"language": "en"}).json()["items"] == []
    path, tag = f"/api/review/{image.id}/en", {"If-Match": f'"{item["etag"]}"'}
    approved = client.post(path, json={"decision": "approve"}, headers=tag)
    assert approved.json()["text"]["state"] == "approved"
    assert client.post(path, json={"decision": "approve"}, headers=tag).status_code == 412
    tag = {"If-Match": f'"{approved.json()["etag"]}"'}
    before = {"alt_text": "A dog", "state": "draft"}
    undone = client.post(path, json={"decision": "undo", "before": before}, headers=tag)
    assert undone.json()["text"]["written_by"] == {"alt_text": "model"}
    assert client.delete("/api/review", params={"reviewer": reviewer}).status_code == 204
    assert len(client.get("/api/review", params={"language": "en"}).json()["items"]) == 1
    agreement = client.get("/api/review/agreement", params={"language": "en"}).json()
    assert agreement == {"looked_at": 0, "agreed": 0, "waiting": 0}


def test_what_makes_no_sense_is_refused(
    client_for: Callable[..., TestClient], alice: Person
) -> None:
    image = add_image(alice.user_id, alt_text="A dog", alt_text_by="model", language="en")
    client, path = client_for(alice), f"/api/review/{image.id}/en"
    for wrong in (
        {},
        {"decision": "return"},
        {"decision": "return", "note": " "},
        {"decision": "approve", "note": "why"},
        {"decision": "undo", "alt_text": "x"},
        {"decision": "save", "before": {}},
        {"decision": "approve", "reviewer": "x"},
    ):
        assert client.post(path, json=wrong).status_code == 422, wrong
    absent = {"If-None-Match": "*"}
    assert client.post(path, json={"decision": "approve"}, headers=absent).status_code == 412
    for params, status in (
        ({"language": "xx-nowhere"}, 400),
        ({"from": "nowhere"}, 400),
        ({"limit": 21}, 422),
        ({"reviewer": "me"}, 404),
        ({"batch": str(new_id())}, 404),
    ):
        assert client.get("/api/review", params=params).status_code == status, params
