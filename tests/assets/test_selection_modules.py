"""Which pictures are selected, without a page: run by Node."""

from __future__ import annotations

from typing import Any

from tests.support.node import run


def selecting(code: str) -> Any:
    return run("selection/selection.js", f"const s = it.selection; {code}")


def test_pictures_are_selected_one_by_one_and_not_any_more() -> None:
    assert selecting(
        "s.toggle('a'); s.toggle('b'); s.add(['b', 'c']); s.toggle('a'); s.remove(['x']);"
        "return [s.size(9), s.has('a'), s.has('c'), s.anchor, s.chosen('q=sea')];"
    ) == [2, False, True, "a", {"images": ["b", "c"]}]


def test_of_everything_those_that_are_left_out_are_kept() -> None:
    assert selecting(
        "s.toggle('a'); s.everything(); s.toggle('b'); s.remove(['c']); s.add(['b']);"
        "return [s.size(9), s.has('a'), s.has('c'), s.all, s.chosen('q=sea')];"
    ) == [8, True, False, True, {"query": "q=sea", "except": ["c"]}]
    assert selecting("s.everything(); s.remove(['a', 'b']); return s.size(1);") == 0


def test_what_left_the_list_is_not_selected_any_more_but_stays_left_out() -> None:
    assert selecting(
        "s.toggle('a'); s.toggle('b'); s.forget(['b', 'x']); const some = s.chosen('');"
        "s.everything(); s.toggle('c'); s.forget(['c']); return [some, s.chosen('')];"
    ) == [{"images": ["a"]}, {"query": "", "except": ["c"]}]


def test_nothing_is_selected_after_clearing() -> None:
    assert selecting(
        "s.everything(); s.toggle('b'); s.clear();"
        "return [s.empty, s.size(9), s.has('a'), s.anchor, s.chosen('')];"
    ) == [True, 0, False, None, {"images": []}]


def test_listeners_hear_of_what_changes_and_of_nothing_else() -> None:
    assert selecting(
        "let heard = 0; const end = s.subscribe(() => { heard += 1; });"
        "s.clear(); s.show(); const before = s.snapshot(); s.toggle('a'); end(); s.toggle('b');"
        "return [heard, s.snapshot() - before];"
    ) == [1, 2]


def test_what_is_on_its_way_out_is_hidden_until_it_left_or_could_not() -> None:
    assert selecting(
        "s.hide(['a']); s.hide(['b', 'c']); s.settle((id) => id !== 'a');"
        "const left = ['a', 'b', 'c'].map(s.isPending); s.show();"
        "return [left, ['a', 'b', 'c'].map(s.isPending)];"
    ) == [[False, True, True], [False, False, False]]


def test_a_range_is_whole_where_all_of_it_is_loaded() -> None:
    assert selecting(
        "const slots = ['a', 'b', null, 'd'].map((id) => id && { id });"
        "return [it.idsBetween(slots, 1, 0), it.idsBetween(slots, 1, 3)];"
    ) == [{"ids": ["a", "b"], "whole": True}, {"ids": ["b", "d"], "whole": False}]
