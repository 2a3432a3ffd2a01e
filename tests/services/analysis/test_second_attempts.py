"""What a retry says to the model that the first attempt did not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from imgapp.models import Image, now
from imgapp.services.analysis import describe
from imgapp.services.queue import leases
from tests.conftest import Person
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.waiting import add_picture, change, row_of

GERMAN = {
    "alt_text": "Ein rotes Fahrrad lehnt an einer weißen Wand",
    "description": "Ein rotes Fahrrad lehnt an einer weißen Wand. Die Sonne wirft seinen Schatten "
    "auf den Boden, und daneben steht ein Blumentopf.",
    "tags": ["Fahrrad"],
    "language": "de",
}


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model)
        yield server
    leases.resume()


def describe_twice(person: Person, model: OpenAIServer, *replies: Reply) -> Image:
    model.script(*replies)
    image_id = add_picture(person.user_id)
    for _ in replies:
        change(person.user_id, image_id, due_at=now())
        assert describe.run_one() == image_id
    return row_of(person.user_id, image_id)


def test_a_wrong_language_is_asked_for_firmly_once(alice: Person, model: OpenAIServer) -> None:
    image = describe_twice(alice, model, Reply(answer=GERMAN), Reply())

    assert (image.analysis_status, image.language, image.attempts) == ("completed", "en", 2)
    first, second = model.calls
    assert "another language" not in first.said
    assert "in English (en), whatever language" in second.said


def test_a_model_that_insists_on_its_language_is_believed_the_second_time(
    alice: Person, model: OpenAIServer
) -> None:
    image = describe_twice(alice, model, Reply(answer=GERMAN), Reply(answer=GERMAN))

    assert (image.analysis_status, image.language) == ("completed", "de")
    assert image.alt_text == GERMAN["alt_text"]
    assert len(model.calls) == 2


def test_a_model_that_writes_prose_is_taken_at_its_word_the_second_time(
    alice: Person, model: OpenAIServer
) -> None:
    prose = Reply(content="Two dogs run along a beach. One of them carries a stick.")
    image = describe_twice(alice, model, prose, prose)

    assert (image.analysis_status, image.alt_text) == ("completed", "Two dogs run along a beach.")
    assert "JSON object alone" in model.calls[1].said
