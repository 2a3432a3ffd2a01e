"""`POST /api/images/archive`: originals of one's own pictures as a ZIP, whatever is missing."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgapp.adapters import storage
from imgapp.models import ImageEdit, new_id
from imgapp.services.library import images

ROUTE = "/api/images/archive"


@pytest.fixture
def upload(client_for: Callable[..., Any], picture_file: Callable[..., Path]) -> Callable[..., Any]:
    def run(person: Any, name: str) -> tuple[str, bytes]:
        data = picture_file(name).read_bytes()
        answer = client_for(person).post("/api/upload", files={"files": (name, data)})
        return answer.json()["images"][0]["id"], data

    return run


def opened(answer: Any) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def test_originals_come_as_they_were_sent_with_their_texts(client_for, alice, upload) -> None:
    (first, one), (second, two) = upload(alice, "boat.jpg"), upload(alice, "Boat.jpg")
    edit = ImageEdit(alt_text="＝1+1", tags=["sea", "dog"], description='A "boat", far')
    images.edit_image(alice.user_id, first, edit)
    answer = client_for(alice).post(ROUTE, data={"images": [first, second, first]})
    archive = opened(answer)
    assert sorted(archive.namelist()) == ["Boat.jpg", "boat (2).jpg", "descriptions.csv"]
    assert {archive.read(name) for name in ("Boat.jpg", "boat (2).jpg")} == {one, two}
    table = csv.DictReader(io.StringIO(archive.read("descriptions.csv").decode("utf-8-sig")))
    rows = {row["file"]: row for row in table}
    said = rows["boat (2).jpg"]
    assert (said["alt_text"], said["tags"]) == ("'＝1+1", "sea; dog")
    assert said["description"] == 'A "boat", far'
    assert answer.headers["content-disposition"].startswith('attachment; filename="pictures ')


def test_names_keep_their_script_and_stand_in_the_table(client_for, alice, upload) -> None:
    names = ["写真 2023.jpg", "Łódź.jpg", "Гора.jpg", "CON.jpg", "гора.jpg"]
    ids = [upload(alice, name)[0] for name in names]
    archive = opened(client_for(alice).post(ROUTE, data={"images": ids}))
    there = {"写真 2023.jpg", "Łódź.jpg", "Гора (2).jpg", "гора.jpg", "CON_.jpg"}
    assert set(archive.namelist()) == {*there, "descriptions.csv"}
    table = csv.DictReader(io.StringIO(archive.read("descriptions.csv").decode("utf-8-sig")))
    assert {row["file"]: row["filename"] for row in table} == {
        name: name.replace("CON_", "CON").replace(" (2)", "") for name in there
    }


def test_a_file_that_is_gone_is_named_and_the_others_come(client_for, alice, upload) -> None:
    (gone, _), (there, data) = upload(alice, "gone.jpg"), upload(alice, "there.jpg")
    key = f"users/{alice.user_id}/images/{gone}/"
    storage.get_store().delete_prefix(key)
    archive = opened(client_for(alice).post(ROUTE, data={"images": [gone, there]}))
    assert archive.read("there.jpg") == data
    assert b"gone.jpg" in archive.read("errors.txt")


def test_all_that_match_but_some_come_by_json_and_by_form(client_for, alice, upload) -> None:
    ids = [upload(alice, f"{name}.jpg")[0] for name in ("one", "two", "three")]
    for image_id in ids[:2]:
        images.edit_image(alice.user_id, image_id, ImageEdit(tags=["sea"]))
    client = client_for(alice)
    for asked in (
        {"json": {"filter": {"tags": ["sea"]}, "except": [ids[0]]}},
        {"json": {"images": [ids[1]]}},
        {"data": {"query": "tag=sea", "except": [ids[0]]}},
    ):
        archive = opened(client.post(ROUTE, **asked))
        assert sorted(archive.namelist()) == ["descriptions.csv", "two.jpg"]
    everything = opened(client.post(ROUTE, data={"query": ""}))
    assert len(everything.namelist()) == 4
    for unclear in (
        {},
        {"filter": {"tag": "sea"}},
        {"filter": {}, "images": ids},
        {"images": ["x"]},
    ):
        assert client.post(ROUTE, json=unclear).status_code == 422
    assert (
        client.post(ROUTE, content=b"x", headers={"content-type": "text/plain"}).status_code == 415
    )


def test_mallory_gets_nothing_of_alice(client_for, alice, mallory, upload) -> None:
    theirs, _ = upload(alice, "secret.jpg")
    own, _ = upload(mallory, "own.jpg")
    client = client_for(mallory)
    archive = opened(client.post(ROUTE, data={"images": [theirs, own, str(new_id())]}))
    assert sorted(archive.namelist()) == ["descriptions.csv", "own.jpg"]
    assert b"secret" not in archive.read("descriptions.csv")
    for ids in ([theirs], [str(new_id())], ["nonsense"], []):
        answer = client.post(ROUTE, data={"images": ids})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    everything = opened(client.post(ROUTE, json={"filter": {}}))
    assert sorted(everything.namelist()) == ["descriptions.csv", "own.jpg"]
    assert client.post(ROUTE, json={"filter": {"q": "secret"}}).status_code == 404
    assert client_for(None).post(ROUTE, data={"images": [theirs]}).status_code == 401


def test_other_sites_cannot_ask_for_it(client_for, alice, upload) -> None:
    image_id, _ = upload(alice, "boat.jpg")
    client = client_for(alice)
    evil = client.post(
        ROUTE, data={"images": [image_id]}, headers={"Origin": "https://evil.example"}
    )
    assert evil.status_code == 403


def test_the_trash_is_no_part_of_it_and_there_is_a_limit(client_for, alice, upload) -> None:
    image_id, _ = upload(alice, "boat.jpg")
    client = client_for(alice)
    too_many = client.post(ROUTE, data={"images": [str(new_id()) for _ in range(5001)]})
    assert too_many.status_code == 400
    images.delete_image(alice.user_id, image_id)
    assert client.post(ROUTE, data={"images": [image_id]}).status_code == 404
