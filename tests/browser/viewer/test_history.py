"""A picture's texts over time in a real browser: suggestions, history, describing again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import live, wait_for_cards
from tests.browser.viewer.viewing import Pictures, send, text
from tests.support.openai_server import ANSWER, OpenAIServer, Reply
from tests.support.running import App
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

OTHER = {
    "alt_text": "A bicycle in the evening sun",
    "description": "A bicycle stands in the evening sun, and nobody is near it.",
    "tags": ["bicycle", "sunset"],
}


def show(page: Page, image_id: str) -> Locator:
    page.locator(f'[data-image-id="{image_id}"] button.picture').click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Alt text")).to_be_visible()
    return dialog


def test_a_model_says_otherwise_and_the_person_decides(
    page: Page, model: OpenAIServer, pictures: Pictures
) -> None:
    (image_id,) = pictures(1)
    mine = "My red bicycle leans on a wall"
    send(page, "PATCH", f"/api/images/{image_id}", {"alt_text": mine, "tags": ["bike"]})
    show(page, image_id)
    alt_text, tags = text(page, "Alt text"), text(page, "Tags")
    expect(alt_text.get_by_text("written by a person")).to_be_visible()
    offered = alt_text.get_by_role("group", name="Suggestion for Alt text")
    expect(offered.locator("del")).to_have_text("My")
    expect(offered.locator("ins")).to_have_text(["A", "white "])

    offered.get_by_role("button", name="Keep mine").click()
    expect(offered).to_have_count(0)
    expect(alt_text.get_by_text(mine, exact=True)).to_be_visible()

    tags.get_by_role("button", name="Use this").click()
    expect(tags.locator(".tag")).to_have_text(["bicycle", "wall", "shadow"])

    alt_text.get_by_role("button", name="Let it write this again").click()
    expect(alt_text.get_by_text(ANSWER["alt_text"], exact=True)).to_be_visible()
    expect(alt_text.get_by_text(f"by {model.model}-test")).to_be_visible()


def test_an_earlier_text_is_restored_from_the_history(
    page: Page, model: OpenAIServer, pictures: Pictures
) -> None:
    (image_id,) = pictures(1)
    dialog = show(page, image_id)
    model.script(Reply(answer=OTHER))
    dialog.get_by_role("button", name="Describe again").click()
    expect(text(page, "Alt text").get_by_text(OTHER["alt_text"], exact=True)).to_be_visible()

    dialog.get_by_role("button", name="Earlier texts").click()
    entries = dialog.get_by_test_id("analysis")
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("newest")
    expect(entries.first).to_contain_text("Says what the picture says now.")
    expect(entries.last).to_contain_text("900 + 80 tokens")
    entries.last.get_by_role("button", name="Restore Alt text").click()
    expect(text(page, "Alt text").get_by_text(ANSWER["alt_text"], exact=True)).to_be_visible()
    expect(text(page, "Alt text")).to_contain_text("chosen by a person")
    expect(text(page, "Description").get_by_text(OTHER["description"])).to_be_visible()

    entries.last.get_by_role("button", name="Restore all").click()
    expect(text(page, "Description").get_by_text(ANSWER["description"])).to_be_visible()
    expect(entries.last).to_contain_text("Says what the picture says now.")


@pytest.mark.long
def test_a_picture_is_described_as_its_owner_wants(
    page: Page, model: OpenAIServer, pictures: Pictures
) -> None:
    (image_id,) = pictures(1)
    dialog = show(page, image_id)
    dialog.get_by_role("button", name="How it is described").click()
    dialog.get_by_label("What this picture is for").fill("Shows where the lock is")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_text("It goes for the next description.")).to_be_visible()

    dialog.get_by_label("Detail").select_option("brief")
    dialog.get_by_role("button", name="Describe it like this").click()
    model.wait_for_calls(2)
    assert "Shows where the lock is" in model.calls[-1].said
    assert "one full sentence" in model.calls[-1].said
    wait_for_cards(page, 1, "completed")

    dialog.get_by_role("button", name="How it is described").click()
    switch = dialog.get_by_role("switch", name="Never send it")
    expect(switch).to_have_attribute("aria-checked", "false")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    dialog.get_by_role("button", name="Describe again", exact=True).click()
    expect(dialog.get_by_text("basic-1").first).to_be_visible()
    assert len(model.calls) == 2


@pytest.mark.long
def test_what_no_model_described_is_upgraded_with_one_click(
    app: App, page: Page, model: OpenAIServer, pictures: Pictures
) -> None:
    (image_id,) = pictures(1)
    send(page, "POST", f"/api/images/{image_id}/analyze", {"model": "basic-1"})
    read = f"fetch('/api/images/{image_id}').then((answer) => answer.json())"
    eventually(lambda: page.evaluate(read)["analysis"]["model_version"] == "basic-1")
    page.goto(app.url)
    live(page)
    hint = page.get_by_role("region", name="Pictures without a model's description")
    expect(hint).to_contain_text("1 picture was described without a vision model.")
    hint.get_by_role("button", name="Describe them again").click()
    expect(hint).to_contain_text("Described again: 1 of 1 done.")
    hint.get_by_role("button", name="Done").click()
    expect(hint).to_have_count(0)
    newest = page.evaluate(f"fetch('/api/images/{image_id}/analyses').then((a) => a.json())")
    # It had been asked just this before: nothing was paid for again.
    assert newest["items"][0]["reused_from"] == newest["items"][2]["id"]
    assert len(model.calls) == 1
