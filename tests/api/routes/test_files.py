"""Files are reached by signed links alone, and are never shown as a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from imgapp.models import new_id
from imgapp.services.library import images
from tests.conftest import Person

Client = Callable[..., TestClient]


@pytest.fixture
def uploaded(
    alice: Person, client_for: Client, picture_file: Callable[..., Path]
) -> dict[str, Any]:
    path = picture_file('My "photo" ü.jpg')
    answer = client_for(alice).post("/api/upload", files={"files": (path.name, path.read_bytes())})
    image: dict[str, Any] = answer.json()["images"][0]
    return image


@pytest.mark.parametrize("variant", ["thumbnail", "preview", "original"])
def test_the_owner_is_sent_to_a_link_that_ends_with_its_signature(
    alice: Person, client_for: Client, uploaded: dict[str, Any], variant: str
) -> None:
    answer = client_for(alice).get(f"/api/images/{uploaded['id']}/file?variant={variant}")
    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "no-store"
    location = answer.headers["location"]
    assert location == uploaded["urls"][variant]
    assert location.split("&")[-1].startswith("signature=")
    assert client_for(None).get(location).status_code == 200


def test_others_and_nobody_get_no_link(
    alice: Person, mallory: Person, client_for: Client, uploaded: dict[str, Any]
) -> None:
    address = f"/api/images/{uploaded['id']}/file"
    assert client_for(None).get(address).status_code == 401
    foreign = client_for(mallory).get(address)
    missing = client_for(mallory).get(f"/api/images/{new_id()}/file")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert {**foreign.json(), "instance": ""} == {**missing.json(), "instance": ""}
    assert client_for(alice).get(f"{address}?variant=raw").status_code == 422


def test_a_rendition_is_served_inline_and_cached(
    client_for: Client, uploaded: dict[str, Any]
) -> None:
    answer = client_for(None).get(uploaded["urls"]["thumbnail"])
    headers = answer.headers
    assert headers["content-type"] == "image/webp"
    assert headers["content-disposition"].startswith("inline;")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    directives = headers["cache-control"].split(", ")
    assert directives[0] == "private"
    assert directives[2] == "immutable"
    assert 1799 <= int(directives[1].removeprefix("max-age=")) <= 3600


def test_an_original_is_saved_under_its_name(client_for: Client, uploaded: dict[str, Any]) -> None:
    headers = client_for(None).get(uploaded["urls"]["original"]).headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["content-disposition"] == (
        "attachment; filename*=UTF-8''My%20%22photo%22%20%C3%BC.jpg"
    )
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_ranges_heads_and_validators_work(client_for: Client, uploaded: dict[str, Any]) -> None:
    client, url = client_for(None), uploaded["urls"]["original"]
    whole = client.get(url)
    part = client.get(url, headers={"range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, whole.content[2:6])
    head = client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    for known in ("{}", "W/{}", '"other", {}', "*"):
        given = known.replace("{}", whole.headers["etag"])
        unchanged = client.get(url, headers={"if-none-match": given})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    other = client.get(
        uploaded["urls"]["preview"], headers={"if-none-match": whole.headers["etag"]}
    )
    assert other.status_code == 200


def test_a_link_that_was_changed_is_refused(client_for: Client, uploaded: dict[str, Any]) -> None:
    client, url = client_for(None), uploaded["urls"]["thumbnail"]
    for changed in (
        url.replace("/thumbnail?", "/original?"),
        url.replace("/thumbnail?", "/preview?"),
        url.replace("expires=", "expires=9"),
        url[:-1],
        url.replace(uploaded["id"], str(new_id())),
    ):
        answer = client.get(changed)
        assert answer.status_code == 403, changed
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda url: url.partition("?")[0], 422),
        (lambda url: url.replace("/thumbnail?", "/raw?"), 404),
        (lambda url: url.replace("/thumbnail?", "/_thumbnail.webp?"), 404),
        (lambda url: url.replace("/api/files/", "/api/files/x"), 404),
        (lambda url: url.replace("expires=", "expires=x"), 422),
    ],
)
def test_a_link_that_makes_no_sense_is_refused(
    client_for: Client, uploaded: dict[str, Any], change: Callable[[str], str], status: int
) -> None:
    assert client_for(None).get(change(uploaded["urls"]["thumbnail"])).status_code == status


def test_renditions_are_served_without_the_database(
    client_for: Client, uploaded: dict[str, Any], set_env: Callable[..., None]
) -> None:
    client = client_for(None)
    set_env(DATABASE_URL="postgresql://nobody@127.0.0.1:9/nothing")
    assert client.get(uploaded["urls"]["thumbnail"]).status_code == 200
    assert client.get(uploaded["urls"]["original"]).status_code == 503


def test_the_files_of_a_removed_picture_are_gone(
    alice: Person, client_for: Client, uploaded: dict[str, Any]
) -> None:
    images.delete_image(alice.user_id, uploaded["id"], permanent=True)
    for url in uploaded["urls"].values():
        assert client_for(None).get(url).status_code == 404
