"""Models of the catalogue that administrators have fetched in the page, by a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from imgapp.adapters.model_runtime import pulling
from imgapp.errors import NotFound
from imgapp.services.analysis import model_trials
from imgapp.services.installation import bundled_models, model_pulls
from imgapp.services.installation.model_pulls import BundledModelPublic
from tests.conftest import Person
from tests.support.model_hub import CHOSEN, MODEL, model_hub, usual_answer
from tests.support.receivers import Answer, Received, Receiver
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def hub(
    database: None, set_env: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Receiver]:
    monkeypatch.setattr(bundled_models, "CATALOGUE", (CHOSEN,))
    monkeypatch.setattr(pulling, "_FIRST_PAUSE", 0.0)
    with model_hub() as running:
        set_env(IMGAPP_MODEL_HUB=running.url, IMGAPP_OUTBOUND_NETWORKS="127.0.0.1/32")
        yield running


def only(admin: Person) -> BundledModelPublic:
    (one,) = model_pulls.catalogue(admin.user_id)
    return one


def in_background() -> threading.Thread:
    thread = threading.Thread(target=model_pulls.attend)
    thread.start()
    return thread


@pytest.fixture
def stalled(hub: Receiver) -> Iterator[threading.Event]:
    """The hub keeps the second file back until this is set."""
    go_on = threading.Event()

    def answer(request: Received) -> Answer:
        if "mmproj" in request.path:
            go_on.wait(60)
        return usual_answer(request)

    hub.answer = answer
    yield go_on
    go_on.set()


def test_a_worker_fetches_what_is_wanted_and_connects_it(admin: Person, hub: Receiver) -> None:
    model_pulls.attend()
    assert hub.requests == [], "nothing is fetched unasked"
    before = only(admin)
    assert (before.here, before.connected, before.fetched) == (False, False, None)
    model_pulls.want(admin.user_id, "small-1")
    assert only(admin).fetched == 0
    model_pulls.attend()
    after = only(admin)
    assert (after.here, after.connected, after.fetched, after.problem) == (True, True, None, None)
    (connected,) = model_trials.overview(admin.user_id)
    assert (connected.name, connected.role, connected.local) == ("small-1", "default", True)
    assert bundled_models.installed()[0].model.read_bytes() == MODEL
    asked = len(hub.requests)
    model_pulls.attend()
    assert len(hub.requests) == asked


def test_how_far_it_is_is_told(admin: Person, stalled: threading.Event) -> None:
    model_pulls.want(admin.user_id, "small-1")
    worker = in_background()
    eventually(lambda: (only(admin).fetched or 0) >= len(MODEL))
    assert only(admin).fetched != CHOSEN.size
    stalled.set()
    worker.join()
    assert only(admin).connected


def test_what_goes_wrong_is_said_and_it_goes_on_when_asked_again(
    admin: Person, hub: Receiver
) -> None:
    def answer(request: Received) -> Answer:
        return (404, {}, b"") if "mmproj" in request.path else usual_answer(request)

    hub.answer = answer
    model_pulls.want(admin.user_id, "small-1")
    model_pulls.attend()
    failed = only(admin)
    assert failed.problem is not None
    assert "mmproj-small.gguf could not be fetched" in failed.problem
    asked = len(hub.requests)
    model_pulls.attend()
    assert len(hub.requests) == asked, "not again unasked"
    hub.answer = usual_answer
    hub.requests.clear()
    model_pulls.want(admin.user_id, "small-1")
    assert only(admin).problem is None
    model_pulls.attend()
    assert only(admin).connected
    assert not [one for one in hub.requests if "/small.gguf" in one.path], "what was there stayed"


def test_it_is_let_be_while_it_comes(admin: Person, stalled: threading.Event) -> None:
    model_pulls.want(admin.user_id, "small-1")
    worker = in_background()
    eventually(lambda: (only(admin).fetched or 0) >= len(MODEL))
    model_pulls.unwant(admin.user_id, "small-1")
    stalled.set()
    worker.join()
    assert (only(admin).here, only(admin).fetched) == (False, None)
    assert bundled_models.pull_progress("small-1") is None
    assert model_trials.overview(admin.user_id) == []
    with pytest.raises(NotFound):
        model_pulls.unwant(admin.user_id, "small-1")


def test_what_failed_is_thrown_away_with_it(admin: Person, hub: Receiver) -> None:
    hub.answer = lambda _: (404, {}, b"")
    model_pulls.want(admin.user_id, "small-1")
    model_pulls.attend()
    assert bundled_models.pull_progress("small-1") is not None
    model_pulls.unwant(admin.user_id, "small-1")
    assert bundled_models.pull_progress("small-1") is None


def test_two_workers_do_not_fetch_the_same(
    admin: Person, hub: Receiver, stalled: threading.Event
) -> None:
    model_pulls.want(admin.user_id, "small-1")
    worker = in_background()
    eventually(lambda: any("mmproj" in request.path for request in hub.requests))
    asked = len(hub.requests)
    model_pulls.attend()
    assert len(hub.requests) == asked
    stalled.set()
    worker.join()


def test_another_worker_goes_on_when_one_is_gone(
    admin: Person, administrator: sa.Engine, hub: Receiver
) -> None:
    model_pulls.want(admin.user_id, "small-1")
    gone = "UPDATE model_pulls SET lease_id = gen_random_uuid(), lease_expires_at = now() + {}"
    with administrator.begin() as connection:
        connection.execute(sa.text(gone.format("interval '1 minute'")))
    model_pulls.attend()
    assert hub.requests == []
    with administrator.begin() as connection:
        connection.execute(sa.text(gone.format("interval '-1 second'")))
    model_pulls.attend()
    assert only(admin).connected


def test_what_is_here_already_is_connected(admin: Person, hub: Receiver) -> None:
    bundled_models.pull("small-1")
    assert (only(admin).here, only(admin).connected) == (True, False)
    asked = len(hub.requests)
    model_pulls.want(admin.user_id, "small-1")
    model_pulls.attend()
    assert only(admin).connected
    assert len(hub.requests) == asked


def test_whoever_asked_may_be_no_administrator_any_more(
    admin: Person, administrator: sa.Engine
) -> None:
    model_pulls.want(admin.user_id, "small-1")
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET is_admin = false"))
    model_pulls.attend()
    with administrator.begin() as connection:
        connection.execute(sa.text("UPDATE users SET is_admin = true"))
    one = only(admin)
    assert (one.here, one.connected) == (True, False)
    assert "no administrator any more" in (one.problem or "")


def test_a_name_outside_the_catalogue_is_not_found(admin: Person) -> None:
    with pytest.raises(NotFound, match="There are small-1"):
        model_pulls.want(admin.user_id, "../small-1")


def test_mallory_sees_and_moves_nothing(mallory: Person, admin: Person, hub: Receiver) -> None:
    model_pulls.want(admin.user_id, "small-1")
    for attempt in (
        lambda: model_pulls.catalogue(mallory.user_id),
        lambda: model_pulls.want(mallory.user_id, "small-1"),
        lambda: model_pulls.unwant(mallory.user_id, "small-1"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert only(admin).fetched == 0
    assert hub.requests == []
