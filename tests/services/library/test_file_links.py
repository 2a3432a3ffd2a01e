"""Links to files are signed, expire, and stay the same for half their life."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from imgapp.adapters import db
from imgapp.errors import Forbidden, NotFound
from imgapp.models import Image, new_id
from imgapp.services.library import file_links, images
from imgapp.services.library.file_links import open_link, signed_urls, variant_url
from imgapp.services.uploads.ingest import ingest
from tests.conftest import Person
from tests.support.spooling import spool_file


@pytest.fixture
def image(alice: Person, picture_file: Callable[..., Path]) -> Image:
    result = ingest(alice.user_id, spool_file(picture_file("My photo.jpg")), "page")
    with db.transaction(alice.user_id) as session:
        return session.get_one(Image, result.image_id)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def set_time(seconds: float) -> None:
        monkeypatch.setattr(file_links.time, "time", lambda: seconds)

    set_time(1_800_000_000)
    return set_time


def parts(url: str) -> tuple[int, str]:
    query = parse_qs(urlsplit(url).query)
    return int(query["expires"][0]), query["signature"][0]


def test_links_open_their_files(image: Image) -> None:
    urls = signed_urls(image)
    for variant, content_type, disposition, filename in (
        ("thumbnail", "image/webp", "inline", "thumbnail.webp"),
        ("preview", "image/webp", "inline", "preview.webp"),
        ("original", "image/jpeg", "attachment", "My photo.jpg"),
    ):
        url = getattr(urls, variant)
        assert urlsplit(url).path == f"/api/files/{image.user_id}/{image.id}/{variant}"
        answer = open_link(image.user_id, image.id, variant, *parts(url))  # type: ignore[arg-type]
        assert isinstance(answer.content, Path)
        assert answer.content.is_file()
        assert answer.content_type == content_type
        assert (answer.disposition, answer.filename) == (disposition, filename)


def test_a_link_stays_the_same_for_half_its_life(
    image: Image, clock: Callable[[float], None]
) -> None:
    first = signed_urls(image).preview
    clock(1_800_000_000 + 1799)
    assert signed_urls(image).preview == first
    clock(1_800_000_000 + 1800)
    assert signed_urls(image).preview != first


def test_a_link_lives_for_half_an_hour_at_least_and_an_hour_at_most(
    image: Image, clock: Callable[[float], None]
) -> None:
    clock(1_800_000_000 + 1799)
    expires, signature = parts(signed_urls(image).preview)
    clock(expires - 1)
    assert open_link(image.user_id, image.id, "preview", expires, signature).seconds == 1
    clock(expires)
    with pytest.raises(Forbidden, match="expired"):
        open_link(image.user_id, image.id, "preview", expires, signature)
    assert 1800 <= expires - 1_800_001_799 <= 3600


def test_a_link_that_was_tampered_with_is_refused(image: Image, mallory: Person) -> None:
    expires, signature = parts(signed_urls(image).preview)
    attempts = [
        (image.user_id, image.id, "original", expires, signature),
        (image.user_id, image.id, "thumbnail", expires, signature),
        (image.user_id, image.id, "preview", expires + 1, signature),
        (image.user_id, new_id(), "preview", expires, signature),
        (mallory.user_id, image.id, "preview", expires, signature),
        (image.user_id, image.id, "preview", expires, signature[:-1]),
        (image.user_id, image.id, "preview", expires, "é"),
        (image.user_id, image.id, "preview", expires, ""),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden, match="not valid"):
            open_link(*attempt)  # type: ignore[arg-type]


def test_another_secret_makes_other_links(image: Image, set_env: Callable[..., None]) -> None:
    expires, signature = parts(signed_urls(image).preview)
    set_env(IMGAPP_SECRET_KEY="another secret for tests, and for nothing else")
    with pytest.raises(Forbidden):
        open_link(image.user_id, image.id, "preview", expires, signature)


def test_the_original_of_a_deleted_picture_is_gone(image: Image) -> None:
    expires, signature = parts(signed_urls(image).original)
    images.delete_image(image.user_id, image.id)
    with pytest.raises(NotFound):
        open_link(image.user_id, image.id, "original", expires, signature)
    with pytest.raises(NotFound):
        variant_url(image.user_id, image.id, "preview")
    expires, signature = parts(signed_urls(image).preview)
    images.delete_image(image.user_id, image.id, permanent=True)
    with pytest.raises(NotFound):
        open_link(image.user_id, image.id, "preview", expires, signature)


def test_only_the_owner_gets_a_link(image: Image, alice: Person, mallory: Person) -> None:
    assert variant_url(alice.user_id, image.id, "preview") == signed_urls(image).preview
    with pytest.raises(NotFound):
        variant_url(mallory.user_id, image.id, "preview")
    with pytest.raises(NotFound):
        variant_url(alice.user_id, new_id(), "preview")
