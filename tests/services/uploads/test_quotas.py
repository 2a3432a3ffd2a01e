from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from imgapp.adapters.storage import RENDITIONS
from imgapp.errors import QuotaExceeded
from imgapp.services.library import images
from imgapp.services.uploads.ingest import ingest
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.spooling import spool_file

FILES = 1 + len(RENDITIONS)
"""In the store, of each picture."""

Picture = Callable[..., Path]


@pytest.fixture
def set_quota(administrator: sa.Engine) -> Callable[..., None]:
    """`set_quota(alice, quota_images=2)`: what an administrator grants this person."""

    def change(person: Person, **columns: Any) -> None:
        with administrator.begin() as connection:
            for name, value in columns.items():
                statement = sa.text(f"UPDATE users SET {name} = :value WHERE id = :id")
                connection.execute(statement, {"value": value, "id": person.user_id})

    return change


def take_in(person: Person, path: Path) -> UUID:
    return ingest(person.user_id, spool_file(path), "page").image_id


def files_stored() -> list[Path]:
    settings = get_settings()
    folders = (settings.pictures_dir, settings.spool_dir)
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_a_person_stores_as_many_pictures_as_they_may(
    alice: Person, mallory: Person, picture_file: Picture, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="2")
    for number in range(2):
        take_in(alice, picture_file(f"{number}.png"))
    before = files_stored()
    with pytest.raises(QuotaExceeded, match="as many pictures as you may have"):
        take_in(alice, picture_file("3.png"))
    assert images.count_images(alice.user_id) == 2
    assert files_stored() == before
    take_in(mallory, picture_file("hers.png"))


def test_a_person_stores_as_many_bytes_as_they_may(
    alice: Person, picture_file: Picture, set_quota: Callable[..., None]
) -> None:
    first, second = picture_file("1.png"), picture_file("2.png")
    set_quota(alice, quota_bytes=first.stat().st_size + second.stat().st_size - 1)
    take_in(alice, first)
    with pytest.raises(QuotaExceeded, match="no room for this picture"):
        take_in(alice, second)
    set_quota(alice, quota_bytes=first.stat().st_size + second.stat().st_size)
    take_in(alice, second)


def test_what_is_granted_to_a_person_goes_before_what_all_may_have(
    alice: Person,
    picture_file: Picture,
    set_env: Callable[..., None],
    set_quota: Callable[..., None],
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="1", IMGAPP_QUOTA_GB="0.000001")
    set_quota(alice, quota_images=2, quota_bytes=10_000_000)
    for number in range(2):
        take_in(alice, picture_file(f"{number}.png"))
    with pytest.raises(QuotaExceeded):
        take_in(alice, picture_file("3.png"))


def test_the_trash_counts_and_what_is_removed_does_not(
    alice: Person, picture_file: Picture, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="1")
    first, second = picture_file("1.png"), picture_file("2.png")
    image_id = take_in(alice, first)
    images.delete_image(alice.user_id, image_id)
    with pytest.raises(QuotaExceeded):
        take_in(alice, second)
    assert take_in(alice, first) == image_id, "a picture that is there takes no more room"
    images.delete_image(alice.user_id, image_id, permanent=True)
    take_in(alice, second)


def test_of_many_at_once_only_those_go_in_that_fit(
    alice: Person, picture_file: Picture, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="3")
    paths = [picture_file(f"{number}.png") for number in range(8)]

    def attempt(path: Path) -> bool:
        try:
            take_in(alice, path)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, paths)) == 3
    assert images.count_images(alice.user_id) == 3
    assert len(files_stored()) == 3 * FILES


def test_an_upload_without_room_is_answered_with_507_and_the_reason(
    alice: Person,
    picture_file: Picture,
    set_env: Callable[..., None],
    client_for: Callable[..., TestClient],
) -> None:
    set_env(IMGAPP_QUOTA_IMAGES="1")
    client = client_for(alice)
    both = [("files", (name, picture_file(name).read_bytes())) for name in ("1.png", "2.png")]
    some = client.post("/api/upload", files=both)
    assert some.status_code == 202
    assert [one["code"] for one in some.json()["rejected"]] == ["quota_exceeded"]
    third = {"files": ("3.png", picture_file("3.png").read_bytes())}
    none = client.post("/api/upload", files=third, headers={"idempotency-key": "once"})
    again = client.post("/api/upload", files=third, headers={"idempotency-key": "once"})
    for answer in (none, again):
        assert answer.status_code == 507
        problem = answer.json()
        assert problem["code"] == "quota_exceeded"
        assert problem["detail"].startswith("You have as many pictures as you may have (1,")
        assert problem["images"] == []
        assert problem["rejected"][0]["code"] == "quota_exceeded"
