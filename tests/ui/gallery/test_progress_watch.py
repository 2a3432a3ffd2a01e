"""When a person's progress is counted: once for many events, and seldom while little happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from imgapp.ui.gallery import progress_watch
from imgapp.ui.gallery.progress_strip import ProgressView
from imgapp.ui.gallery.progress_watch import LOOK_AGAIN, CountedProgress, ProgressWatch
from imgapp.ui.shell.connected_tabs import tabs

ALICE, MALLORY = uuid4(), uuid4()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProgressWatch]:
    """Of a process where alice alone has a page open."""
    app: Any = None
    monkeypatch.setitem(tabs._tokens, ALICE, {"tab"})
    watch = ProgressWatch(app, tabs.of)
    yield watch
    assert progress_watch.INTERVAL >= 2.0, "the database is not asked more often"


def looked(watch: ProgressWatch, *, active: bool, at: float = 100.0, rest: float = 0.0) -> None:
    watch._looked[ALICE] = CountedProgress(ProgressView(active=active), at, rest)


def test_who_has_just_opened_a_page_is_looked_at_once(watch: ProgressWatch) -> None:
    assert list(watch._due(100.0)) == [ALICE]
    looked(watch, active=False)
    assert list(watch._due(100.0 + 10 * LOOK_AGAIN)) == []


def test_an_event_is_a_reason_to_count(watch: ProgressWatch) -> None:
    looked(watch, active=False)
    for _ in range(1_000):
        watch.note(ALICE)
    assert list(watch._due(102.0)) == [ALICE]


def test_while_something_waits_it_is_counted_again_without_events(watch: ProgressWatch) -> None:
    looked(watch, active=True)
    assert list(watch._due(100.0 + LOOK_AGAIN - 0.1)) == []
    assert list(watch._due(100.0 + LOOK_AGAIN)) == [ALICE]


def test_what_took_long_to_count_is_counted_seldom(watch: ProgressWatch) -> None:
    looked(watch, active=True, rest=20.0)
    watch.note(ALICE)
    assert list(watch._due(119.0)) == []
    assert list(watch._due(120.0)) == [ALICE]


def test_who_has_no_page_open_is_forgotten(watch: ProgressWatch) -> None:
    watch.note(MALLORY)
    watch._looked[MALLORY] = CountedProgress(ProgressView(active=True), 100.0, 0.0)
    assert list(watch._due(200.0)) == [ALICE]
    assert MALLORY not in watch._looked
