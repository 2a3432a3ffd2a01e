from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from imgapp.errors import InvalidRequest
from imgapp.models import new_id
from imgapp.services.common.pagination import Place, read_cursor, write_cursor
from imgapp.settings import get_settings

PLACE = Place(datetime(2026, 7, 1, 12, 30, 59, 123457, UTC), new_id())


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IMGAPP_SECRET_KEY", "s" * 32)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_a_cursor_comes_back_to_the_microsecond() -> None:
    assert read_cursor(write_cursor(PLACE, "alice", "dogs"), "alice", "dogs") == PLACE


@pytest.mark.parametrize("key", ["", "A", "IMG 1 — Ünï.jpg", "日本" * 60])
def test_a_key_of_any_length_comes_back(key: str) -> None:
    place = Place(PLACE.at, PLACE.id, key)
    assert read_cursor(write_cursor(place, "alice"), "alice") == place


def test_a_time_before_1970_is_a_place_too() -> None:
    place = Place(datetime(1931, 5, 5, 0, 0, 0, 1, UTC), new_id())
    assert read_cursor(write_cursor(place, 1), 1) == place


@pytest.mark.parametrize(
    "scope", [("mallory", "dogs"), ("alice", "cats"), ("alice", None), ("alice", "dogs", ""), ()]
)
def test_a_cursor_is_good_for_its_own_list_only(scope: tuple[object, ...]) -> None:
    cursor = write_cursor(PLACE, "alice", "dogs")
    with pytest.raises(InvalidRequest) as refused:
        read_cursor(cursor, *scope)
    assert refused.value.code == "invalid_cursor"


def test_no_bit_of_a_cursor_can_be_changed() -> None:
    raw = base64.urlsafe_b64decode(write_cursor(PLACE, "alice") + "==")
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidRequest):
            read_cursor(base64.urlsafe_b64encode(changed).decode(), "alice")


@pytest.mark.parametrize("cursor", ["", "x", "ÄÖÜ", "=" * 50, "A" * 54, "A" * 10_000, "a\x00b"])
def test_what_is_not_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        read_cursor(cursor, "alice")


def test_a_cursor_of_another_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = write_cursor(PLACE, "alice")
    monkeypatch.setenv("IMGAPP_SECRET_KEY", "t" * 32)
    get_settings.cache_clear()
    with pytest.raises(InvalidRequest):
        read_cursor(cursor, "alice")
