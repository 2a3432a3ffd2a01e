from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from imgapp.models import WrittenBy
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image

ClientFor = Callable[..., TestClient]

IMAGE = {
    "id",
    "filename",
    "mime_type",
    "file_size",
    "width",
    "height",
    "uploaded_at",
    "status",
    "alt_text",
    "description",
    "tags",
    "visible_text",
    "decorative",
    "language",
    "analysis",
    "error",
    "urls",
}


@pytest.fixture
def client(client_for: ClientFor, alice: Person) -> TestClient:
    """The API with alice's session."""
    return client_for(alice)


def test_an_image_has_the_members_of_the_contract(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id, filename="Übung.jpg")
    analysis = add_analysis(image)
    shown = client.get(f"/api/images/{image.id}").json()
    assert shown.keys() >= IMAGE
    assert shown["id"] == str(image.id)
    assert shown["filename"] == "Übung.jpg"
    assert shown["status"] == "completed"
    assert shown["uploaded_at"].endswith(("Z", "+00:00"))
    assert shown["analysis"].keys() == {
        "id",
        "model_version",
        "processing_time",
        "created_at",
        "completed_at",
    }
    assert shown["analysis"]["id"] == str(analysis.id)
    assert shown["urls"].keys() == {"thumbnail", "preview", "original"}
    assert all(url.startswith("/api/files/") for url in shown["urls"].values())


def test_the_list_is_walked_with_cursors(client: TestClient, alice: Person) -> None:
    rows = [add_image(alice.user_id) for _ in range(5)]
    seen: list[str] = []
    totals: list[int | None] = []
    params: dict[str, Any] = {"limit": 2, "cursor": ""}
    while True:
        page = client.get("/api/images", params=params).json()
        assert page.keys() == {"items", "next_cursor", "total"}
        seen += [item["id"] for item in page["items"]]
        totals.append(page["total"])
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == [str(row.id) for row in reversed(rows)]
    assert totals == [5, None, None]


def test_a_page_has_sixty_items_unless_asked_otherwise(client: TestClient, alice: Person) -> None:
    for _ in range(61):
        add_image(alice.user_id)
    assert len(client.get("/api/images").json()["items"]) == 60
    assert len(client.get("/api/images", params={"limit": 200}).json()["items"]) == 61


def test_a_parameter_without_a_value_is_as_good_as_none(client: TestClient, alice: Person) -> None:
    add_image(alice.user_id)
    page = client.get("/api/images?status=&q=&tag=&limit=&cursor=")
    assert page.json()["total"] == 1


def test_the_list_is_filtered(client: TestClient, alice: Person) -> None:
    dog = add_image(alice.user_id, alt_text="A dog", tags=["dog"])
    add_analysis(add_image(alice.user_id))

    def found(**params: str) -> list[str]:
        return [item["id"] for item in client.get("/api/images", params=params).json()["items"]]

    assert found(q="dog") == found(tag="dog") == found(status="pending") == [str(dog.id)]
    assert found(q="dog", status="completed") == []


def test_nobody_elses_pictures_are_listed(
    client_for: ClientFor, alice: Person, mallory: Person
) -> None:
    add_image(alice.user_id, alt_text="A dog", tags=["dog"])
    for params in ({}, {"q": "dog"}, {"tag": "dog"}, {"status": "pending"}):
        page = client_for(mallory).get("/api/images", params=params).json()
        assert page == {"items": [], "next_cursor": None, "total": 0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "-1"),
        ("limit", "many"),
        ("status", "done"),
        ("q", "x" * 501),
        ("tag", "x" * 101),
        ("cursor", "x" * 2_001),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, name: str, value: str) -> None:
    response = client.get("/api/images", params={name: value})
    assert response.status_code == 422
    assert response.json()["code"] == "validation_failed"
    assert [error["parameter"] for error in response.json()["errors"]] == [name]


