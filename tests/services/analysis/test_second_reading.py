"""What a model missed of what is written is kept as a hint, and nobody waits for it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from imgapp.adapters.storage import get_store, rendition_key
from imgapp.errors import NotFound
from imgapp.models import ImageEdit
from imgapp.services.analysis import describe, second_reading
from imgapp.services.library import images
from imgapp.services.library.missed_words import missed_of
from imgapp.services.queue import leases
from imgapp.settings import get_settings
from tests.conftest import Person
from tests.support.openai_server import ANSWER, OpenAIServer
from tests.support.waiting import add_picture, change, row_of
from tests.support.written import page


@pytest.fixture
def model(database: None, set_env: Callable[..., None]) -> Iterator[OpenAIServer]:
    with OpenAIServer(model=f"model-{uuid4().hex[:8]}") as server:
        set_env(OPENAI_BASE_URL=server.url, IMGAPP_VISION_MODEL=server.model, IMGAPP_READING="on")
        second_reading._offered.clear()
        yield server
    second_reading._offered.clear()
    leases.resume()


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_reading, "CALM_SECONDS", 0.0)


def add_page(person: Person, text: str) -> UUID:
    """A picture with these words, of which the store has the preview."""
    image_id = add_picture(person.user_id, preview=False)
    data = io.BytesIO()
    page(text).save(data, "WEBP", lossless=True)
    spool = get_settings().data_dir / f"{image_id}.webp"
    spool.parent.mkdir(parents=True, exist_ok=True)
    spool.write_bytes(data.getvalue())
    key = rendition_key(row_of(person.user_id, image_id).s3_key, "preview")
    get_store().put(key, spool, "image/webp")
    return image_id


def test_what_the_model_missed_is_kept_apart_from_its_texts(
    alice: Person, mallory: Person, model: OpenAIServer, calm: None
) -> None:
    image_id = add_page(alice, "Seven bicycles for sale\nAsk in Harbour Street")
    describe.run_one()
    described = row_of(alice.user_id, image_id)
    assert "read" not in described.facts

    second_reading.read_offered()

    image = row_of(alice.user_id, image_id)
    assert image.facts["read"] == ["Seven bicycles for sale", "Ask in Harbour Street"]
    assert (image.visible_text, image.alt_text) == (described.visible_text, ANSWER["alt_text"])
    shown = images.get_image(alice.user_id, image_id)
    assert missed_of(shown) == image.facts["read"]
    with pytest.raises(NotFound):
        images.get_image(mallory.user_id, image_id)

    # Once it is in a text, it is no hint any more.
    edit = ImageEdit(visible_text="Seven bicycles for sale.\nAsk in Harbour Street!")
    assert missed_of(images.edit_image(alice.user_id, image_id, edit)) == []


def test_nothing_is_kept_where_the_model_saw_it(
    alice: Person, model: OpenAIServer, calm: None
) -> None:
    image_id = add_page(alice, str(ANSWER["alt_text"])[:40])
    describe.run_one()
    before = row_of(alice.user_id, image_id).updated_at
    second_reading.read_offered()
    image = row_of(alice.user_id, image_id)
    assert "read" not in image.facts
    assert image.updated_at == before


def test_another_persons_picture_is_not_read(
    alice: Person, mallory: Person, model: OpenAIServer
) -> None:
    image_id = add_page(alice, "Seven bicycles for sale")
    second_reading.read_again(mallory.user_id, image_id)
    assert "read" not in row_of(alice.user_id, image_id).facts


def test_what_is_gone_or_has_lost_its_files_is_left_alone(
    alice: Person, model: OpenAIServer
) -> None:
    second_reading.read_again(alice.user_id, uuid4())
    second_reading.read_again(alice.user_id, add_picture(alice.user_id, preview=False))


def test_it_waits_while_pictures_are_described_faster_than_it_reads(
    alice: Person, model: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    noted = (alice.user_id, uuid4())
    second_reading.offer(*noted)
    clock[0] += second_reading.CALM_SECONDS / 2
    assert second_reading._next() is None
    clock[0] += second_reading.CALM_SECONDS
    assert second_reading._next() == noted
    assert second_reading._next() is None


def test_of_too_many_the_newest_are_read(alice: Person, model: OpenAIServer) -> None:
    for _ in range(second_reading.MOST_OFFERED + 5):
        second_reading.offer(alice.user_id, alice.user_id)
    assert len(second_reading._offered) == second_reading.MOST_OFFERED


def test_switched_off_nothing_is_noted(
    alice: Person, model: OpenAIServer, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_READING="off")
    add_page(alice, "Seven bicycles for sale")
    describe.run_one()
    assert not second_reading._offered


def test_what_needs_no_model_is_read_once(
    alice: Person, model: OpenAIServer, calm: None, set_env: Callable[..., None]
) -> None:
    set_env(IMGAPP_VISION="basic")
    image_id = add_page(alice, "Seven bicycles for sale\nAsk in Harbour Street")
    describe.run_one()
    assert not second_reading._offered
    image = row_of(alice.user_id, image_id)
    assert image.visible_text == "Seven bicycles for sale\nAsk in Harbour Street"
    assert image.facts["looks"]["kind"]


def test_a_worker_that_ends_reads_no_more(alice: Person, model: OpenAIServer, calm: None) -> None:
    image_id = add_page(alice, "Seven bicycles for sale")
    change(alice.user_id, image_id, alt_text=None)
    second_reading.offer(alice.user_id, image_id)
    leases.stop()
    second_reading.read_offered()
    assert "read" not in row_of(alice.user_id, image_id).facts
    assert len(second_reading._offered) == 1
