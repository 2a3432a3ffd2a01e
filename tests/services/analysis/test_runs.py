"""Many pictures analysed again: chosen, queued a few at a time, reused, cancelled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from imgapp.adapters.db import transaction
from imgapp.errors import Conflict, InvalidRequest, NotFound
from imgapp.models import Image, ImageEdit, Priority, Run, RunOutcome, now
from imgapp.services.analysis import describe, run_feeder, runs
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.analysis.preferences import PreferencesEdit, change_preferences
from imgapp.services.analysis.run_schemas import NewRun, RunCounts, RunFilter, RunPublic
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.library import images, trash
from imgapp.services.queue import leases
from tests.conftest import Person
from tests.support.openai_server import ANSWER, OpenAIServer, Reply
from tests.support.rows import add_analysis, add_image
from tests.support.waiting import add_picture, analyses_of, change, row_of
from tests.support.webhook_rows import add_webhook, deliveries_of


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


GERMAN = {
    "alt_text": "Ein rotes Fahrrad lehnt an einer weißen Wand",
    "description": "Ein rotes Fahrrad lehnt an einer weißen Wand und wirft in der Sonne Schatten.",
    "tags": ["fahrrad", "wand"],
    "language": "de",
}


def run(person: Person, **said: Any) -> RunPublic:
    said = said if "images" in said or "filter" in said else {"filter": RunFilter(), **said}
    return runs.create_run(person.user_id, NewRun(**said))


def counts(person: Person, made: RunPublic) -> dict[str, int]:
    """What came to something."""
    found = runs.get_run(person.user_id, made.id).pictures.model_dump()
    return {name: count for name, count in found.items() if count}


def analyse_all() -> None:
    while describe.run_one() is not None:
        pass


def described(person: Person, **columns: Any) -> UUID:
    """A picture that a model has described before."""
    image_id = add_picture(person.user_id, **columns)
    analyse_all()
    return image_id


def by_basic(person: Person, **columns: Any) -> Image:
    image = add_image(person.user_id, **columns)
    add_analysis(image, model_version="basic-1")
    return image


# Choosing


def test_all_pictures_are_chosen_but_those_in_the_trash(alice: Person, mallory: Person) -> None:
    kept = [add_image(alice.user_id) for _ in range(2)]
    add_image(alice.user_id, deleted_at=now())
    add_image(mallory.user_id)
    made = run(alice)
    assert made.total == 2
    items = runs.list_items(alice.user_id, made.id).items
    assert {item.image_id for item in items} == {image.id for image in kept}


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": "failed"},
        {"tag": "harbour"},
        {"q": "boats"},
        {"model_version": "basic-1"},
        {"error": "wrong_language"},
        {"tag": "harbour", "q": "boats", "status": "failed", "model_version": "basic-1"},
    ],
)
def test_pictures_are_chosen_by_what_they_are(alice: Person, wanted: dict[str, Any]) -> None:
    add_image(alice.user_id, alt_text="A cat", tags=["cat"])
    chosen = by_basic(alice, alt_text="Three boats", tags=["harbour"])
    change(alice.user_id, chosen.id, analysis_status="failed", error_code="wrong_language")
    assert runs.preview_run(alice.user_id, NewRun(filter=RunFilter(**wanted))).total == 1
    made = run(alice, filter=RunFilter(**wanted))
    assert [one.image_id for one in runs.list_items(alice.user_id, made.id).items] == [chosen.id]


def test_pictures_are_chosen_by_their_ids(alice: Person, mallory: Person) -> None:
    mine, theirs = add_image(alice.user_id), add_image(mallory.user_id)
    made = run(alice, images=[mine.id, theirs.id, uuid4()])
    assert made.total == 1
    assert made.filter is None


def test_pictures_are_named_or_described_not_both(alice: Person) -> None:
    for said in ({}, {"images": [uuid4()], "filter": {}}, {"images": []}):
        with pytest.raises(ValidationError):
            NewRun(**said)


def test_what_must_not_go_to_a_model_is_not_upgraded(
    alice: Person, model: OpenAIServer, set_env: Callable[..., None]
) -> None:
    by_basic(alice, never_cloud=True)
    by_basic(alice)
    upgrade = NewRun(filter=RunFilter(model_version="basic-1"))
    found = runs.preview_run(alice.user_id, upgrade)
    assert (found.total, found.estimate.pictures, found.estimate.model) == (1, 1, model.model)
    change_preferences(alice.user_id, PreferencesEdit(never_cloud=True))
    assert runs.preview_run(alice.user_id, upgrade).total == 0
    set_env(IMGAPP_VISION_LOCAL="true")
    assert runs.preview_run(alice.user_id, upgrade).total == 2


def test_nothing_to_do_is_done(alice: Person) -> None:
    made = run(alice, filter=RunFilter(tag="nowhere"))
    assert (made.total, made.pictures) == (0, RunCounts())
    assert made.finished_at is not None


def test_a_model_must_be_one_that_may_be_chosen(
    alice: Person, admin: Person, model: OpenAIServer
) -> None:
    add_image(alice.user_id)
    with pytest.raises(InvalidRequest, match="no such model") as refused:
        run(alice, model="gpt-77")
    assert refused.value.code == "unknown_model"
    change_installation(admin.user_id, InstallationEdit(models=["gpt-77"]))
    assert run(alice, model="gpt-77").model == "gpt-77"


def test_a_person_has_so_many_runs_under_way(alice: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr(runs, "MOST_OPEN", 2)
    for _ in range(2):
        run(alice, images=[add_image(alice.user_id).id])
    with pytest.raises(Conflict) as refused:
        run(alice, images=[add_image(alice.user_id).id])
    assert refused.value.code == "too_many_runs"


def test_a_run_asked_for_again_with_its_key_is_the_same(alice: Person) -> None:
    add_image(alice.user_id)
    new = NewRun(filter=RunFilter())
    first = runs.create_run(alice.user_id, new, key="once")
    assert runs.create_run(alice.user_id, new, key="once").id == first.id
    assert len(runs.list_runs(alice.user_id).items) == 1


# Asking


def test_every_picture_is_asked_as_the_run_says(alice: Person, model: OpenAIServer) -> None:
    image_id = described(alice)
    model.script(Reply(answer=GERMAN))
    made = run(alice, language="de", detail="brief")
    assert counts(alice, made) == {"queued": 1}
    row = row_of(alice.user_id, image_id)
    assert (row.analysis_status, row.priority) == ("pending", Priority.BULK)
    analyse_all()
    assert "in German" in model.calls[-1].said
    assert "one full sentence" in model.calls[-1].said
    assert counts(alice, made) == {"completed": 1}
    row, stored = row_of(alice.user_id, image_id), analyses_of(alice.user_id, image_id)[-1]
    assert (row.analysis_status, row.ask) == ("completed", None)
    assert (stored.run_id, stored.detail, stored.reused_from) == (made.id, "brief", None)


def test_one_picture_is_asked_as_its_owner_says(
    alice: Person, admin: Person, model: OpenAIServer
) -> None:
    change_installation(admin.user_id, InstallationEdit(models=["other-model"]))
    image_id = described(alice)
    model.script(Reply(answer=GERMAN))
    wishes = AnalysisOptions(model="other-model", language="de", detail="detailed")
    describe.request_analysis(alice.user_id, image_id, wishes)
    analyse_all()
    assert model.calls[-1].body["model"] == "other-model"
    assert "in German" in model.calls[-1].said
    assert row_of(alice.user_id, image_id).ask is None
    describe.request_analysis(alice.user_id, image_id)
    analyse_all()
    assert model.calls[-1].body["model"] == model.model
    with pytest.raises(InvalidRequest):
        describe.request_analysis(alice.user_id, image_id, AnalysisOptions(model="gpt-77"))


def test_one_picture_is_always_asked_anew(alice: Person, model: OpenAIServer) -> None:
    image_id = described(alice)
    describe.request_analysis(alice.user_id, image_id)
    analyse_all()
    assert len(model.calls) == 2
    first, second = analyses_of(alice.user_id, image_id)
    assert first.asked == second.asked


def test_a_picture_that_stays_here_is_described_by_basic(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    images.edit_image(alice.user_id, image_id, ImageEdit(never_cloud=True))
    run(alice, model=model.model)
    analyse_all()
    assert model.calls == []
    assert analyses_of(alice.user_id, image_id)[0].model_version == "basic-1"


def test_what_a_person_wrote_stays(alice: Person, model: OpenAIServer) -> None:
    image_id = described(alice)
    images.edit_image(alice.user_id, image_id, ImageEdit(alt_text="Mine"))
    run(alice, detail="brief")
    analyse_all()
    assert row_of(alice.user_id, image_id).alt_text == "Mine"


def test_failures_are_counted_and_tried_again_by_another_run(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    model.script(Reply(refusal="No."))
    made = run(alice)
    analyse_all()
    assert counts(alice, made) == {"failed": 1}
    again = run(alice, filter=RunFilter(status="failed"))
    analyse_all()
    assert counts(alice, again) == {"completed": 1}
    assert row_of(alice.user_id, image_id).analysis_status == "completed"


# Reusing


def test_the_same_question_is_not_paid_for_twice(alice: Person, model: OpenAIServer) -> None:
    image_id = described(alice)
    change(alice.user_id, image_id, description=None, description_by=None)
    hook = add_webhook(alice.user_id)
    made = run(alice)
    assert counts(alice, made) == {"reused": 1}
    assert len(model.calls) == 1
    first, second = analyses_of(alice.user_id, image_id)
    assert (second.reused_from, second.run_id, second.cost) == (first.id, made.id, 0)
    assert (second.input_tokens, second.alt_text) == (None, first.alt_text)
    row = row_of(alice.user_id, image_id)
    assert (row.analysis_id, row.description) == (second.id, first.description)
    assert [one.webhook_id for one in deliveries_of(alice.user_id)] == [hook]
    third = run(alice)
    assert analyses_of(alice.user_id, image_id)[-1].reused_from == first.id
    run_feeder.feed()
    assert runs.get_run(alice.user_id, third.id).finished_at is not None


@pytest.mark.parametrize(
    "other",
    [
        lambda alice, image_id: {"language": "de"},
        lambda alice, image_id: {"detail": "brief"},
        lambda alice, image_id: {"model": "basic-1"},
        lambda alice, image_id: {"reuse": False},
        lambda alice, image_id: change(alice.user_id, image_id, context="A shop"),
        lambda alice, image_id: change_preferences(
            alice.user_id, PreferencesEdit(vocabulary=["bike"])
        ),
    ],
    ids=["language", "detail", "model", "told not to", "context", "vocabulary"],
)
def test_another_question_is_asked(
    alice: Person, model: OpenAIServer, other: Callable[[Person, UUID], Any]
) -> None:
    image_id = described(alice)
    said = other(alice, image_id)
    assert counts(alice, run(alice, **(said if isinstance(said, dict) else {}))) == {"queued": 1}


def test_an_earlier_answer_comes_back_where_a_later_one_was_of_something_else(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = described(alice)
    model.script(Reply(answer=GERMAN))
    run(alice, language="de")
    analyse_all()
    texts = images.get_image(alice.user_id, image_id).texts
    assert {language: text.alt_text for language, text in texts.items()} == {
        "en": ANSWER["alt_text"],
        "de": GERMAN["alt_text"],
    }
    run(alice, language="en")
    assert row_of(alice.user_id, image_id).language == "en"
    assert len(model.calls) == 2


# Going on and ending


def test_pictures_are_queued_a_few_at_a_time(
    alice: Person, model: OpenAIServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(run_feeder, "MOST_QUEUED", 4)
    monkeypatch.setattr(run_feeder, "AT_ONCE", 2)
    for _ in range(7):
        described(alice)
    made = run(alice, detail="brief")
    assert counts(alice, made) == {"waiting": 3, "queued": 4}
    run_feeder.feed()
    assert counts(alice, made) == {"waiting": 3, "queued": 4}
    assert describe.run_one()
    run_feeder.feed()
    assert counts(alice, made) == {"waiting": 2, "queued": 4, "completed": 1}
    analyse_all()
    run_feeder.feed()
    assert runs.get_run(alice.user_id, made.id).finished_at is None
    analyse_all()
    run_feeder.feed()
    assert runs.get_run(alice.user_id, made.id).finished_at is not None
    assert counts(alice, made) == {"completed": 7}


def test_what_waits_keeps_its_status_until_its_turn(alice: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr(run_feeder, "MOST_QUEUED", 1)
    older, newer = by_basic(alice), by_basic(alice)
    run(alice, reuse=False)
    assert row_of(alice.user_id, newer.id).analysis_status == "pending"
    assert row_of(alice.user_id, older.id).analysis_status == "completed"


def test_what_is_being_analysed_has_its_turn_afterwards(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id)
    claim = leases.claim()
    assert claim is not None
    made = run(alice, detail="brief")
    assert counts(alice, made) == {"waiting": 1}
    leases.hand_back(claim)
    run_feeder.feed()
    assert counts(alice, made) == {"queued": 1}
    assert row_of(alice.user_id, image_id).ask == {"detail": "brief", "run_id": str(made.id)}


def test_a_cancelled_run_leaves_pictures_as_they_were(
    alice: Person, model: OpenAIServer, monkeypatch: Any
) -> None:
    monkeypatch.setattr(run_feeder, "MOST_QUEUED", 3)
    image_id = described(alice)
    before = row_of(alice.user_id, image_id)
    failed = add_image(
        alice.user_id, analysis_status="failed", error_code="x", error_message="Because"
    )
    pending, later = add_picture(alice.user_id), by_basic(alice)
    add_webhook(alice.user_id)
    made = run(alice, images=[image_id, failed.id, pending], detail="brief")
    more = run(alice, images=[later.id], detail="brief")
    assert counts(alice, made) == {"queued": 3}
    shown = runs.cancel_run(alice.user_id, made.id)
    assert shown.finished_at is not None
    assert shown.cancelled_at is not None
    assert counts(alice, made) == {"cancelled": 3}
    row = row_of(alice.user_id, image_id)
    assert (row.analysis_status, row.completed_at, row.ask) == (
        "completed",
        before.completed_at,
        None,
    )
    row = row_of(alice.user_id, failed.id)
    assert (row.analysis_status, row.error_code, row.error_message) == ("failed", "x", "Because")
    assert row_of(alice.user_id, pending).analysis_status == "pending"
    assert counts(alice, more) == {"queued": 1}
    assert deliveries_of(alice.user_id) == []


def test_what_waits_is_cancelled_with_the_rest(alice: Person, monkeypatch: Any) -> None:
    monkeypatch.setattr(run_feeder, "MOST_QUEUED", 1)
    for _ in range(3):
        by_basic(alice)
    made = run(alice, reuse=False)
    runs.cancel_run(alice.user_id, made.id)
    assert counts(alice, made) == {"cancelled": 3}
    assert runs.cancel_run(alice.user_id, made.id).finished_at is not None


def test_a_run_whose_canceller_died_is_ended_by_the_worker(alice: Person) -> None:
    image = by_basic(alice)
    made = run(alice, reuse=False)
    with transaction(alice.user_id) as session:
        session.get_one(Run, made.id).cancelled_at = now()
    run_feeder.feed()
    assert counts(alice, made) == {"cancelled": 1}
    assert row_of(alice.user_id, image.id).analysis_status == "completed"


def test_what_is_under_way_is_finished_although_the_run_is_cancelled(
    alice: Person, model: OpenAIServer
) -> None:
    add_picture(alice.user_id)
    made = run(alice, detail="brief")
    claim = leases.claim()
    assert claim is not None
    assert runs.cancel_run(alice.user_id, made.id).finished_at is None
    leases.hand_back(claim)
    run_feeder.feed()
    assert counts(alice, made) == {"cancelled": 1}


def test_whoever_asks_for_a_picture_otherwise_takes_it_out(alice: Person) -> None:
    image = by_basic(alice)
    first, second = run(alice, reuse=False), run(alice, reuse=False)
    assert (counts(alice, first), counts(alice, second)) == ({"skipped": 1}, {"queued": 1})
    describe.request_analysis(alice.user_id, image.id)
    assert counts(alice, second) == {"skipped": 1}


def test_the_trash_ends_the_wait(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id)
    made = run(alice, detail="brief")
    images.delete_image(alice.user_id, image_id)
    assert counts(alice, made) == {"skipped": 1}
    trash.restore_image(alice.user_id, image_id)
    assert counts(alice, made) == {"queued": 1}
    analyse_all()
    assert counts(alice, made) == {"completed": 1}


def test_a_picture_that_is_removed_does_not_hold_up_its_run(alice: Person) -> None:
    image = by_basic(alice)
    made = run(alice, reuse=False)
    images.delete_image(alice.user_id, image.id, permanent=True)
    run_feeder.feed()
    shown = runs.get_run(alice.user_id, made.id)
    assert (shown.total, counts(alice, made)) == (1, {})
    assert shown.finished_at is not None


def test_a_picture_lost_with_its_workers_is_counted(alice: Person, model: OpenAIServer) -> None:
    image_id = add_picture(alice.user_id)
    made = run(alice, detail="brief")
    change(alice.user_id, image_id, lost_attempts=2)
    assert leases.claim() is not None
    change(alice.user_id, image_id, lease_expires_at=now())
    leases._spared_until[0] = 0
    leases.return_expired()
    assert counts(alice, made) == {"failed": 1}


def test_runs_are_forgotten_in_the_end(alice: Person) -> None:
    made = run(alice)
    with transaction(alice.user_id) as session:
        row = session.get_one(Run, made.id)
        assert row.finished_at is not None
        row.finished_at = row.finished_at.replace(year=row.finished_at.year - 1)
    assert runs.purge_runs() == 1
    assert runs.list_runs(alice.user_id).items == []


def test_runs_and_their_pictures_are_read_in_pages(alice: Person) -> None:
    for _ in range(5):
        add_image(alice.user_id)
    made = [run(alice) for _ in range(3)]
    first = runs.list_runs(alice.user_id, limit=2)
    rest = runs.list_runs(alice.user_id, limit=2, cursor=first.next_cursor)
    assert [one.id for one in (*first.items, *rest.items)] == [one.id for one in reversed(made)]
    page = runs.list_items(alice.user_id, made[-1].id, outcome=RunOutcome.QUEUED, limit=3)
    more = runs.list_items(
        alice.user_id, made[-1].id, outcome=RunOutcome.QUEUED, limit=3, cursor=page.next_cursor
    )
    assert len({item.image_id for item in (*page.items, *more.items)}) == 5
    assert more.next_cursor is None


@pytest.mark.parametrize("call", [runs.get_run, runs.cancel_run, runs.list_items])
def test_somebody_else_finds_nothing(
    alice: Person, mallory: Person, call: Callable[[UUID, UUID], Any]
) -> None:
    by_basic(alice)
    made = run(alice, reuse=False)
    for run_id in (made.id, uuid4()):
        with pytest.raises(NotFound):
            call(mallory.user_id, run_id)
    assert runs.list_runs(mallory.user_id).items == []
    run_feeder.feed_run(mallory.user_id, made.id)
    assert counts(alice, made) == {"queued": 1}
