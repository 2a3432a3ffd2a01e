"""What is read without a model, what nobody could say, and what a model missed, in the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person, add_pictures, sign_in_to
from tests.support.openai_server import OpenAIServer
from tests.support.running import EMAIL, PASSWORD, App, running_app
from tests.support.written import LETTER
from tests.support.written import page as words

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(600)]

OWNER = Person(EMAIL, PASSWORD)
SLOW = 120_000


@pytest.fixture(scope="module")
def reading_app() -> Iterator[App]:
    """Without a model."""
    with running_app(IMGAPP_WORKER_NICENESS="0", IMGAPP_WEB_PROCESSES="1") as running:
        yield running


def test_words_are_read_what_stays_unknown_is_found_and_what_a_model_missed_is_a_hint(
    page: Page, reading_app: App, model: OpenAIServer, tmp_path: Path
) -> None:
    sign, plain, missed = (tmp_path / f"{name}.png" for name in ("sign", "plain", "missed"))
    words(LETTER).save(sign)
    Image.linear_gradient("L").resize((900, 600)).save(plain)
    add_pictures(reading_app, OWNER, [sign, plain])

    sign_in_to(reading_app, page, OWNER)
    cards = page.get_by_test_id("card")
    expect(cards.filter(has_text="your order of seven bicycles")).to_have_count(1, timeout=SLOW)
    page.get_by_role("button", name="1 picture needs a text").click()
    expect(page.get_by_test_id("found")).to_have_text("1 found")
    expect(cards).to_contain_text("plain.png")

    new = {"base_url": model.url, "model": model.model, "role": "default"}
    with reading_app.client() as client:
        client.post("/api/installation/models", json=new).raise_for_status()
    words("Fresh apples from the garden\nTwo for one on Fridays").save(missed)
    (image_id,) = add_pictures(reading_app, OWNER, [missed])
    page.goto(f"{reading_app.url}/?picture={image_id}")
    hint = page.get_by_role("group", name="Also read in the picture")
    expect(hint).to_contain_text("Fresh apples from the garden", timeout=SLOW)
    hint.get_by_role("button", name="Add to the visible text").click()
    expect(hint).to_have_count(0)
    with reading_app.client() as client:
        image = client.get(f"/api/images/{image_id}").json()
    assert "Fresh apples from the garden" in image["visible_text"]
    assert image["alt_text"] == model.alt_text
