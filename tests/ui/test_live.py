"""What a push carries: the changes, numbered, so that a page notices one that it missed."""

from __future__ import annotations

import time

import pytest

from imgapp.ui import live
from imgapp.ui.cards import Card
from imgapp.ui.live import CardValues, Patches, values_of


def card(image_id: str, alt_text: str = "") -> CardValues:
    return values_of(_card(image_id, alt_text))


def _card(image_id: str, alt_text: str) -> Card:
    return Card(
        id=image_id,
        filename="a.jpg",
        status="completed",
        thumb="/t",
        width=1,
        height=1,
        uploaded_at="2026-01-01T00:00:00.000000+00:00",
        alt_text=alt_text,
    )


def ids(patch: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["id"] for one in patch["cards"]]


def test_a_patch_carries_what_changed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_KEPT_SECONDS", 0)
    patches = Patches(seq=0)
    first = patches.push([card("a"), card("b")], ["c"])
    assert (first["since"], first["seq"], ids(first), first["gone"]) == (0, 1, ["a", "b"], ["c"])
    second = patches.push([card("d")], [])
    assert (second["since"], second["seq"], ids(second), second["gone"]) == (1, 2, ["d"], [])


def test_pushes_that_follow_one_another_at_once_are_carried_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_KEPT_SECONDS", 60)
    patches = Patches(seq=0)
    patches.push([card("a", "old"), card("b")], [])
    patch = patches.push([card("a", "new")], ["b"])
    assert (patch["since"], patch["seq"], patch["gone"]) == (0, 2, ["b"])
    assert [(one["id"], one["alt_text"]) for one in patch["cards"]] == [("a", "new")]


def test_what_is_kept_is_bounded_and_never_half_a_push(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_KEPT_SECONDS", 60)
    monkeypatch.setattr(live, "_KEPT_CHANGES", 3)
    patches = Patches(seq=0)
    patches.push([card("a"), card("b")], [])
    patches.push([card("c"), card("d")], [])
    patch = patches.push([card("e")], [])
    # Three changes would be all of the second push and half of the first.
    assert (patch["since"], ids(patch)) == (1, ["c", "d", "e"])


def test_a_process_that_takes_a_tab_over_counts_on_from_later() -> None:
    before = Patches()
    before.push([card("a")], [])
    time.sleep(0.005)
    assert Patches().seq > before.seq
