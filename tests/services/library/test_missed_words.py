from __future__ import annotations

import pytest

from imgapp.services.library.missed_words import added, missed


@pytest.mark.parametrize(
    ("read", "texts", "hints"),
    [
        (["Harbour Street 12"], [None, ""], ["Harbour Street 12"]),
        (["HARBOUR STREET 12"], ["A sign: “Harbour Street, 12”."], []),
        (["Café de l’Été"], ["cafe de l'ete"], []),
        (["OPENING", "HOURS", "9-17"], ["Opening hours 9–17", None], []),
        (["東京タワー", "こんにちは"], ["東京タワーの前"], ["こんにちは"]),
        (["Seven blcycles for sale"], ["Seven bicycles for sale"], []),
        (["Seven houses for rent"], ["Seven bicycles on a wall"], ["Seven houses for rent"]),
        (["Exit", "Exit"], ["A door"], ["Exit"]),
        (["…"], [], []),
        ([], ["A door"], []),
    ],
)
def test_lines_that_no_text_has_are_hints(
    read: list[str], texts: list[str | None], hints: list[str]
) -> None:
    assert missed(read, texts) == hints


def test_lines_are_added_at_the_end() -> None:
    assert added("Exit", ["12", "13"]) == "Exit\n12\n13"
    assert added(None, ["12"]) == "12"
