from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from imgapp.errors import DatabaseUnavailable
from imgapp.services.accounts import sessions
from imgapp.services.library import images, listing
from imgapp.settings import get_settings
from imgapp.ui.shell.preload_links import MOST_BYTES, PreloadLinks, preload_link
from tests.conftest import Person


def client_of(person: Person | None) -> TestClient:
    client = TestClient(PreloadLinks(HTMLResponse("<html>")))
    if person is not None:
        signed_in = sessions.sign_in(person.email, person.password, user_agent="", address="")
        client.cookies.set(get_settings().session_cookie, signed_in.cookie)
    return client


def test_the_page_names_the_newest_pictures_of_its_reader_and_of_nobody_else(
    alice: Person, mallory: Person, add_image: Callable[..., UUID]
) -> None:
    hers = add_image(alice)
    theirs = add_image(mallory)
    answer = client_of(alice).get("/")
    url = images.get_image(alice.user_id, hers).urls.thumbnail
    assert answer.headers["link"].startswith(f"<{url}>;rel=preload;as=image")
    assert str(theirs) not in answer.headers["link"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.text == "<html>"


def test_without_a_session_without_pictures_and_elsewhere_nothing_is_named(
    alice: Person, mallory: Person, add_image: Callable[..., UUID]
) -> None:
    add_image(alice)
    assert "link" not in client_of(None).get("/").headers
    assert "link" not in client_of(mallory).get("/").headers
    assert "link" not in client_of(alice).get("/assets/app.js").headers


def test_the_page_is_served_when_the_database_is_away(
    alice: Person, add_image: Callable[..., UUID], monkeypatch: Any
) -> None:
    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable

    add_image(alice)
    client = client_of(alice)
    monkeypatch.setattr(listing, "list_images", away)
    answer = client.get("/")
    assert answer.status_code == 200
    assert "link" not in answer.headers


def test_the_header_stays_small_enough_for_proxies() -> None:
    link = preload_link(f"/api/files/{n}?{'x' * 600}" for n in range(12))
    assert link.count("rel=preload") == 3
    assert len(link) <= MOST_BYTES
    assert preload_link([]) == ""