@pytest.mark.parametrize("cursor", ["x", "A" * 54, "Ä", "\x00", "null"])
def test_a_cursor_that_is_not_ours_is_refused(client: TestClient, cursor: str) -> None:
    response = client.get("/api/images", params={"cursor": cursor})
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_cursor"


def test_a_cursor_of_another_filter_is_refused(client: TestClient, alice: Person) -> None:
    for _ in range(2):
        add_image(alice.user_id, tags=["dog"])
    cursor = client.get("/api/images", params={"tag": "dog", "limit": 1}).json()["next_cursor"]
    assert client.get("/api/images", params={"cursor": cursor}).status_code == 400


def test_an_edit_is_kept_and_answered(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id, description="by a model", description_by=WrittenBy.MODEL)
    edit = {"alt_text": "A dog", "tags": ["dog", "Dog", " beach "], "visible_text": None}
    response = client.patch(f"/api/images/{image.id}", json=edit)
    assert response.status_code == 200
    shown = response.json()
    assert (shown["alt_text"], shown["tags"]) == ("A dog", ["dog", "beach"])
    assert shown["description"] == "by a model"
    assert shown["written_by"]["alt_text"] == "person"
    again = client.get(f"/api/images/{image.id}").json()
    assert again == shown


@pytest.mark.parametrize(
    ("said", "kept"), [("de", "de"), ("PT-br", "pt-BR"), ("zh-hant", "zh-Hant"), (None, None)]
)
def test_a_person_says_the_language_of_the_texts(
    client: TestClient, alice: Person, said: str | None, kept: str | None
) -> None:
    image = add_image(alice.user_id, alt_text="Ein Hafen", language="en", language_by="model")
    answer = client.patch(f"/api/images/{image.id}", json={"language": said})
    assert answer.status_code == 200
    assert answer.json()["language"] == kept
    assert client.get(f"/api/images/{image.id}").json()["language"] == kept


@pytest.mark.parametrize("said", ["", "klingon!", "qq", "x" * 36, 7, "de de"])
def test_what_is_no_language_is_refused(client: TestClient, alice: Person, said: Any) -> None:
    image = add_image(alice.user_id, language="en")
    edit = {"language": said, "alt_text": "A harbour"}
    answer = client.patch(f"/api/images/{image.id}", json=edit)
    assert (answer.status_code, answer.json()["detail"] != "") == (
        422 if said == 7 or len(said) > 35 else 400,
        True,
    )
    now = client.get(f"/api/images/{image.id}").json()
    assert (now["language"], now["alt_text"]) == ("en", None)


