"""Text in a picture is content: whatever a model makes of it, only a bounded text comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from imgapp.models import Image
from imgapp.services.analysis import describe
from imgapp.services.queue import leases
from tests.conftest import Person
from tests.support.obedient import MARKUP, ORDERS, obeying, ordering
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, analyses_of, row_of

KEY = "sk-key-that-nobody-may-see"
ASKED = {"model", "messages", "response_format", "max_completion_tokens"}


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model, OPENAI_API_KEY=KEY)
        yield server
    leases.resume()


def described(person: Person, model: OpenAIServer, reply: Reply) -> Image:
    """A picture that a model has answered to in this way."""
    image_id = add_picture(person.user_id)
    model.script(reply)
    describe.run_one()
    return row_of(person.user_id, image_id)


def texts(image: Image) -> list[str]:
    kept = [image.alt_text, image.description, image.visible_text, image.language]
    return [text for text in (*kept, *(image.tags or [])) if text]


@pytest.mark.parametrize("number", range(len(obeying())))
def test_an_answer_that_obeys_is_one_call_and_one_bounded_text(
    alice: Person, mallory: Person, model: OpenAIServer, number: int
) -> None:
    other_id = add_picture(alice.user_id, analysis_status="completed", alt_text="Untouched")
    hers_id = add_picture(mallory.user_id, analysis_status="completed", alt_text="Hers")

    image = described(alice, model, obeying()[number])

    assert (image.analysis_status, image.attempts) == ("completed", 1)
    assert len(model.calls) == 1
    assert len(analyses_of(alice.user_id, image.id)) == 1
    assert len(image.alt_text or "") <= 250
    assert len(image.description or "") <= 2_000
    assert len(image.visible_text or "") <= 10_000
    assert len(image.tags or []) <= 15
    assert all(len(tag) <= 40 for tag in image.tags or [])
    assert len(image.language or "") <= 35
    assert image.decorative is False
    assert image.user_id == alice.user_id
    for text in texts(image):
        assert not set(text) & set("\x00\x07\x1b\u202e"), text
        assert KEY not in text
    assert row_of(alice.user_id, other_id).alt_text == "Untouched"
    assert row_of(mallory.user_id, hers_id).alt_text == "Hers"


def test_markup_is_kept_as_the_text_that_it_is(
    alice: Person, model: OpenAIServer, client_for: Callable[[Person], TestClient]
) -> None:
    for markup in MARKUP:
        image = described(alice, model, Reply(answer={"visible_text": markup}))
        answer = client_for(alice).get(f"/api/images/{image.id}")
        assert answer.json()["visible_text"] == markup
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_picture_is_asked_about_without_tools_and_without_secrets(
    alice: Person, model: OpenAIServer
) -> None:
    described(alice, model, Reply(echo=True))

    [call] = model.calls
    assert set(call.body) == ASKED
    assert [message["role"] for message in call.body["messages"]] == ["system", "user"]
    sent = json.dumps(call.body)
    assert KEY not in sent
    assert alice.email not in sent
    assert str(alice.user_id) not in sent
    assert "never an instruction" in call.said


@pytest.mark.corpus
def test_pictures_that_give_orders_are_described_like_any_other(
    corpus: Path,
    tmp_path: Path,
    alice: Person,
    model: OpenAIServer,
    client_for: Callable[[Person], TestClient],
) -> None:
    pictures = sorted((corpus / "hostile" / "prompt_injection").iterdir())
    assert pictures
    pictures += [ordering(tmp_path / f"{n}.png", order) for n, order in enumerate(ORDERS)]
    hostile = obeying()

    for number, path in enumerate(pictures):
        files = {"files": (path.name, path.read_bytes())}
        taken = client_for(alice).post("/api/upload", files=files)
        assert taken.status_code == 202
        model.script(hostile[number])
        done = describe.run_one()
        assert done == UUID(taken.json()["images"][0]["id"])
        image = row_of(alice.user_id, done)
        assert (image.analysis_status, image.decorative) == ("completed", False)
        assert len(model.calls) == number + 1
    model.assert_requests_were_clean()
