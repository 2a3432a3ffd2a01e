"""What a push carries: the changes, numbered, so that a page notices one that it missed."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from imgapp.models import new_id
from imgapp.services.library.image_query import ImageQuery
from imgapp.ui.gallery import live_window
from imgapp.ui.gallery.live_window import CardValues, ListChanges, Patches, patches_of, values_of
from imgapp.ui.shell.cards import Card


@pytest.fixture(autouse=True)
def _numbers_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_window, "_clock", lambda: 0)


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


ALL, CATS = ImageQuery(), ImageQuery(q="cat")


def push(patches: Patches, cards: list[CardValues], gone: list[str]) -> dict[str, Any]:
    return patches.push({ALL: ListChanges(cards, gone)})[ALL]


def ids(patch: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["id"] for one in patch["cards"]]


def test_a_patch_carries_what_changed_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_window, "_KEPT_SECONDS", 0)
    patches = Patches()
    first = push(patches, [card("a"), card("b")], ["c"])
    assert (first["since"], first["seq"], ids(first), first["gone"]) == (0, 1, ["a", "b"], ["c"])
    second = push(patches, [card("d")], [])
    assert (second["since"], second["seq"], ids(second), second["gone"]) == (1, 2, ["d"], [])


def test_pushes_that_follow_one_another_at_once_are_carried_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_window, "_KEPT_SECONDS", 60)
    patches = Patches()
    push(patches, [card("a", "old"), card("b")], [])
    patch = push(patches, [card("a", "new")], ["b"])
    assert (patch["since"], patch["seq"], patch["gone"]) == (0, 2, ["b"])
    assert [(one["id"], one["alt_text"]) for one in patch["cards"]] == [("a", "new")]


def test_what_is_kept_is_bounded_and_never_half_a_push(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_window, "_KEPT_SECONDS", 60)
    monkeypatch.setattr(live_window, "_KEPT_CHANGES", 3)
    patches = Patches()
    push(patches, [card("a"), card("b")], [])
    push(patches, [card("c"), card("d")], [])
    patch = push(patches, [card("e")], [])
    # Three changes would be all of the second push and half of the first.
    assert (patch["since"], ids(patch)) == (1, ["c", "d", "e"])


def test_all_lists_of_a_person_have_the_same_numbers_and_their_own_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_window, "_KEPT_SECONDS", 60)
    patches = Patches()
    push(patches, [card("a")], [])
    second = patches.push({ALL: ListChanges([card("b")], []), CATS: ListChanges([], ["b"])})
    assert (second[ALL]["seq"], ids(second[ALL]), second[ALL]["gone"]) == (2, ["a", "b"], [])
    assert (second[CATS]["seq"], ids(second[CATS]), second[CATS]["gone"]) == (2, [], ["b"])
    assert (second[ALL]["since"], second[CATS]["since"]) == (0, 1)
    third = patches.push({CATS: ListChanges([card("c")], [])})
    assert (third[CATS]["since"], ids(third[CATS]), third[CATS]["gone"]) == (1, ["c"], ["b"])
    assert set(patches.recent) == {CATS}, "nobody shows the other list any more"


def test_the_tabs_of_a_person_share_their_patches_while_one_is_there() -> None:
    alice, mallory = new_id(), new_id()
    patches = patches_of(alice)
    patches.leave_out()
    assert patches_of(alice) is patches
    assert patches_of(mallory) is not patches
    del patches
    gc.collect()
    assert patches_of(alice).seq == 0


def test_a_window_is_newer_than_the_pushes_before_it_and_no_push_is_missed_for_it() -> None:
    patches = Patches()
    assert patches.mark() == 0
    first = push(patches, [card("a")], [])
    assert patches.mark() == first["seq"]
    second = push(patches, [card("b")], [])
    assert second["since"] <= first["seq"] < second["seq"]


def test_what_is_left_out_is_missed_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_window, "_KEPT_SECONDS", 60)
    patches = Patches()
    push(patches, [card("a")], [])
    window = patches.mark()
    patches.leave_out()
    patch = push(patches, [], [])
    assert patch["since"] > window, "what is kept of before does not hide the gap"


def test_a_tab_that_goes_to_another_process_and_back_goes_on_with_larger_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter(range(1_000, 9_000, 1_000))
    monkeypatch.setattr(live_window, "_clock", lambda: next(times))
    here, there = Patches(), Patches()
    push(here, [card("a")], [])
    there.mark()
    last = push(there, [card("b")], [])
    window = here.mark()
    patch = push(here, [card("c")], [])
    assert last["seq"] < window < patch["seq"]
    assert patch["since"] <= window
