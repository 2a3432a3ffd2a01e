"""How far pictures are, in words: on the strip, on the page of failures, on the queue's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from imgapp.models import ErrorInfo, WaitingReason, new_id, now
from imgapp.services.queue.admin_queue import (
    QueueFailure,
    QueueLane,
    QueuePublic,
    QueueReason,
    Throughput,
)
from imgapp.services.queue.circuit_breaker import Outage
from imgapp.services.queue.progress import FailurePublic, FailureReason, ProgressPublic, WaitingFor
from imgapp.ui.admin import queue
from imgapp.ui.gallery import failures_page, progress_strip
from imgapp.ui.shell.reason_words import duration_words, failure_words, pictures


def found(**values: Any) -> ProgressPublic:
    given: dict[str, Any] = {
        "since": now(),
        "total": 40,
        "done": 3,
        "waiting": 37,
        "in_progress": 0,
        "ahead": 0,
        "waiting_for": [],
        "failed": 0,
        "failures": [],
    }
    return ProgressPublic(**(given | values))


def nothing(**values: Any) -> ProgressPublic:
    return found(**({"since": None, "total": 0, "done": 0, "waiting": 0} | values))


def test_the_headline_counts() -> None:
    view = progress_strip.view_of(found(total=1204, done=1000, waiting=204))
    assert (view.active, view.headline) == (True, "1,000 of 1,204 done")
    idle = progress_strip.view_of(nothing())
    assert (idle.active, idle.headline, idle.failed) == (False, "", "")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "yours are next"),
        ({"in_progress": 2}, "2 being described"),
        ({"ahead": 1}, "1 picture of others first"),
        ({"in_progress": 1, "ahead": 12}, "1 being described, 12 pictures of others first"),
    ],
)
def test_it_says_who_goes_first(values: dict[str, Any], words: str) -> None:
    assert progress_strip.detail_words(found(**values)) == words


def a_wait(images: int) -> WaitingFor:
    return WaitingFor(
        reason=WaitingReason.PAUSED, message="You have paused.", since=now(), images=images
    )


def test_pictures_that_are_held_up_are_not_next() -> None:
    view = progress_strip.view_of(found(waiting_for=[a_wait(37)]))
    assert view.detail == ""
    assert [wait.text for wait in view.waits] == ["You have paused"]
    some = progress_strip.view_of(found(waiting_for=[a_wait(7)]))
    assert (some.detail, some.waits[0].text) == ("yours are next", "7 pictures: You have paused")


def test_a_wait_since_nobody_knows_when_ends_with_a_full_stop() -> None:
    wait = a_wait(37).model_copy(update={"since": None})
    assert progress_strip.view_of(found(waiting_for=[wait])).waits[0].text == "You have paused."


def test_a_screen_reader_hears_of_quarters_only() -> None:
    said = [
        progress_strip.announcement(progress_strip.view_of(found(done=done, waiting=40 - done)))
        for done in range(40)
    ]
    assert len(set(said)) == 4
    assert said == sorted(said, key=said.index)
    few = {
        progress_strip.announcement(
            progress_strip.view_of(found(total=5, done=done, waiting=5 - done))
        )
        for done in range(5)
    }
    assert few == {"Your pictures are being described."}


def test_a_screen_reader_hears_what_holds_them_up_and_the_end() -> None:
    held = progress_strip.view_of(found(waiting_for=[a_wait(37)]))
    assert progress_strip.announcement(held) == "You have paused"
    assert progress_strip.announcement(progress_strip.view_of(nothing())).startswith(
        "All your pictures"
    )
    some = progress_strip.view_of(nothing(failed=2))
    assert progress_strip.announcement(some) == "Done. 2 pictures could not be described."


def test_a_failure_in_words() -> None:
    error = ErrorInfo(code="model_timeout", message="Too slow. imgapp tried 5 times.")
    one = FailurePublic(
        id=new_id(),
        filename="a.jpg",
        error=error,
        attempts=5,
        lost_attempts=1,
        queued_at=now(),
        failed_at=now(),
        thumbnail="/t",
    )
    row = failures_page.failure_row(one)
    assert (row.message, row.attempts) == (error.message, "6 attempts")
    silent = one.model_copy(update={"error": ErrorInfo(code="lost", message="")})
    assert failures_page.failure_row(silent).message == failure_words("lost")
    reason = failures_page.reason_row(FailureReason(code="some_thing", images=1204))
    assert (reason.words, reason.count) == ("Some thing", "1,204")


def a_queue(**values: Any) -> QueuePublic:
    at = now()
    given: dict[str, Any] = {
        "at": at,
        "paused": False,
        "paused_at": None,
        "max_in_flight": 8,
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "workers": 2,
        "waiting": 1240,
        "in_flight": 8,
        "oldest_in_flight_at": at,
        "lanes": [
            QueueLane(priority="interactive", waiting=40, delayed=1, people=2, oldest_at=at),
            QueueLane(
                priority="bulk",
                waiting=1200,
                delayed=0,
                people=1,
                oldest_at=at - timedelta(minutes=90),
            ),
        ],
        "waiting_for": [QueueReason(reason=WaitingReason.BUDGET, images=700, people=1)],
        "troubles": [],
        "throughput": Throughput(
            completed_last_minute=96,
            failed_last_minute=1,
            completed_last_5_minutes=490,
            failed_last_5_minutes=10,
        ),
        "failed": 14,
        "failures": [QueueFailure(code="lost", images=14, people=3, latest_at=at)],
    }
    return QueuePublic(**(given | values))


def test_the_figures_of_the_queue() -> None:
    shown = {one.name: (one.value, one.note) for one in queue.figures_of(a_queue())}
    assert shown == {
        "Uploaded by hand": ("40", "2 people · 1 for their next attempt"),
        "In bulk": ("1,200", "1 person"),
        "Under way": ("8", "of 8 at most · 2 workers"),
        "Oldest waiting": ("1 h 30 min", ""),
        "Described in the last minute": ("96", "about 12 min for what waits"),
        "Failed in the last minute": ("1", ""),
    }


def test_the_rest_takes_as_long_as_nobody_knows() -> None:
    still = Throughput(
        completed_last_minute=0,
        failed_last_minute=0,
        completed_last_5_minutes=0,
        failed_last_5_minutes=0,
    )
    assert queue.rest_words(a_queue(throughput=still)) == ""
    assert queue.rest_words(a_queue(paused=True)) == ""
    assert queue.rest_words(a_queue(waiting=0)) == ""


def test_the_queue_says_what_is_wrong() -> None:
    since = now()
    troubles = [
        Outage(model="m", code="c", message="HTTP 500", since=since, until=since),
        Outage(model=None, code="c", message="Away", since=since, until=None),
    ]
    view = queue.view_of(a_queue(workers=0, troubles=troubles))
    assert view.alarm.startswith("No worker is running")
    assert [row.what for row in view.troubles] == [
        "The model m is left alone",
        "The picture store is left alone",
    ]
    assert (view.troubles[0].tried, view.troubles[1].tried) == (since.isoformat(), "")
    assert view.waits == ["700 pictures of 1 person wait for a budget."]
    assert [(row.count, row.people) for row in view.failures] == [("14 pictures", "3 people")]
    assert queue.view_of(a_queue(workers=None)).alarm == ""


def test_the_pace_in_the_form() -> None:
    assert queue.pace_of({"max_in_flight": " 8 ", "requests_per_minute": "", "surprise": "1"}) == {
        "max_in_flight": "8",
        "requests_per_minute": None,
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (4 * 86400, "4 days"),
    ],
)
def test_how_long_it_is(seconds: float, words: str) -> None:
    assert duration_words(seconds) == words


def test_one_picture_is_no_pictures() -> None:
    assert (pictures(1), pictures(0), pictures(1204)) == (
        "1 picture",
        "0 pictures",
        "1,204 pictures",
    )
