"""A model is asked about one picture, and what came of it is said to the administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from imgapp.errors import Conflict, InvalidRequest, NotFound, RateLimited
from imgapp.services.analysis import model_trials, preferences
from imgapp.services.analysis.model_trials import ModelTrial
from imgapp.services.analysis.preferences import PreferencesEdit
from imgapp.services.installation import connected_models, runtime_settings
from imgapp.services.installation.connected_models import ModelConnection
from imgapp.services.installation.runtime_settings import InstallationEdit
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, row_of


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"eyes-{uuid4().hex[:8]}") as running:
        yield running


@pytest.fixture
def tried(admin: Person, server: OpenAIServer) -> Callable[..., ModelTrial]:
    """`tried(image_id)`: the server's model, which is not connected."""

    def ask(image_id: UUID | None = None, **more: Any) -> ModelTrial:
        new = ModelConnection(base_url=server.url, model=server.model, **more)
        return model_trials.try_new(admin.user_id, new, image_id)

    return ask


def test_it_says_what_was_seen_and_what_the_server_takes(
    admin: Person, server: OpenAIServer, tried: Callable[..., ModelTrial]
) -> None:
    image_id = add_picture(admin.user_id)
    server.rejects = {"json_schema"}
    found = tried()
    assert (found.works, found.code, found.image_id) == (True, None, image_id)
    assert found.sentence.startswith("It works: an answer in ")
    assert (found.alt_text, found.language) == (server.alt_text, "en")
    assert (found.input_tokens, found.output_tokens, found.cost) == (900, 80, None)
    assert found.takes == ["Answers are JSON."]
    assert row_of(admin.user_id, image_id).alt_text is None, "nothing is written"


def test_a_library_without_pictures_gets_one_drawn(
    server: OpenAIServer, tried: Callable[..., ModelTrial]
) -> None:
    found = tried()
    assert (found.works, found.image_id) == (True, None)
    assert server.calls[-1].size == (640, 420)
    server.assert_requests_were_clean()


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (Reply(401, error={"message": "bad key"}), "key_refused", "Check it on the page Models"),
        (
            Reply(500, error={"message": "image input is not supported"}),
            "model_without_vision",
            "cannot look at pictures. Choose one that can",
        ),
        (Reply(404), "model_not_found", "does not know the model"),
        (Reply(body="<html>"), "unusable_answer", "something else than an answer"),
        (Reply(drop=True), "model_unreachable", "cannot be reached. Check its address"),
    ],
)
def test_it_says_in_a_sentence_what_is_wrong(
    server: OpenAIServer,
    tried: Callable[..., ModelTrial],
    reply: Reply,
    code: str,
    words: str,
) -> None:
    server.default = reply
    found = tried()
    assert (found.works, found.code) == (False, code)
    assert words in found.sentence
    assert "Ask your administrator" not in found.sentence


def test_it_quotes_the_server_without_the_key(
    server: OpenAIServer, tried: Callable[..., ModelTrial]
) -> None:
    server.default = Reply(400, error={"message": "The key swordfish is of no use"})
    found = tried(api_key="swordfish")
    assert found.said is not None
    assert "HTTP 400" in found.said
    assert "is of no use" in found.said
    assert "swordfish" not in found.said


def test_it_costs_what_it_costs_within_the_budget(
    admin: Person, server: OpenAIServer, tried: Callable[..., ModelTrial]
) -> None:
    prices = {server.model: {"input": 1.0, "output": 10.0}}
    edit = InstallationEdit.model_validate({"prices": prices, "budget": 0.002})
    runtime_settings.change_installation(admin.user_id, edit)
    assert tried().cost == pytest.approx(900e-6 + 800e-6)
    with pytest.raises(Conflict) as caught:
        tried()
    assert caught.value.code == "budget_used_up"
    assert len(server.calls) == 1


def test_a_connected_one_is_tried_by_its_name(admin: Person, server: OpenAIServer) -> None:
    new = ModelConnection(base_url=server.url, model=server.model, name="ours")
    connected_models.connect(admin.user_id, new)
    assert model_trials.try_connected(admin.user_id, "ours").works
    with pytest.raises(NotFound):
        model_trials.try_connected(admin.user_id, "nobody's")


def test_nobody_elses_picture_is_shown_to_a_model(
    admin: Person, alice: Person, server: OpenAIServer, tried: Callable[..., ModelTrial]
) -> None:
    image_id = add_picture(alice.user_id)
    with pytest.raises(NotFound):
        tried(image_id)
    assert tried().image_id is None


@pytest.mark.parametrize("by", ["picture", "person"])
@pytest.mark.parametrize("default_is_local", [True, False])
def test_a_picture_that_must_stay_is_not_sent_elsewhere(
    admin: Person,
    server: OpenAIServer,
    tried: Callable[..., ModelTrial],
    by: str,
    default_is_local: bool,
) -> None:
    if default_is_local:
        home = ModelConnection(base_url="http://127.0.0.1:1/v1", model="home")
        connected_models.connect(admin.user_id, home)
    image_id = add_picture(admin.user_id, never_cloud=by == "picture")
    if by == "person":
        preferences.change_preferences(admin.user_id, PreferencesEdit(never_cloud=True))
    with pytest.raises(InvalidRequest) as caught:
        tried(image_id, local=False)
    assert caught.value.code == "never_cloud"
    assert server.calls == []
    assert tried(local=False).image_id is None, "one is drawn"
    assert tried(image_id).works, "it is in the house, as its address says"


def test_only_so_many_an_hour(
    server: OpenAIServer, tried: Callable[..., ModelTrial], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_trials, "PER_HOUR", 2)
    tried(), tried()
    with pytest.raises(RateLimited):
        tried()
    assert len(server.calls) == 2
