from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from imgapp.adapters import events, queue
from imgapp.adapters.db import transaction
from imgapp.adapters.storage import get_store, rendition_key
from imgapp.adapters.vision import Description, servers
from imgapp.errors import (
    DatabaseUnavailable,
    NotFound,
    PermanentDescriberError,
    ShuttingDown,
    StoreUnavailable,
    TransientDescriberError,
)
from imgapp.models import Image, WrittenBy, new_id, now
from imgapp.services.analysis import describe
from imgapp.services.analysis.describe import MAX_ATTEMPTS, MAX_UNUSABLE, verdict
from imgapp.services.library.text_provenance import current_text
from imgapp.services.queue import leases
from imgapp.services.uploads.ingest import ingest
from tests.conftest import Person, Servers
from tests.support.openai_server import ANSWER, OpenAIServer, Reply
from tests.support.spooling import spool_file
from tests.support.waiting import add_picture, analyses_of, change, eventually, row_of


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


@pytest.fixture
def heard(servers: Servers, alice: Person) -> Iterator[Callable[[], list[str]]]:
    """What alice's open pages have been told since the last look."""
    with redis.Redis.from_url(servers.redis_url) as client:
        channel = client.pubsub(ignore_subscribe_messages=True)
        channel.subscribe(f"imgapp:events:{alice.user_id}")
        channel.get_message(timeout=1)

        def look() -> list[str]:
            found = iter(lambda: channel.get_message(timeout=0.05), None)
            return [events._event(message).kind for message in found]

        yield look
        channel.close()


def in_background(fn: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=fn, daemon=True)
    thread.start()
    return thread


def answer(**members: Any) -> Description:
    return Description(**{**ANSWER, "model_version": "m", **members})


