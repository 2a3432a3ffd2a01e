from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

import pytest

from imgapp.errors import InvalidRequest
from imgapp.models import new_id
from imgapp.services.common.pagination import (
    AmountPlace,
    IdPlace,
    KeyPlace,
    NumberPlace,
    OffsetPlace,
    Place,
    TextPlace,
    cut_page,
    read_cursor,
    write_cursor,
)
from imgapp.settings import get_settings

PLACE = Place(datetime(2026, 7, 1, 12, 30, 59, 123457, UTC), new_id())


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("IMGAPP_SECRET_KEY", "s" * 32)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


PLACES = [
    PLACE,
    Place(datetime(1931, 5, 5, 0, 0, 0, 1, UTC), new_id()),
    IdPlace(new_id()),
    NumberPlace(2**31 - 2),
    OffsetPlace(0),
    OffsetPlace(10**12),
    TextPlace("ünï@example.org"),
    AmountPlace(Decimal("0.000000001"), new_id()),
    AmountPlace(Decimal("12345678901234567890.123456789"), new_id()),
    *(KeyPlace(key, new_id()) for key in ("", "A", "IMG 1 — Ünï.jpg", "日本" * 60)),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: type(place).__name__)
def test_every_kind_of_place_comes_back_as_it_was(place: NamedTuple) -> None:
    found = read_cursor(type(place), write_cursor(place, "alice", "dogs"), "alice", "dogs")
    assert found == place
    assert [type(value) for value in found] == [type(value) for value in place]


def test_a_place_of_one_kind_is_none_of_another() -> None:
    for kind in (KeyPlace, NumberPlace, OffsetPlace):
        others = [place for place in PLACES if not isinstance(place, kind)]
        for place in others:
            with pytest.raises(InvalidRequest):
                read_cursor(kind, write_cursor(place, "alice"), "alice")


def test_there_is_a_next_page_only_if_there_are_more_rows() -> None:
    page, cursor = cut_page([5, 4, 3], 2, NumberPlace, "alice")
    assert page == [5, 4]
    assert cursor is not None
    assert read_cursor(NumberPlace, cursor, "alice") == (4,)
    assert cut_page([5, 4], 2, NumberPlace, "alice") == ([5, 4], None)
    assert cut_page([], 2, NumberPlace, "alice") == ([], None)


@pytest.mark.parametrize(
    "scope", [("mallory", "dogs"), ("alice", "cats"), ("alice", None), ("alice", "dogs", ""), ()]
)
def test_a_cursor_is_good_for_its_own_list_only(scope: tuple[object, ...]) -> None:
    cursor = write_cursor(PLACE, "alice", "dogs")
    with pytest.raises(InvalidRequest) as refused:
        read_cursor(Place, cursor, *scope)
    assert refused.value.code == "invalid_cursor"


def test_no_bit_of_a_cursor_can_be_changed() -> None:
    raw = base64.urlsafe_b64decode(write_cursor(PLACE, "alice") + "===")
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidRequest):
            read_cursor(Place, base64.urlsafe_b64encode(changed).decode(), "alice")


@pytest.mark.parametrize("cursor", ["", "x", "ÄÖÜ", "=" * 50, "A" * 54, "A" * 10_000, "a\x00b"])
def test_what_is_not_a_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest):
        read_cursor(Place, cursor, "alice")


def test_a_cursor_of_another_secret_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = write_cursor(PLACE, "alice")
    monkeypatch.setenv("IMGAPP_SECRET_KEY", "t" * 32)
    get_settings.cache_clear()
    with pytest.raises(InvalidRequest):
        read_cursor(Place, cursor, "alice")
