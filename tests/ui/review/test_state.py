"""What Review says, and whom it tells of changes."""

from __future__ import annotations

from typing import Any

import pytest

from imgapp.models import new_id
from imgapp.services.texts.review import Agreement
from imgapp.ui.gallery import live_bridge
from imgapp.ui.gallery.live_bridge import Bridge
from imgapp.ui.review.state import ReviewState, agreement_words, choices, reviewing


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, 0), "No second person has looked at a text in this language yet."),
        ((1, 1, 0), "Of 1 text that a second person looked at, 1 (100 %) were approved unchanged."),
        (
            (1200, 1110, 3),
            "Of 1,200 texts that a second person looked at, 1,110 (92 %) were approved unchanged."
            " 3 wait for a second person.",
        ),
    ],
)
def test_agreement_is_a_sentence(counts: tuple[int, int, int], words: str) -> None:
    looked_at, agreed, waiting = counts
    said = Agreement(looked_at=looked_at, agreed=agreed, waiting=waiting)
    assert agreement_words(said) == words


def test_the_languages_that_pictures_are_owed_come_first() -> None:
    found = choices(["de", "rm", "de"])
    assert [(one.tag, one.owed) for one in found[:3]] == [
        ("de", True),
        ("rm", True),
        ("af", False),
    ]
    assert len({one.tag for one in found}) == len(found)
    assert found[0].name == "German · Deutsch"


async def test_tabs_that_review_are_told_which_pictures_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[list[str], Any, dict[str, Any]]] = []

    async def set_in_pages(_: object, tokens: list[str], state: Any, **values: Any) -> None:
        told.append((tokens, state, values))

    monkeypatch.setattr(live_bridge, "set_in_pages", set_in_pages)
    bridge, image_id = Bridge(None), new_id()  # type: ignore[arg-type]
    reviewing.add("reviews")
    try:
        await bridge._tell_reviewers(["reviews", "looks"], [image_id])
        await bridge._tell_reviewers(["reviews"], [])
    finally:
        reviewing.discard("reviews")
    [(tokens, state, first), (_, _, second)] = told
    assert (tokens, state, first["news"]["ids"]) == (["reviews"], ReviewState, [str(image_id)])
    assert second["news"]["ids"] == []
    assert second["news"]["seq"] > first["news"]["seq"]