def test_describes_the_picture_and_keeps_the_answer(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    image_id = add_picture(alice.user_id, facts={"camera_make": "Canon"})

    assert describe.run_one() == image_id

    image = row_of(alice.user_id, image_id)
    [kept] = analyses_of(alice.user_id, image_id)
    assert (image.analysis_status, image.attempts, image.lost_attempts) == ("completed", 1, 0)
    assert (image.lease_id, image.lease_expires_at, image.error_code) == (None, None, None)
    assert image.completed_at is not None
    assert image.alt_text == kept.alt_text == ANSWER["alt_text"]
    assert image.description == kept.description == ANSWER["description"]
    assert image.tags == kept.tags == ["bicycle", "wall", "shadow"]
    assert (image.alt_text_by, image.tags_by, image.visible_text_by) == ("model", "model", None)
    assert image.analysis_id == kept.id
    assert kept.model_version == f"{model.model}-test"
    assert (kept.prompt_version, kept.input_tokens, kept.output_tokens) == ("2", 900, 80)
    assert 0 < kept.processing_time < 10
    assert kept.created_at <= kept.completed_at
    assert heard() == ["image_claimed", "image_described"]
    model.assert_requests_were_clean()


def test_a_picture_costs_few_questions_to_the_database_and_one_thread(
    alice: Person, model: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    add_picture(alice.user_id)
    describe.run_one()  # which reads settings and models
    statements: list[str] = []
    threads: list[str] = []

    def note(*given: Any) -> None:
        statements.append(given[2])

    def started(thread: threading.Thread) -> None:
        threads.append(thread.name)
        start(thread)

    start = threading.Thread.start
    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", started)
            assert describe.run_one() is not None
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)

    # Built and waited for one at a time: none of those that read the row, lock it or write it.
    wrote = ("INSERT INTO image_analyses", "UPDATE images", "FOR UPDATE", "images.alt_text")
    assert [said for said in statements if any(words in said for words in wrote)] == []
    assert [name for name in threads if name in ("describer", "heartbeat")] == ["describer"]


def test_a_long_screenshot_reaches_the_model_wide_enough_to_be_read(
    alice: Person, model: OpenAIServer, picture_file: Callable[..., Path]
) -> None:
    screenshot = picture_file("long.png", size=(800, 16_000))
    ingest(alice.user_id, spool_file(screenshot), "page")

    describe.run_one()

    [call] = model.calls
    assert len(call.sizes) == 10
    assert all(width > 480 and height <= 1024 for width, height in call.sizes)
    model.assert_requests_were_clean()


def test_does_nothing_when_nothing_is_due(alice: Person, model: OpenAIServer) -> None:
    add_picture(alice.user_id, due_at=now() + timedelta(hours=1))
    add_picture(alice.user_id, deleted_at=now())

    assert describe.run_one() is None
    assert model.calls == []


def test_a_basic_description_needs_no_model(alice: Person) -> None:
    image_id = add_picture(alice.user_id, facts={"camera": "X100V"})

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert image.analysis_status == "completed"
    assert image.facts["camera"] == "X100V"
    assert (image.alt_text, image.alt_text_by, image.tags) == (None, None, None)
    assert image.facts["looks"]["kind"] == "plain area"
    assert (image.decorative, image.decorative_by) == (None, None)
    assert analyses_of(alice.user_id, image_id)[0].model_version == "basic-1"


def test_what_a_person_wrote_stays(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(
        alice.user_id, alt_text="My bike", alt_text_by="person", tags=["bike"], tags_by="person"
    )

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.alt_text, image.alt_text_by) == ("My bike", "person")
    assert (image.tags, image.tags_by) == (["bike"], "person")
    assert (image.description, image.description_by) == (ANSWER["description"], "model")
    assert analyses_of(alice.user_id, image_id)[0].alt_text == ANSWER["alt_text"]


def test_what_a_person_writes_meanwhile_stays_too(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id)
    model.delay = 0.5
    working = in_background(describe.run_one)
    model.wait_for_calls(1)
    change(alice.user_id, image_id, description="Mine", description_by="person")
    working.join()

    image = row_of(alice.user_id, image_id)
    assert (image.description, image.alt_text) == ("Mine", ANSWER["alt_text"])


def test_no_connection_is_held_while_the_model_thinks(
    alice: Person, model: OpenAIServer, administrator: sa.Engine
) -> None:
    add_picture(alice.user_id)
    model.delay = 0.6
    working = in_background(describe.run_one)
    model.wait_for_calls(1)
    with administrator.connect() as connection:
        open_ = connection.execute(
            sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = 'imgapp_app'"
                " AND state LIKE 'idle in transaction%'"
            )
        ).scalar_one()
    working.join()
    assert open_ == 0


def test_a_passing_failure_is_tried_again_within_two_seconds(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    image_id = add_picture(alice.user_id)
    model.script(Reply(500))

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.attempts) == ("pending", 1)
    assert (image.lease_id, image.error_code) == (None, "model_unavailable")
    assert timedelta(0) < image.due_at - now() < timedelta(seconds=1)
    assert heard() == ["image_claimed", "image_queued"]

    eventually(lambda: now() > image.due_at, 2)
    describe.run_one()
    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.attempts, image.error_code) == ("completed", 2, None)
    assert len(analyses_of(alice.user_id, image_id)) == 1


def test_a_picture_fails_once_its_attempts_are_spent(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    image_id = add_picture(alice.user_id, attempts=MAX_ATTEMPTS - 1)
    model.fail_with(500)

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.attempts) == ("failed", MAX_ATTEMPTS)
    assert image.error_code == "model_unavailable"
    assert image.error_message == (
        "The vision model server failed (HTTP 500). imgapp tried 5 times."
    )
    assert image.completed_at is not None
    assert analyses_of(alice.user_id, image_id) == []
    assert heard() == ["image_claimed", "image_failed"]


@pytest.mark.parametrize("said", ["nonsense", '{"alt_text": "", "description": ""}'])
def test_an_answer_that_cannot_be_used_is_paid_for_three_times_at_most(
    alice: Person, model: OpenAIServer, said: str
) -> None:
    model.script(*[Reply(content=said)] * MAX_ATTEMPTS)
    image_id = add_picture(alice.user_id)

    while row_of(alice.user_id, image_id).analysis_status == "pending":
        change(alice.user_id, image_id, due_at=now())
        describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.error_code) == ("failed", "unusable_answer")
    assert len(model.calls) == image.attempts == MAX_UNUSABLE == 3
    assert (image.error_message or "").endswith("imgapp tried 3 times.")


