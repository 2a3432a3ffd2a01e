"""Conditional requests: who has an answer already does not get it again, and edits are not lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.models import AnalysisStatus, Image, ImageEdit
from imgapp.services.library import entity_tags, file_links, images
from tests.conftest import Person
from tests.support.rows import add_analysis, add_image
from tests.support.waiting import change

ClientFor = Callable[..., TestClient]


@pytest.fixture
def client(client_for: ClientFor, alice: Person) -> TestClient:
    return client_for(alice)


@pytest.fixture
def image(alice: Person) -> Image:
    image = add_image(alice.user_id, tags=["dog"])
    add_analysis(image)
    return image


def addresses(image: Image) -> list[str]:
    one = f"/api/images/{image.id}"
    by_hash = f"/api/images/by-hash/{image.sha256}"
    listed = ["/api/images", "/api/images?tag=dog&limit=5"]
    return [one, f"{one}/status", f"{one}/analyses", by_hash, *listed]


def ask_again(client: TestClient, path: str, tag: str) -> int:
    answer = client.get(path, headers={"if-none-match": tag})
    if answer.status_code == 304:
        assert answer.content == b""
        assert "content-type" not in answer.headers
        assert answer.headers["etag"] == tag
    return answer.status_code


def test_what_somebody_has_is_not_sent_again_until_it_changes(
    client: TestClient, alice: Person, image: Image
) -> None:
    for path in addresses(image):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization, Cookie"
        assert ask_again(client, path, answer.headers["etag"]) == 304
        change(alice.user_id, image.id, analysis_status=AnalysisStatus.FAILED, error_code="x")
        changed = ask_again(client, path, answer.headers["etag"])
        assert changed == (304 if path.endswith("/analyses") else 200), path
        change(alice.user_id, image.id, analysis_status=AnalysisStatus.COMPLETED, error_code=None)
    analyses = client.get(f"/api/images/{image.id}/analyses")
    add_analysis(image)
    path = f"/api/images/{image.id}/analyses"
    assert ask_again(client, path, analyses.headers["etag"]) == 200


@pytest.mark.parametrize(
    ("field", "status"),
    [
        ("{}", 304),
        ("W/{}", 304),
        ('"other", {}', 304),
        ('"other",W/{} , "more"', 304),
        ("*", 304),
        ('"other"', 200),
        ("", 200),
        ("{}x", 304),
        ('"', 200),
        ("unquoted", 200),
        ('""', 200),
    ],
)
def test_tags_are_compared_as_the_standard_says(
    client: TestClient, image: Image, field: str, status: int
) -> None:
    for path in addresses(image):
        tag = client.get(path).headers["etag"]
        answer = client.get(path, headers={"if-none-match": field.replace("{}", tag)})
        assert answer.status_code == status, path


def test_a_list_that_changes_in_any_way_is_sent_again(
    client: TestClient, alice: Person, image: Image
) -> None:
    others = [add_image(alice.user_id, tags=["dog"]) for _ in range(3)]
    changes: list[Callable[[], Any]] = [
        lambda: add_image(alice.user_id),
        lambda: images.edit_image(alice.user_id, image.id, ImageEdit(alt_text="A dog")),
        lambda: images.delete_image(alice.user_id, others[0].id),
        lambda: images.delete_image(alice.user_id, others[1].id, permanent=True),
        lambda: change(alice.user_id, image.id, waiting_reason="budget"),
        lambda: change(alice.user_id, image.id, s3_bucket="elsewhere"),
    ]
    for make in changes:
        tag = client.get("/api/images").headers["etag"]
        assert ask_again(client, "/api/images", tag) == 304
        make()
        assert ask_again(client, "/api/images", tag) == 200


def test_a_page_is_sent_again_when_only_the_total_changes(
    client: TestClient, alice: Person, image: Image
) -> None:
    for _ in range(3):
        add_image(alice.user_id)
    path = "/api/images?limit=1"
    tag = client.get(path).headers["etag"]
    images.delete_image(alice.user_id, image.id)  # the oldest, on the last page
    assert ask_again(client, path, tag) == 200


def test_answers_do_not_outlive_the_links_in_them(
    client: TestClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (f"/api/images/{image.id}", "/api/images"):
        tag = client.get(path).headers["etag"]
        later = file_links._expiry() + file_links.LIFE_SECONDS // 2
        with monkeypatch.context() as patch:
            patch.setattr(file_links, "_expiry", lambda later=later: later)
            assert ask_again(client, path, tag) == 200
        assert ask_again(client, path, tag) == 304


def test_nothing_is_built_for_who_has_it(
    client: TestClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags = {path: client.get(path).headers["etag"] for path in (f"/api/images/{image.id}",)}
    tags["/api/images"] = client.get("/api/images").headers["etag"]
    monkeypatch.setattr(images, "shown", None)
    for path, tag in tags.items():
        assert ask_again(client, path, tag) == 304


def test_a_tag_says_nothing_to_somebody_else(
    client: TestClient, client_for: ClientFor, mallory: Person, image: Image
) -> None:
    hers = client_for(mallory)
    for path in addresses(image):
        tag = client.get(path).headers["etag"]
        for field in (tag, "*"):
            answer = hers.get(path, headers={"if-none-match": field})
            plain = hers.get(path)
            if "?" in path or path == "/api/images":
                assert plain.json()["items"] == []
                assert answer.status_code == (304 if field == "*" else 200)
            else:
                assert (answer.status_code, answer.content) == (404, plain.content)


def test_an_edit_of_what_was_changed_since_is_refused(
    client: TestClient, alice: Person, image: Image
) -> None:
    path = f"/api/images/{image.id}"
    tag = client.get(path).headers["etag"]
    images.edit_image(alice.user_id, image.id, ImageEdit(alt_text="Somebody was faster"))
    headers = {"if-match": tag}
    for answer in (
        client.patch(path, json={"alt_text": "Mine"}, headers=headers),
        client.delete(path, headers=headers),
        client.delete(path, params={"permanent": "true"}, headers=headers),
    ):
        assert answer.status_code == 412
        assert answer.json()["code"] == "precondition_failed"
    assert client.get(path).json()["alt_text"] == "Somebody was faster"


def test_an_edit_of_what_was_read_is_made_and_says_what_it_is_now(
    client: TestClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/images/{image.id}"
    tag = client.get(path).headers["etag"]
    # The links are others by now; the picture is not.
    later = file_links._expiry() + file_links.LIFE_SECONDS // 2
    monkeypatch.setattr(file_links, "_expiry", lambda: later)
    edited = client.patch(path, json={"alt_text": "A dog"}, headers={"if-match": f'"x", {tag}'})
    assert edited.status_code == 200
    again = client.get(path)
    assert (edited.headers["etag"], edited.json()) == (again.headers["etag"], again.json())
    nothing = client.patch(path, json={}, headers={"if-match": edited.headers["etag"]})
    assert nothing.headers["etag"] == edited.headers["etag"]
    gone = client.delete(path, headers={"if-match": edited.headers["etag"]})
    assert gone.status_code == 204


@pytest.mark.parametrize(("field", "status"), [("*", 200), ("W/{}", 412), ("", 412), ('"x"', 412)])
def test_if_match_takes_strong_tags_only(
    client: TestClient, image: Image, field: str, status: int
) -> None:
    path = f"/api/images/{image.id}"
    given = field.replace("{}", client.get(path).headers["etag"])
    answer = client.patch(path, json={"alt_text": "A dog"}, headers={"if-match": given})
    assert answer.status_code == status


def test_somebody_elses_picture_and_a_missing_one_are_not_there_whatever_is_required(
    client_for: ClientFor, mallory: Person, image: Image
) -> None:
    for field in ("*", '"x"'):
        answer = client_for(mallory).patch(
            f"/api/images/{image.id}", json={"alt_text": "x"}, headers={"if-match": field}
        )
        assert answer.status_code == 404


def test_the_document_of_the_api_is_not_sent_again(client: TestClient) -> None:
    tag = client.get("/api/openapi.json").headers["etag"]
    assert ask_again(client, "/api/openapi.json", tag) == 304


def test_what_is_secret_or_changes_always_is_kept_nowhere(client: TestClient) -> None:
    for path in ("/api/tokens", "/api/account", "/api/account/sessions", "/api/health"):
        answer = client.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


def test_every_version_of_a_picture_has_a_tag_of_its_own(alice: Person, image: Image) -> None:
    seen = set()
    for number in range(20):
        images.edit_image(alice.user_id, image.id, ImageEdit(alt_text=f"{number}"))
        seen.add(images.read_image(alice.user_id, image.id).tag)
    assert len(seen) == 20
    assert entity_tags.tag_of_page([]) != entity_tags.tag_of_page([], 0)