def test_mallory_says_no_language_of_alices_picture(
    client_for: ClientFor, alice: Person, mallory: Person
) -> None:
    image = add_image(alice.user_id, language="en")
    answer = client_for(mallory).patch(f"/api/images/{image.id}", json={"language": "de"})
    assert answer.status_code == 404
    shown = client_for(alice).get(f"/api/images/{image.id}").json()
    assert shown["language"] == "en"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"alt_text": "x" * 2_001}, "#/alt_text"),
        ({"alt_text": 1}, "#/alt_text"),
        ({"tags": "dog"}, "#/tags"),
        ({"tags": ["dog", "x" * 101]}, "#/tags/1"),
        ({"tags": ["x"] * 101}, "#/tags"),
        ({"decorative": "perhaps"}, "#/decorative"),
        ({"filename": "x"}, "#/filename"),
        ({"status": "completed"}, "#/status"),
        ([], "#"),
        ("text", "#"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_whole(
    client: TestClient, alice: Person, body: Any, pointer: str
) -> None:
    image = add_image(alice.user_id, alt_text="A dog")
    if isinstance(body, dict):
        body = {"description": "new", **body}
    response = client.patch(f"/api/images/{image.id}", json=body)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert client.get(f"/api/images/{image.id}").json()["description"] is None


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\x1b[31mred\x1b[0m"])
def test_control_characters_do_not_get_in(client: TestClient, alice: Person, text: str) -> None:
    image = add_image(alice.user_id)
    edit = {"alt_text": text, "description": text, "visible_text": text, "tags": [text]}
    shown = client.patch(f"/api/images/{image.id}", json=edit).json()
    for value in (shown["alt_text"], shown["description"], shown["visible_text"], *shown["tags"]):
        assert value.isprintable()


def test_half_a_character_is_refused(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id)
    response = client.patch(
        f"/api/images/{image.id}",
        content=b'{"alt_text": "\\ud83d"}',
        headers={"content-type": "application/json"},
    )
    assert response.status_code == 422


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "image/png"])
def test_an_edit_is_json(client: TestClient, alice: Person, kind: str) -> None:
    image = add_image(alice.user_id)
    response = client.patch(
        f"/api/images/{image.id}", content=b"{}", headers={"content-type": kind}
    )
    assert response.status_code == 415
    assert response.json()["code"] == "unsupported_media_type"


def test_a_huge_edit_is_refused(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id)
    response = client.patch(f"/api/images/{image.id}", json={"alt_text": "x" * 2_000_000})
    assert response.status_code == 413
    assert response.json()["code"] == "request_too_large"


def test_a_deleted_picture_is_gone_from_every_address(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id)
    response = client.delete(f"/api/images/{image.id}")
    assert (response.status_code, response.content) == (204, b"")
    for path in ("", "/status", "/analyses", "/file"):
        assert client.get(f"/api/images/{image.id}{path}").status_code == 404
    assert client.patch(f"/api/images/{image.id}", json={"alt_text": "x"}).status_code == 404
    assert client.post(f"/api/images/{image.id}/analyze").status_code == 404
    assert client.delete(f"/api/images/{image.id}").status_code == 404
    assert client.get("/api/images").json()["total"] == 0


def test_a_picture_is_removed_for_good_out_of_the_trash(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id)
    client.delete(f"/api/images/{image.id}")
    removed = {"permanent": "true"}
    assert client.delete(f"/api/images/{image.id}", params=removed).status_code == 204
    assert client.delete(f"/api/images/{image.id}", params=removed).status_code == 404


def test_the_status_is_small_and_complete(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id)
    status = client.get(f"/api/images/{image.id}/status").json()
    assert status.keys() == {
        "id",
        "status",
        "waiting_reason",
        "waiting",
        "attempts",
        "error",
        "queued_at",
        "started_at",
        "completed_at",
    }
    assert (status["id"], status["status"], status["attempts"]) == (str(image.id), "pending", 0)
    add_analysis(image)
    status = client.get(f"/api/images/{image.id}/status").json()
    assert status["status"] == "completed"
    assert status["completed_at"] is not None


def test_a_picture_is_queued_again(client: TestClient, alice: Person) -> None:
    image = add_image(
        alice.user_id,
        analysis_status="failed",
        attempts=3,
        error_code="model_refused",
        error_message="No",
    )
    response = client.post(f"/api/images/{image.id}/analyze")
    assert response.status_code == 202
    status = response.json()
    assert (status["status"], status["attempts"], status["error"]) == ("pending", 0, None)
    assert client.get(f"/api/images/{image.id}/status").json() == status


def test_the_history_comes_newest_first_with_cursors(client: TestClient, alice: Person) -> None:
    image = add_image(alice.user_id)
    made = [add_analysis(image, model_version=f"m-{n}") for n in range(3)]
    first = client.get(f"/api/images/{image.id}/analyses", params={"limit": 2}).json()
    assert [UUID(item["id"]) for item in first["items"]] == [made[2].id, made[1].id]
    params = {"limit": 2, "cursor": first["next_cursor"]}
    second = client.get(f"/api/images/{image.id}/analyses", params=params).json()
    assert [item["model_version"] for item in second["items"]] == ["m-0"]
    assert second["next_cursor"] is None
    params["cursor"] = "x"
    refused = client.get(f"/api/images/{image.id}/analyses", params=params)
    assert refused.json()["code"] == "invalid_cursor"