def test_a_lasting_failure_is_final_at_once_and_gives_advice(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    model.fail_with(413)

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.attempts) == ("failed", 1)
    assert image.error_code == "request_too_large"
    assert "raise its limit" in (image.error_message or "")
    assert len(model.calls) == 1


def test_the_provider_decides_when_it_is_asked_again(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id)
    model.script(Reply(429, headers={"Retry-After": "120"}))

    describe.run_one()

    wait = row_of(alice.user_id, image_id).due_at - now()
    assert timedelta(seconds=119) < wait < timedelta(seconds=133)


def test_a_missing_preview_is_a_lasting_failure(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id, preview=False)

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.error_code) == ("failed", "preview_missing")


def test_a_preview_that_is_damaged_does_not_stop_the_worker(
    alice: Person, model: OpenAIServer, tmp_path: Path
) -> None:
    image_id = add_picture(alice.user_id, attempts=MAX_ATTEMPTS - 1)
    broken = tmp_path / "broken.webp"
    broken.write_bytes(b"RIFF")
    key = rendition_key(row_of(alice.user_id, image_id).s3_key, "preview")
    get_store().put(key, broken, "image/webp")

    describe.run_one()

    assert row_of(alice.user_id, image_id).analysis_status == "failed"
    assert model.calls == []


def test_a_picture_that_is_deleted_meanwhile_is_dropped_quietly(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    in_trash, gone = add_picture(alice.user_id), add_picture(alice.user_id)
    model.delay = 0.5
    working = [in_background(describe.run_one) for _ in range(2)]
    model.wait_for_calls(2)
    change(alice.user_id, in_trash, deleted_at=now())
    with transaction(alice.user_id) as session:
        session.delete(session.get_one(Image, gone))
    for thread in working:
        thread.join()

    image = row_of(alice.user_id, in_trash)
    assert (image.analysis_status, image.lease_id, image.alt_text) == ("pending", None, None)
    assert analyses_of(alice.user_id, in_trash) == []
    assert heard() == ["image_claimed", "image_claimed"]


def test_two_workers_never_have_the_same_picture(alice: Person, model: OpenAIServer) -> None:
    ids = {add_picture(alice.user_id) for _ in range(6)}
    model.delay = 0.2

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: describe.run_one(), range(8)))

    assert sorted(map(str, filter(None, done))) == sorted(map(str, ids))
    assert len(model.calls) == 6
    assert all(len(analyses_of(alice.user_id, image_id)) == 1 for image_id in ids)


def test_people_take_turns(alice: Person, mallory: Person, model: OpenAIServer) -> None:
    of_alice = [add_picture(alice.user_id) for _ in range(3)]
    of_mallory = add_picture(mallory.user_id)

    first_two = {describe.run_one(), describe.run_one()}

    assert of_mallory in first_two
    assert len(first_two & set(of_alice)) == 1
    assert row_of(mallory.user_id, of_mallory).analysis_status == "completed"


def test_a_lease_is_renewed_while_the_model_thinks(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LEASE_SECONDS", 1)
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.3)
    image_id = add_picture(alice.user_id)
    model.delay = 2.0
    working = in_background(describe.run_one)
    model.wait_for_calls(1)
    while working.is_alive():
        describe.sweep()
        working.join(0.2)

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.lost_attempts) == ("completed", 0)
    assert len(model.calls) == 1


def test_the_result_of_a_lost_lease_is_not_written(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 60.0)
    image_id = add_picture(alice.user_id)
    model.script(Reply(delay=1.0, answer={"alt_text": "Too late"}))
    late = in_background(describe.run_one)
    model.wait_for_calls(1)
    change(alice.user_id, image_id, lease_expires_at=now() - timedelta(seconds=1))
    describe.sweep()
    describe.run_one()
    late.join()

    image = row_of(alice.user_id, image_id)
    assert (image.alt_text, image.lost_attempts) == (ANSWER["alt_text"], 1)
    assert len(analyses_of(alice.user_id, image_id)) == 1


