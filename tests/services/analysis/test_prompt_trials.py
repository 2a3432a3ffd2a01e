"""A prompt that is tried before it is saved: both sides, what it costs, and whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from imgapp.adapters import queue
from imgapp.adapters.db import transaction
from imgapp.adapters.vision.prompt import PROMPT_VERSION
from imgapp.errors import Conflict, DatabaseUnavailable, InvalidRequest, NotFound
from imgapp.models import ImageAnalysis, PromptTrial, now
from imgapp.services.analysis import describe, prompt_trial_worker, prompt_trials
from imgapp.services.analysis.preferences import PreferencesEdit, change_preferences
from imgapp.services.analysis.prompt_trials import TrialPublic, TrialRequest
from imgapp.services.analysis.prompts import save_prompt
from imgapp.services.common import rate_limits, retries
from imgapp.services.installation.runtime_settings import InstallationEdit, change_installation
from imgapp.services.queue import leases
from imgapp.services.spending import usage
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.rows import add_trial
from tests.support.waiting import add_picture, change, row_of

TRIED = "Answer as JSON, in {language}, like a poet."
POEM = Reply(answer={"alt_text": "A red bicycle dreams against the wall"})


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, OPENAI_API_KEY="key", IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


def a_picture(person: Person, **columns: Any) -> UUID:
    """One that nobody describes meanwhile."""
    return add_picture(person.user_id, analysis_status="failed", **columns)


def start(person: Person, *image_ids: UUID, template: str = TRIED, **more: Any) -> TrialPublic:
    request = TrialRequest(template=template, image_ids=list(image_ids), **more)
    return prompt_trials.start_trial(person.user_id, request)


def answer_all(person: Person, trial: TrialPublic) -> TrialPublic:
    for _ in range(2 * prompt_trials.MOST_PICTURES + 1):
        prompt_trial_worker.answer_one(person.user_id, trial.id)
    return prompt_trials.get_trial(person.user_id, trial.id)


def conflict(person: Person, *image_ids: UUID) -> str:
    with pytest.raises(Conflict) as refusal:
        start(person, *image_ids)
    return refusal.value.code


def test_both_prompts_answer_side_by_side_and_nothing_is_an_analysis(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = a_picture(alice)
    trial = start(alice, image_id)
    assert not trial.finished
    assert [picture.image_id for picture in trial.pictures] == [image_id]
    model.script(Reply(), POEM)
    (picture,) = answer_all(alice, trial).pictures
    assert (picture.now.alt_text, picture.now.prompt_version) == (model.alt_text, PROMPT_VERSION)
    assert (picture.new.alt_text, picture.new.prompt_version) == (
        "A red bicycle dreams against the wall",
        prompt_trials.TRIED,
    )
    assert (picture.new.input_tokens, picture.new.output_tokens) == (900, 80)
    assert [("like a poet" in call.said) for call in model.calls] == [False, True]
    model.assert_requests_were_clean()
    assert row_of(alice.user_id, image_id).analysis_status == "failed"
    with transaction(alice.user_id) as session:
        assert session.exec(select(ImageAnalysis)).all() == []


def test_an_analysis_of_the_present_prompt_is_not_paid_for_again(
    alice: Person, model: OpenAIServer
) -> None:
    image_id = add_picture(alice.user_id)
    describe.run_one()
    trial = start(alice)
    assert trial.pictures[0].now.made_at is not None
    assert answer_all(alice, trial).finished
    assert len(model.calls) == 2
    change_preferences(alice.user_id, PreferencesEdit(context="A bicycle shop"))
    anew = start(alice, image_id)
    assert anew.pictures[0].now.state == "waiting", "it would be asked something else now"


def test_without_a_choice_it_is_the_newest_three(alice: Person, model: OpenAIServer) -> None:
    ids = [a_picture(alice, uploaded_at=now() - timedelta(days=age)) for age in range(4)]
    change(alice.user_id, ids[0], deleted_at=now())
    trial = start(alice)
    assert [picture.image_id for picture in trial.pictures] == ids[1:]
    assert queue.pending_permits(queue.TRIALS) == 6


def test_the_pace_of_everybody_holds(alice: Person, admin: Person, model: OpenAIServer) -> None:
    limits = InstallationEdit(max_in_flight=1, requests_per_minute=1_000)
    change_installation(admin.user_id, limits)
    trial = start(alice, a_picture(alice), a_picture(alice))
    assert queue.pending_permits(queue.TRIALS) == 1, "one at a time"
    prompt_trial_worker.answer_one(alice.user_id, trial.id)
    assert queue.pending_permits(queue.TRIALS) == 2, "and then the next"
    assert answer_all(alice, trial).finished


@pytest.mark.parametrize("whose", ["own", "everybody"])
def test_nothing_is_asked_in_a_pause(
    alice: Person, admin: Person, model: OpenAIServer, whose: str
) -> None:
    image_id = a_picture(alice)
    if whose == "own":
        change_preferences(alice.user_id, PreferencesEdit(paused=True))
    else:
        change_installation(admin.user_id, InstallationEdit(paused=True))
    assert conflict(alice, image_id) == "not_now"


@pytest.mark.parametrize("whose", ["person_budget", "budget"])
def test_nothing_is_asked_without_money(
    alice: Person, admin: Person, model: OpenAIServer, whose: str
) -> None:
    image_id = a_picture(alice)
    change_installation(admin.user_id, InstallationEdit.model_validate({whose: 0}))
    with pytest.raises(Conflict, match="This month's budget is used up") as refusal:
        start(alice, image_id)
    assert refusal.value.code == "not_now"
    free = {model.model: {"input": 0, "output": 0}}
    change_installation(admin.user_id, InstallationEdit.model_validate({"prices": free}))
    assert answer_all(alice, start(alice, image_id)).pictures[0].new.state == "answered"


def test_what_cannot_be_tried(alice: Person, model: OpenAIServer) -> None:
    assert conflict(alice) == "no_pictures"
    image_id = a_picture(alice)
    with pytest.raises(InvalidRequest):
        start(alice, image_id, template="{langauge}")
    start(alice, image_id)
    assert conflict(alice, image_id) == "trial_under_way"
    assert model.calls == []


def test_without_a_model_there_is_nothing_to_try(alice: Person) -> None:
    assert conflict(alice, a_picture(alice)) == "no_model"


@pytest.mark.parametrize("by", ["person", "picture"])
def test_what_must_not_leave_is_not_sent(alice: Person, model: OpenAIServer, by: str) -> None:
    image_id = a_picture(alice, never_cloud=by == "picture")
    change_preferences(alice.user_id, PreferencesEdit(never_cloud=by == "person"))
    (picture,) = answer_all(alice, start(alice, image_id)).pictures
    assert picture.new.error is not None
    assert picture.new.error.code == "never_cloud"
    assert model.calls == []


def test_a_failure_is_shown_and_not_tried_again(alice: Person, model: OpenAIServer) -> None:
    model.fail_with(500)
    (picture,) = answer_all(alice, start(alice, a_picture(alice))).pictures
    assert (picture.now.state, picture.new.state) == ("failed", "failed")
    assert picture.new.error is not None
    assert "HTTP 500" in picture.new.error.message
    assert len(model.calls) == 2


def test_an_answer_outlives_a_database_that_is_away(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, failures = prompt_trial_worker._keep, iter([DatabaseUnavailable(), DatabaseUnavailable()])

    def away_for_a_while(*args: Any) -> None:
        if (failure := next(failures, None)) is not None:
            raise failure
        keep(*args)

    monkeypatch.setattr(retries, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(prompt_trial_worker, "_keep", away_for_a_while)
    (picture,) = answer_all(alice, start(alice, a_picture(alice))).pictures
    assert (picture.now.state, picture.new.state) == ("answered", "answered")
    assert usage.list_months(alice.user_id)[0].answers == len(model.calls) == 2


def test_an_answer_that_cannot_be_written_is_paid_for(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = prompt_trial_worker._answered
    broken = {"answer": {"description": "x" * 200_000}}
    monkeypatch.setattr(prompt_trial_worker, "_answered", lambda *said: answered(*said) | broken)
    (picture,) = answer_all(alice, start(alice, a_picture(alice))).pictures
    assert picture.new.error is not None
    assert picture.new.error.code == "internal_error"
    assert usage.list_months(alice.user_id)[0].input_tokens == 2 * 900


def test_a_question_is_asked_once_whatever_becomes_of_its_worker(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = start(alice, a_picture(alice))
    assert prompt_trial_worker._take(alice.user_id, trial.id) is not None
    assert prompt_trial_worker._take(alice.user_id, trial.id) is not None
    answer_all(alice, trial)
    assert model.calls == []
    monkeypatch.setattr(prompt_trials, "LOST_AFTER", timedelta(0))
    lost = prompt_trials.get_trial(alice.user_id, trial.id)
    assert lost.finished
    assert lost.pictures[0].new.error is not None
    assert lost.pictures[0].new.error.code == "lost"
    assert start(alice).id != trial.id


def test_a_trial_that_ended_asks_nothing_more(alice: Person, model: OpenAIServer) -> None:
    trial = start(alice, a_picture(alice))
    prompt_trials.end_trial(alice.user_id, trial.id)
    prompt_trial_worker.answer_one(alice.user_id, trial.id)
    assert model.calls == []
    with pytest.raises(NotFound):
        prompt_trials.get_trial(alice.user_id, trial.id)


def test_mallory_reaches_neither_pictures_nor_trials(
    alice: Person, mallory: Person, model: OpenAIServer
) -> None:
    hers = a_picture(alice)
    with pytest.raises(NotFound):
        start(mallory, hers)
    trial_id = add_trial(alice.user_id)
    for reach in (prompt_trials.get_trial, prompt_trials.end_trial):
        with pytest.raises(NotFound):
            reach(mallory.user_id, trial_id)
    prompt_trial_worker.answer_one(mallory.user_id, trial_id)
    assert model.calls == []
    with transaction(alice.user_id) as session:
        assert len(session.exec(select(PromptTrial)).all()) == 2


def test_only_administrators_try_against_everybodys(
    alice: Person, admin: Person, model: OpenAIServer
) -> None:
    save_prompt(admin.user_id, f"{TRIED} Mine.")
    save_prompt(admin.user_id, f"{TRIED} Everybody's.", "everybody")
    with pytest.raises(NotFound):
        start(alice, a_picture(alice), scope="everybody")
    trial = start(admin, a_picture(admin), scope="everybody")
    assert trial.pictures[0].now.prompt_version == "everybody-1"


def test_nobody_tries_for_ever(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_trials, "PER_HOUR", 1)
    first = start(alice, a_picture(alice))
    prompt_trials.end_trial(alice.user_id, first.id)
    with pytest.raises(rate_limits.RateLimited):
        start(alice)
