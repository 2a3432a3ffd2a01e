"""Look-up by content, for programs that have the file already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.services.library import images
from tests.conftest import Person
from tests.support.rows import add_image

Client = Callable[..., TestClient]


def test_a_picture_is_found_by_its_bytes(alice: Person, client_for: Client) -> None:
    image = add_image(alice.user_id, alt_text="A harbour", sha256="ab" * 32)
    client = client_for(alice)
    for written in ("ab" * 32, "AB" * 32):
        answer = client.get(f"/api/images/by-hash/{written}")
        assert answer.status_code == 200
        assert answer.json() == client.get(f"/api/images/{image.id}").json()
        assert answer.json()["sha256"] == "ab" * 32
    tag = answer.headers["etag"]
    again = client.get(f"/api/images/by-hash/{'ab' * 32}", headers={"if-none-match": tag})
    assert again.status_code == 304


def test_somebody_elses_picture_is_a_missing_one(
    alice: Person, mallory: Person, client_for: Client
) -> None:
    image = add_image(alice.user_id)
    client = client_for(mallory)
    answers = []
    for sha256 in (image.sha256, "0" * 64, "x", image.sha256[:-1], f"{image.sha256}0"):
        answer = client.get(f"/api/images/by-hash/{sha256}")
        answers.append((answer.status_code, answer.content.replace(sha256.encode(), b"HASH")))
    assert set(answers) == {answers[0]}
    assert answers[0][0] == 404
    found = client.post("/api/images/by-hash", json={"sha256": [image.sha256]}).json()
    assert found == {"items": [], "missing": [image.sha256]}
    assert client_for(None).get(f"/api/images/by-hash/{image.sha256}").status_code == 401


def test_what_is_in_the_trash_is_not_found(alice: Person, client_for: Client) -> None:
    image = add_image(alice.user_id)
    images.delete_image(alice.user_id, image.id)
    client = client_for(alice)
    assert client.get(f"/api/images/by-hash/{image.sha256}").status_code == 404
    found = client.post("/api/images/by-hash", json={"sha256": [image.sha256]}).json()
    assert found["missing"] == [image.sha256]


def test_many_are_looked_up_at_once(alice: Person, client_for: Client) -> None:
    there = [add_image(alice.user_id) for _ in range(3)]
    unknown = [f"{number:064x}" for number in range(997)]
    asked = [there[2].sha256.upper(), *unknown, there[0].sha256, there[1].sha256]

    found = client_for(alice).post("/api/images/by-hash", json={"sha256": asked}).json()

    assert [item["id"] for item in found["items"]] == [str(there[n].id) for n in (2, 0, 1)]
    assert found["missing"] == unknown
    twice = client_for(alice).post("/api/images/by-hash", json={"sha256": [there[0].sha256] * 2})
    assert len(twice.json()["items"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sha256": []},
        {"sha256": ["x"]},
        {"sha256": ["0" * 63]},
        {"sha256": ["0" * 64 + "\n"]},
        {"sha256": "0" * 64},
        {"sha256": ["0" * 64] * 1001},
        {"sha256": ["0" * 64], "md5": []},
        {"sha256": [None]},
    ],
)
def test_what_is_no_list_of_hashes_is_refused(alice: Person, client_for: Client, body: Any) -> None:
    answer = client_for(alice).post("/api/images/by-hash", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


def test_another_sites_page_looks_up_nothing_with_our_cookie(
    alice: Person, client_for: Client
) -> None:
    answer = client_for(alice).post(
        "/api/images/by-hash",
        json={"sha256": ["0" * 64]},
        headers={"origin": "https://evil.example"},
    )
    assert answer.json()["code"] == "origin_not_allowed"