def test_whoever_loses_the_lease_walks_away_from_the_call(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.2)
    image_id = add_picture(alice.user_id)
    model.delay = 30.0
    working = in_background(describe.run_one)
    model.wait_for_calls(1)
    change(alice.user_id, image_id, lease_id=new_id())

    started = time.monotonic()
    working.join()
    assert time.monotonic() - started < 15


def test_a_model_that_never_ends_is_given_up(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(leases, "GRACE_SECONDS", 0.3 - servers.OWN_SECONDS)
    image_id = add_picture(alice.user_id)
    model.delay = 2.0

    describe.run_one()

    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.error_code) == ("pending", "model_timeout")


def test_stopping_hands_pictures_back_at_once_without_counting_an_attempt(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    image_id = add_picture(alice.user_id)
    model.delay = 30.0
    working = in_background(describe.run_one)
    model.wait_for_calls(1)
    started = time.monotonic()
    leases.stop()
    working.join()

    assert time.monotonic() - started < 15
    image = row_of(alice.user_id, image_id)
    assert (image.analysis_status, image.lease_id) == ("pending", None)
    assert (image.attempts, image.lost_attempts) == (0, 0)
    assert image.due_at <= now()
    assert queue.pending_permits() == 1
    assert heard() == ["image_claimed", "image_queued"]
    with pytest.raises(ShuttingDown):
        describe.run_one()


def test_an_answer_outlives_a_database_that_restarts(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    image_id = add_picture(alice.user_id)
    complete, failures = describe._complete, iter([DatabaseUnavailable(), DatabaseUnavailable()])

    def away_for_a_while(*args: Any) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        complete(*args)

    monkeypatch.setattr(describe, "_complete", away_for_a_while)
    monkeypatch.setattr(leases, "pause", lambda _: None)
    describe.run_one()

    assert row_of(alice.user_id, image_id).analysis_status == "completed"
    assert len(model.calls) == 1


def test_a_swept_picture_is_queued_and_after_three_losses_it_fails(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    past = now() - timedelta(seconds=1)
    lost = {"analysis_status": "in_progress", "lease_expires_at": past}
    once = add_picture(alice.user_id, lease_id=new_id(), **lost)
    often = add_picture(alice.user_id, lease_id=new_id(), lost_attempts=2, **lost)

    describe.sweep()

    image = row_of(alice.user_id, once)
    assert (image.analysis_status, image.lost_attempts, image.attempts) == ("pending", 1, 0)
    image = row_of(alice.user_id, often)
    assert (image.analysis_status, image.error_code) == ("failed", "lost")
    assert sorted(heard()) == ["image_failed", "image_queued"]
    assert queue.pending_permits() == 1


def test_the_sweeper_issues_the_permits_that_are_missing_and_no_more(
    alice: Person, model: OpenAIServer
) -> None:
    for _ in range(3):
        add_picture(alice.user_id)
    add_picture(alice.user_id, due_at=now() + timedelta(hours=1))
    queue.enqueue_analysis(new_id())

    describe.sweep()
    assert queue.pending_permits() == 3
    describe.sweep()
    assert queue.pending_permits() == 3


def test_a_failed_picture_can_be_tried_again(
    alice: Person, model: OpenAIServer, heard: Callable[[], list[str]]
) -> None:
    image_id = add_picture(
        alice.user_id,
        analysis_status="failed",
        attempts=5,
        lost_attempts=2,
        error_code="model_unavailable",
        error_message="…",
        priority=10,
    )

    status = describe.request_analysis(alice.user_id, image_id)

    assert (status.status, status.attempts, status.error) == ("pending", 0, None)
    image = row_of(alice.user_id, image_id)
    assert (image.priority, image.lost_attempts) == (0, 0)
    assert queue.pending_permits() == 1
    assert heard() == ["image_queued"]


def test_a_described_picture_can_be_described_again_and_keeps_its_history(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    describe.run_one()
    model.default = Reply(answer={"alt_text": "A second look"})

    describe.request_analysis(alice.user_id, image_id)
    assert row_of(alice.user_id, image_id).alt_text == ANSWER["alt_text"]
    describe.run_one()

    assert row_of(alice.user_id, image_id).alt_text == "A second look"
    first, second = analyses_of(alice.user_id, image_id)
    assert (first.alt_text, second.alt_text) == (ANSWER["alt_text"], "A second look")


def test_asking_again_for_a_picture_in_progress_changes_nothing(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    model.delay = 0.5
    working = in_background(describe.run_one)
    model.wait_for_calls(1)
    assert describe.request_analysis(alice.user_id, image_id).status == "in_progress"
    working.join()
    assert row_of(alice.user_id, image_id).analysis_status == "completed"
    assert len(analyses_of(alice.user_id, image_id)) == 1


def test_nobody_asks_for_somebody_elses_or_a_missing_picture(
    alice: Person, mallory: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id, analysis_status="failed")
    in_trash = add_picture(mallory.user_id, deleted_at=now())
    for wanted in (image_id, in_trash, UUID(int=0)):
        with pytest.raises(NotFound):
            describe.request_analysis(mallory.user_id, wanted)
    assert row_of(alice.user_id, image_id).analysis_status == "failed"


def test_retries_grow_and_all_come_within_forty_seconds() -> None:
    error = TransientDescriberError(code="model_timeout")
    for jitter in (0.0, 1.0):
        delays = [verdict(error, attempt, jitter).delay for attempt in range(1, MAX_ATTEMPTS)]
        assert all(delay is not None for delay in delays)
        waits = [delay for delay in delays if delay is not None]
        assert waits == sorted(waits)
        assert 0.5 <= waits[0] <= 1
        assert sum(waits) < 40
    assert verdict(error, MAX_ATTEMPTS, 0.5).delay is None


def test_what_the_provider_asks_for_is_honoured_within_reason() -> None:
    def wait(seconds: float, jitter: float = 0) -> float | None:
        return verdict(TransientDescriberError(retry_after=seconds), 1, jitter).delay

    assert wait(60) == 60
    assert wait(60, jitter=1) == pytest.approx(66)
    assert wait(0) == 0.75
    assert wait(10**9) == 6 * 3600


def test_a_dependency_that_is_away_is_transient_and_a_bug_is_not_final_either() -> None:
    assert verdict(StoreUnavailable(), 1, 0).delay is not None
    ruling = verdict(RuntimeError("secret detail"), 1, 0)
    assert (ruling.code, ruling.delay) == ("internal_error", 0.75)
    assert "secret" not in ruling.message
    assert verdict(PermanentDescriberError(), 1, 0).delay is None
    assert verdict(NotFound(), 1, 0).delay is None


def written(**columns: Any) -> Image:
    return Image(**columns)


def test_the_language_is_that_of_the_words() -> None:
    german = {"language": "de", "language_by": WrittenBy.PERSON}
    mine = written(alt_text="Mein Rad", alt_text_by=WrittenBy.PERSON, **german)
    assert "language" not in current_text(mine, answer())
    theirs = written(alt_text="Ein Rad", alt_text_by=WrittenBy.MODEL, **german)
    assert current_text(theirs, answer())["language"] == ANSWER["language"]


def test_a_model_does_not_contradict_what_a_person_said_of_decoration() -> None:
    decorative = written(decorative=True, decorative_by=WrittenBy.PERSON, alt_text="")
    assert "alt_text" not in current_text(decorative, answer())
    meaningful = written(decorative=False, decorative_by=WrittenBy.PERSON)
    assert "alt_text" not in current_text(meaningful, answer(decorative=True, alt_text=""))
    assert current_text(meaningful, answer())["alt_text"] == ANSWER["alt_text"]
    assert current_text(meaningful, answer(decorative=None))["alt_text"] == ANSWER["alt_text"]
    named = written(alt_text="My bike", alt_text_by=WrittenBy.PERSON)
    assert "decorative" not in current_text(named, answer(decorative=True, alt_text=""))
