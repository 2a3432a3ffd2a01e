"""Two texts, word by word."""

from __future__ import annotations

import random
import time

import pytest

from imgapp.services.library.text_diff import differences


def marked(old: str, new: str) -> str:
    signs = {"same": "{}", "added": "[+{}]", "removed": "[-{}]"}
    return "".join(signs[part.kind].format(part.text) for part in differences(old, new))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("", "", ""),
        ("", "new", "[+new]"),
        ("old", "", "[-old]"),
        ("the same", "the same", "the same"),
        ("a red bicycle", "a blue bicycle", "a [-red][+blue] bicycle"),
        ("one\ntwo\nthree", "one\nthree", "one\n[-two\n]three"),
        ("one", "one.", "one[+.]"),
        ("红色自行车", "红色自行车。", "红色自行车[+。]"),
    ],
)
def test_what_is_new_and_what_is_gone(old: str, new: str, shown: str) -> None:
    assert marked(old, new) == shown


def test_both_texts_can_be_read_from_it() -> None:
    rng = random.Random(7)
    words = ["red", "blue ", "bicycle\n", "wall. ", " {context}", "\n\n"]
    for _ in range(50):
        old, new = ("".join(rng.choices(words, k=rng.randrange(60))) for _ in range(2))
        parts = differences(old, new)
        assert "".join(part.text for part in parts if part.kind != "added") == old
        assert "".join(part.text for part in parts if part.kind != "removed") == new


def test_long_texts_that_have_nothing_in_common_take_no_time() -> None:
    started = time.process_time()
    differences("a " * 6_000, "b, " * 4_000)
    assert time.process_time() - started < 1
