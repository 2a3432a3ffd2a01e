from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from imgapp.errors import DatabaseUnavailable
from imgapp.services.accounts import sessions
from imgapp.services.library import card_rows, images
from imgapp.settings import get_settings
from imgapp.ui.gallery.first_window import SKELETON, FirstWindow, with_cards
from imgapp.ui.shell.cards import Card
from tests.conftest import Person

SCRIPT = '<link rel="modulepreload" href="/assets/client-1.js"/>'
LAYOUT = '<link rel="modulepreload" href="/assets/layout-1.js"/>'
START = '<script type="module" async="">import "/assets/client-1.js";</script>'
PAGE = f"<html><head>{SCRIPT}{LAYOUT}</head><body>{SKELETON}{START}</body></html>"


@pytest.fixture
def client_of(tmp_path: Path) -> Callable[[Person | None], TestClient]:
    page = tmp_path / "index.html"
    page.write_text(PAGE)

    def client(person: Person | None) -> TestClient:
        client = TestClient(FirstWindow(HTMLResponse("behind it"), page))
        if person is not None:
            signed_in = sessions.sign_in(person.email, person.password, user_agent="", address="")
            client.cookies.set(get_settings().session_cookie, signed_in.cookie)
        return client

    return client


def test_the_page_comes_with_the_pictures_of_its_reader_and_of_nobody_else(
    alice: Person,
    mallory: Person,
    add_image: Callable[..., UUID],
    client_of: Callable[[Person | None], TestClient],
) -> None:
    hers, theirs = add_image(alice), add_image(mallory)

    answer = client_of(alice).get("/")

    assert f'data-image-id="{hers}" data-status="pending"' in answer.text
    thumbnail = images.get_image(alice.user_id, hers).urls.thumbnail
    assert thumbnail.replace("&", "&amp;") in answer.text
    assert str(theirs) not in answer.text
    assert SKELETON not in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_without_a_session_elsewhere_and_in_a_search_no_picture_is_sent(
    alice: Person,
    mallory: Person,
    add_image: Callable[..., UUID],
    client_of: Callable[[Person | None], TestClient],
) -> None:
    add_image(alice)

    assert client_of(None).get("/").text == "behind it"
    assert client_of(alice).get("/account").text == "behind it"
    assert client_of(alice).post("/").text == "behind it"
    assert client_of(alice).get("/?q=boat").text == PAGE
    assert client_of(mallory).get("/").text == PAGE


def test_the_page_is_served_when_the_database_is_away(
    alice: Person,
    add_image: Callable[..., UUID],
    client_of: Callable[[Person | None], TestClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(*_: Any) -> None:
        raise DatabaseUnavailable

    add_image(alice)
    client = client_of(alice)
    monkeypatch.setattr(card_rows, "read_first", away)
    assert client.get("/").text == PAGE


def test_the_answer_is_compressed_for_whoever_takes_that(
    alice: Person, client_of: Callable[[Person | None], TestClient]
) -> None:
    client = client_of(alice)
    assert "content-encoding" not in client.get("/", headers={"Accept-Encoding": "br"}).headers
    with client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())).decode() == PAGE


def test_what_makes_the_page_live_comes_after_the_pictures() -> None:
    card = Card("1", "a.jpg", "pending", "/a", 3, 2, "2026-11-30T12:00:00Z")
    page = with_cards(PAGE, [card])
    assert '<link rel="later" href="/assets/client-1.js"/>' in page
    assert '<script type="later">import "/assets/client-1.js";</script>' in page
    assert LAYOUT in page, "the pictures are placed with it"
    assert with_cards(PAGE, []) == PAGE, "nothing to wait for"


def test_a_decorative_picture_is_opened_by_its_file_name() -> None:
    card = Card(
        id="1",
        filename="a & b.jpg",
        status="completed",
        thumb="/a",
        width=3,
        height=2,
        uploaded_at="2026-11-30T12:00:00Z",
        decorative=True,
    )
    page = with_cards(PAGE, [card])
    assert 'alt=""' in page
    assert '<span class="sr-only">a &amp; b.jpg</span></a>' in page


def test_what_a_picture_is_called_stays_text() -> None:
    hostile = '"><script>alert(1)</script>&'
    card = Card(
        id="1",
        filename=hostile,
        status="completed",
        thumb=f"/a?x={hostile}",
        width=3,
        height=2,
        uploaded_at=hostile,
        alt_text=hostile,
        language=hostile,
        placeholder=hostile,
    )
    page = with_cards(PAGE, [card])
    assert "<script>" not in page
    assert page.count("alert(1)") == 5
