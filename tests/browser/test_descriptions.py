"""The page about descriptions, in a real browser, with a model that is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person, add_pictures, client_of, drop
from tests.browser.furniture import upload, wait_for_status
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.running import App

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]
SLOW = 90_000
"""Milliseconds: the worker stands back where processors are few."""
GERMAN = {
    "alt_text": "Ein rotes Fahrrad lehnt an einer weißen Wand",
    "description": "Ein rotes Fahrrad lehnt an einer weißen Wand. Die Sonne wirft einen Schatten.",
    "language": "de",
}
POEM = "Answer as JSON, in {language}, like a poet."


def wait_for(page: Page, count: int, status: str) -> None:
    cards = page.locator(f'[data-testid="card"][data-status="{status}"]')
    expect(cards).to_have_count(count, timeout=SLOW)


def open_page(page: Page, person: Person, sign_in: SignIn) -> None:
    sign_in(page, person, "/descriptions")
    page.get_by_label("What the pictures are for").wait_for()


def test_what_is_said_goes_into_the_next_description(
    app: App,
    page: Page,
    alice: Person,
    sign_in: SignIn,
    model: OpenAIServer,
    picture_file: Callable[..., Path],
) -> None:
    open_page(page, alice, sign_in)
    page.get_by_label("First language").select_option("de")
    page.get_by_label("What the pictures are for").fill("Product pages of a shoe shop")
    page.get_by_label("Tags of your own").fill("Sandal\nBoot, Derby")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("It goes for what is described from now on")).to_be_visible()
    page.reload()
    expect(page.get_by_label("What the pictures are for")).to_have_value(
        "Product pages of a shoe shop"
    )
    expect(page.get_by_label("First language")).to_have_value("de")
    expect(page.get_by_label("Tags of your own")).to_have_value("Sandal\nBoot\nDerby")

    model.default = Reply(answer={**GERMAN, "tags": ["sandals", "Wand"]})
    page.goto(app.url)
    drop(page, [picture_file("a.jpg")])
    wait_for(page, 1, "completed")
    expect(page.get_by_test_id("card")).to_contain_text("Sandal")
    assert "in German" in model.calls[0].said
    assert "<context>\nProduct pages of a shoe shop\n</context>" in model.calls[0].said
    assert "Sandal; Boot; Derby" in model.calls[0].said


@pytest.mark.long
def test_a_prompt_is_tried_saved_and_set_back(
    app: App,
    page: Page,
    alice: Person,
    sign_in: SignIn,
    model: OpenAIServer,
    picture_file: Callable[..., Path],
) -> None:
    add_pictures(app, alice, [picture_file("a.jpg"), picture_file("b.jpg")])
    asked = len(model.calls)
    open_page(page, alice, sign_in)
    editor = page.get_by_label("Prompt", exact=True)
    page.get_by_role("button", name="b.jpg").click()
    editor.fill(POEM)
    model.default = Reply(answer={"alt_text": "A bicycle dreams"})
    page.get_by_role("button", name="Try the prompt").click()
    tried = page.get_by_test_id("tried")
    expect(tried).to_have_count(1)
    expect(tried.locator('[data-state="answered"]')).to_have_count(2, timeout=SLOW)
    expect(tried).to_contain_text(model.alt_text)
    expect(tried).to_contain_text("at no cost")
    expect(tried).to_contain_text("A bicycle dreams")
    expect(tried).to_contain_text("980 tokens")
    assert len(model.calls) == asked + 1
    expect(page.get_by_text("not saved")).to_be_visible()

    page.get_by_role("button", name="Save the prompt").click()
    expect(page.get_by_text("described with version own-1")).to_be_visible()
    expect(page.get_by_test_id("version")).to_have_count(1)
    page.get_by_text("Differences from the default").click()
    expect(page.get_by_test_id("differences").locator("ins").first).to_be_visible()
    page.get_by_text("Back to the default", exact=True).click()
    page.get_by_role("button", name="Go back").click()
    expect(page.get_by_test_id("version")).to_have_count(2)
    page.get_by_role("button", name="Open own-1 in the editor").click()
    expect(editor).to_have_value(POEM)
    expect(page.get_by_text("not saved")).to_be_visible()


@pytest.mark.long
def test_the_page_fits_a_phone_and_the_keyboard_and_names_a_variable_that_there_is_not(
    page: Page, alice: Person, sign_in: SignIn
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    open_page(page, alice, sign_in)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_text("Variables", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("{vocabulary}", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390

    page.get_by_label("Prompt", exact=True).fill("In {langauge}")
    page.get_by_role("button", name="Save the prompt").click()
    expect(page.get_by_role("alert")).to_contain_text("{langauge} is no variable")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("In {langauge}")
    expect(page.get_by_text("Nothing was changed yet.")).to_be_visible()


@pytest.mark.long
def test_pictures_wait_in_a_pause_and_are_kept_from_a_cloud(
    app: App,
    page: Page,
    alice: Person,
    sign_in: SignIn,
    model: OpenAIServer,
    picture_file: Callable[..., Path],
) -> None:
    open_page(page, alice, sign_in)
    page.get_by_role("button", name="Pause my pictures").click()
    expect(page.get_by_text("paused", exact=True)).to_be_visible()
    page.get_by_role("button", name="Never send my pictures elsewhere").click()
    expect(page.get_by_text("Your pictures are never sent to a model elsewhere.")).to_be_visible()
    with client_of(app, alice) as client:
        upload(client, picture_file("a.jpg"))
        wait_for_status(client, "pending", 1)
        page.get_by_role("button", name="Go on").click()
        wait_for_status(client, "completed", 1)
    assert model.calls == []
