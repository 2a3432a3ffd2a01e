"""Many pictures at once, and the trash, over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.models import new_id, now
from tests.conftest import Person
from tests.support.rows import add_image
from tests.support.waiting import row_of

ACTIONS = "/api/images/actions"


@pytest.fixture
def hers(client_for: Callable[..., TestClient], alice: Person) -> TestClient:
    return client_for(alice)


@pytest.fixture
def theirs(client_for: Callable[..., TestClient], mallory: Person) -> TestClient:
    return client_for(mallory)


def test_pictures_are_trashed_listed_restored_and_removed(hers: TestClient, alice: Person) -> None:
    ids = [str(add_image(alice.user_id).id) for _ in range(2)]
    answer = hers.post(ACTIONS, json={"action": "trash", "images": ids}).json()
    assert answer == {"action": "trash", "asked": 2, "changed": 2, "left": 0, "run_id": None}
    assert hers.get("/api/images").json()["total"] == 0

    listed = hers.get("/api/trash").json()
    assert (listed["total"], {item["image"]["id"] for item in listed["items"]}) == (2, set(ids))
    assert hers.post(f"/api/trash/{ids[0]}/restore").status_code == 204
    assert hers.get(f"/api/images/{ids[0]}").status_code == 200
    assert hers.delete("/api/trash").json()["changed"] == 1
    assert hers.get("/api/trash").json()["items"] == []


def test_a_filter_chooses_all_but_some(hers: TestClient, alice: Person) -> None:
    tagged = [str(add_image(alice.user_id, tags=["dock"]).id) for _ in range(3)]
    body = {"action": "add_tags", "tags": ["sea"], "filter": {"tags": ["dock"]}}
    answer = hers.post(ACTIONS, json=body | {"except": tagged[:1]}).json()
    assert (answer["asked"], answer["changed"]) == (2, 2)
    assert hers.get("/api/images", params={"tag": "sea"}).json()["total"] == 2


@pytest.mark.parametrize(
    "body",
    [
        {"action": "trash"},
        {"action": "trash", "images": []},
        {"action": "trash", "filter": {"statuss": "failed"}},
        {"action": "trash", "filter": {"status": "fialed"}},
        {"action": "trash", "filter": {}, "images": [str(new_id())]},
        {"action": "trash", "images": [str(new_id())], "except": [str(new_id())]},
        {"action": "trash", "images": ["x"]},
        {"action": "add_tags", "images": [str(new_id())]},
        {"action": "trash", "images": [str(new_id())], "tags": ["a"]},
        {"action": "restore", "filter": {}},
        {"action": "delete", "filter": {}},
        {"action": "burn", "filter": {}},
        {"action": "trash", "images": [str(new_id())] * 10_001},
    ],
)
def test_what_is_not_clear_changes_nothing(
    hers: TestClient, alice: Person, body: dict[str, Any]
) -> None:
    image = add_image(alice.user_id)
    answer = hers.post(ACTIONS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert row_of(alice.user_id, image.id).deleted_at is None


@pytest.mark.parametrize("action", ["trash", "restore", "delete", "analyze", "add_tags"])
def test_somebody_elses_pictures_count_as_missing_ones(
    theirs: TestClient, alice: Person, action: str
) -> None:
    image = add_image(alice.user_id)
    thrown = add_image(alice.user_id, deleted_at=now())
    more = {"tags": ["mine"]} if action == "add_tags" else {}

    def answer(*ids: object) -> Any:
        body = {"action": action, "images": [str(one) for one in ids]} | more
        said = theirs.post(ACTIONS, json=body).json()
        return said | {"run_id": None}

    foreign, missing = answer(image.id, thrown.id), answer(new_id(), new_id())
    assert foreign == missing
    assert (foreign["asked"], foreign["changed"]) == (2, 0)
    assert row_of(alice.user_id, image.id).deleted_at is None
    assert row_of(alice.user_id, thrown.id).deleted_at is not None


def test_the_ids_between_two_pictures_are_those_of_the_list(
    hers: TestClient, theirs: TestClient, alice: Person
) -> None:
    ids = [str(add_image(alice.user_id, tags=["a"] if n != 1 else None).id) for n in range(4)]
    between = {"from": ids[0], "to": ids[3]}
    assert hers.get("/api/images/ids", params=between).json() == {"ids": ids[::-1]}
    only = hers.get("/api/images/ids", params=between | {"tag": "a"}).json()
    assert only == {"ids": [ids[3], ids[2], ids[0]]}
    assert theirs.get("/api/images/ids", params=between).json() == {"ids": []}
    assert hers.get("/api/images/ids", params={"from": "x", "to": ids[0]}).status_code == 404
