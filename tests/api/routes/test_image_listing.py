"""Finding pictures over REST: the same parameters for the list and for its timeline."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import Person
from tests.support.rows import add_image

ClientFor = Callable[..., TestClient]
MOMENT = datetime(2026, 7, 4, 23, 30, tzinfo=UTC)
LISTS = ("/api/images", "/api/images/timeline")


@pytest.fixture
def client(client_for: ClientFor, alice: Person) -> TestClient:
    """The API with alice's session."""
    return client_for(alice)


@pytest.fixture
def library(alice: Person) -> None:
    """Three pictures, the newest first: a, b and c."""
    each: list[dict[str, Any]] = [
        {"filename": "a.jpg", "tags": ["dog", "park"], "width": 6000, "file_size": 10},
        {"filename": "b.png", "tags": ["dog"], "mime_type": "image/png", "file_size": 30},
        {"filename": "c.jpg", "alt_text": "A cat", "alt_text_by": "person", "file_size": 20},
    ]
    for n, fields in enumerate(each):
        add_image(alice.user_id, uploaded_at=MOMENT - timedelta(hours=n), **fields)


def names(client: TestClient, query: str) -> str:
    """The first letters of what is found, page by page."""
    page = client.get(f"/api/images?limit=1&{query}").json()
    found = [item["filename"][0] for item in page["items"]]
    assert client.get(f"/api/images/timeline?{query}").json()["total"] == page["total"]
    while page["next_cursor"]:
        page = client.get(f"/api/images?limit=1&{query}&cursor={page['next_cursor']}").json()
        assert page["total"] is None
        found += [item["filename"][0] for item in page["items"]]
    return "".join(found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abc"),
        ("tag=dog", "ab"),
        ("tag=dog&tag=park", "a"),
        ("no_alt_text=true", "ab"),
        ("edited=true", "c"),
        ("edited=false", "ab"),
        ("decorative=true", ""),
        ("format=png", "b"),
        ("uploaded_from=2026-07-04T22:00:00Z", "ab"),
        ("uploaded_from=2026-07-04T22:00:00Z&uploaded_to=2026-07-04T23:00:00Z", "b"),
        ("larger_than=15&smaller_than=30", "c"),
        ("orientation=landscape", "abc"),
        ("orientation=square", ""),
        ("sort=oldest", "cba"),
        ("sort=name", "abc"),
        ("sort=largest", "bca"),
        ("sort=relevance&q=cat", "c"),
        (
            "no_alt_text=&decorative=&format=&uploaded_from=&larger_than=&smaller_than=&batch=&orientation=&sort=",
            "abc",
        ),
    ],
)
def test_every_filter_and_order_is_walked_with_cursors(
    client: TestClient, library: None, query: str, expected: str
) -> None:
    assert names(client, query) == expected


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_alt_text", "perhaps"),
        ("edited", "2"),
        ("format", "svg"),
        ("uploaded_from", "yesterday"),
        ("uploaded_from", "0.5"),
        ("uploaded_to", "1751652000"),
        ("larger_than", "-1"),
        ("smaller_than", str(2**63)),
        ("orientation", "round"),
        ("sort", "best"),
        ("order", "name"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, path: str, name: str, value: str) -> None:
    response = client.get(path, params={name: value})
    assert response.status_code == 422
    assert [error["parameter"] for error in response.json()["errors"]] == [name]


def test_a_cursor_is_of_one_order(client: TestClient, library: None) -> None:
    cursor = client.get("/api/images?limit=1&sort=name").json()["next_cursor"]
    for query in ("", "&sort=largest", "&sort=name&tag=dog"):
        response = client.get(f"/api/images?limit=1&cursor={cursor}{query}")
        assert response.json()["code"] == "invalid_cursor"


def test_the_timeline_has_days_and_a_byte_for_each_picture(
    client: TestClient, library: None
) -> None:
    found = client.get("/api/images/timeline?time_zone=Europe/Berlin").json()
    days = [{"date": "2026-07-05", "count": 2}, {"date": "2026-07-04", "count": 1}]
    assert (found["total"], found["days"]) == (3, days)
    ratios = [2 ** (byte / 255 * 4 - 2) for byte in base64.b64decode(found["ratios"])]
    assert [round(ratio, 1) for ratio in ratios] == [2.0, 1.3, 1.3]
    named = client.get("/api/images/timeline?sort=name").json()
    assert named["days"] == [{"date": None, "count": 3}]
    nowhere = client.get("/api/images/timeline?time_zone=Mars/Olympus").json()
    assert nowhere == client.get("/api/images/timeline").json()


def test_the_timeline_is_sent_again_when_it_changes(
    client: TestClient, library: None, alice: Person
) -> None:
    tag = client.get("/api/images/timeline").headers["ETag"]
    unchanged = client.get("/api/images/timeline", headers={"If-None-Match": tag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    add_image(alice.user_id)
    assert client.get("/api/images/timeline", headers={"If-None-Match": tag}).status_code == 200


def test_nobody_sees_the_timeline_of_others(
    client_for: ClientFor, library: None, mallory: Person
) -> None:
    for query in ("", "?q=cat", "?tag=dog", "?sort=name"):
        found = client_for(mallory).get(f"/api/images/timeline{query}").json()
        assert found == {"total": 0, "days": [], "ratios": ""}


def test_the_timeline_asks_who_is_calling(client_for: ClientFor) -> None:
    assert client_for(None).get("/api/images/timeline").status_code == 401
