"""Texts of a picture, edited where they stand, in a real browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.viewer.viewing import Pictures, open_picture, send, shown, text
from tests.support.openai_server import ANSWER
from tests.support.running import App

pytestmark = pytest.mark.browser

MINE = "My bicycle rests in the sun"


def read(page: Page, image_id: str) -> Any:
    return page.evaluate(f"fetch('/api/images/{image_id}').then((answer) => answer.json())")


def stored(page: Page, image_id: str, **columns: Any) -> None:
    """Wait until the server says so: the page shows at once what it only sends then."""
    page.wait_for_function(
        """async ([path, columns]) => {
            const image = await (await fetch(path)).json();
            return Object.entries(columns).every(([name, value]) => image[name] === value);
        }""",
        arg=[f"/api/images/{image_id}", columns],
    )


def edit(page: Page, title: str) -> Locator:
    """The field of a text that is being edited."""
    text(page, title).get_by_role("button", name=f"Edit: {title}").click()
    return text(page, title).get_by_role("textbox", name=title)


def test_an_alt_text_is_edited_with_the_keyboard_alone(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    alt_text = text(page, "Alt text")
    page.keyboard.press("e")
    field = alt_text.get_by_role("textbox", name="Alt text")
    expect(field).to_be_focused()
    expect(field).to_have_value(ANSWER["alt_text"])
    field.fill("A picture of my bicycle")
    expect(alt_text).to_contain_text("23 / 150")
    expect(alt_text).to_contain_text("begin with what it shows")
    page.keyboard.press("Escape")
    expect(alt_text.get_by_text(ANSWER["alt_text"])).to_be_visible()
    pencil = alt_text.get_by_role("button", name="Edit: Alt text")
    expect(pencil).to_be_focused()

    page.keyboard.press("Enter")
    field.fill(MINE)
    page.keyboard.press("Enter")
    expect(alt_text.get_by_text(MINE, exact=True)).to_be_visible()
    expect(pencil).to_be_focused()
    expect(viewer.locator(".viewer-said")).to_have_text("Alt text saved")
    expect(alt_text).to_contain_text("written by a person")
    expect(viewer.get_by_role("img", name=MINE)).to_be_visible()
    stored(page, one, alt_text=MINE)
    # Letters that are typed are no shortcuts.
    page.keyboard.press("Enter")
    page.keyboard.type("cimjk")
    expect(field).to_have_value(f"{MINE}cimjk")


@pytest.mark.long
def test_longer_texts_keep_their_lines_and_ctrl_enter_saves(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    open_picture(page, one)
    field = edit(page, "Description")
    field.fill("One line")
    page.keyboard.press("Enter")
    page.keyboard.type("and another")
    page.keyboard.press("Control+Enter")
    expect(text(page, "Description").locator(".said")).to_have_text("One line\nand another")
    field = edit(page, "Text in the picture")
    field.fill("EXIT")
    text(page, "Text in the picture").get_by_role("button", name="Save").click()
    expect(text(page, "Text in the picture")).to_contain_text("written by a person")
    edit(page, "Text in the picture").fill("")
    page.keyboard.press("Control+Enter")
    expect(text(page, "Text in the picture").get_by_text("None.")).to_be_visible()
    stored(page, one, description="One line\nand another", visible_text="")


def test_texts_say_their_language_which_a_person_can_set(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    texts = {"alt_text": "مرفأ", "description": "قوارب", "visible_text": "EXIT"}
    send(page, "PATCH", f"/api/images/{one}", texts)
    open_picture(page, one)
    language = page.get_by_label("Language of these texts")
    expect(language).to_have_value("en")
    language.select_option("ar")
    stored(page, one, language="ar")
    for title in ("Alt text", "Description"):
        said = text(page, title).locator(".said")
        expect(said).to_have_attribute("lang", "ar")
        expect(said).to_have_attribute("dir", "auto")
        assert said.evaluate("(text) => getComputedStyle(text).direction") == "rtl"
    expect(text(page, "Tags").locator("ul.tags")).to_have_attribute("lang", "ar")
    viewer = page.get_by_role("dialog")
    expect(viewer.get_by_role("img", name="مرفأ")).to_have_attribute("lang", "ar")
    assert text(page, "Text in the picture").locator(".said").get_attribute("lang") is None
    field = edit(page, "Alt text")
    expect(field).to_have_attribute("lang", "ar")
    expect(field).to_have_attribute("dir", "auto")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    card = page.get_by_test_id("card").first
    for place in (card.locator(".card-alt"), card.locator(".card-description")):
        expect(place).to_have_attribute("lang", "ar")
        expect(place).to_have_attribute("dir", "auto")
    expect(card.locator("img")).to_have_attribute("lang", "ar")


def test_what_cannot_be_saved_is_put_back_says_why_and_is_not_lost(
    page: Page, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    problem = {"code": "store_unavailable", "detail": "The database does not answer"}

    def refuse(route: Route) -> None:
        if route.request.method == "PUT":
            route.fulfill(status=503, content_type="application/json", body=json.dumps(problem))
        else:
            route.continue_()

    page.route(f"**/api/images/{one}/texts/en", refuse)
    field = edit(page, "Alt text")
    field.fill(MINE)
    page.keyboard.press("Enter")
    alt_text = text(page, "Alt text")
    expect(alt_text.get_by_role("alert")).to_have_text("Not saved: The database does not answer")
    expect(field).to_have_value(MINE)
    expect(viewer.get_by_role("img", name=ANSWER["alt_text"])).to_be_visible()
    tags = text(page, "Tags")
    tags.get_by_role("button", name="Remove the tag wall").click()
    expect(tags.get_by_role("alert")).to_contain_text("Not saved")
    expect(tags.locator(".tag")).to_have_text(ANSWER["tags"])
    switch = viewer.get_by_role("switch", name="Decorative")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert read(page, one)["alt_text"] == ANSWER["alt_text"]

    page.unroute(f"**/api/images/{one}/texts/en")
    alt_text.get_by_role("button", name="Save", exact=True).click()
    expect(viewer.locator(".viewer-said")).to_have_text("Alt text saved")
    stored(page, one, alt_text=MINE)


def test_what_changes_while_one_types_is_shown_and_wipes_nothing(
    page: Page, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    open_picture(page, one)
    field = edit(page, "Alt text")
    field.fill(MINE)
    send(page, "PATCH", f"/api/images/{one}", {"alt_text": "From another tab", "tags": ["new"]})
    alt_text = text(page, "Alt text")
    expect(alt_text.get_by_role("status")).to_contain_text("From another tab")
    expect(field).to_have_value(MINE)
    expect(text(page, "Tags").locator(".tag")).to_have_text(["new"])
    alt_text.get_by_role("button", name="Use that instead").click()
    expect(field).to_have_value("From another tab")
    field.fill(MINE)
    page.keyboard.press("Enter")
    expect(page.locator(".viewer-said")).to_have_text("Alt text saved")
    stored(page, one, alt_text=MINE)


@pytest.mark.long
def test_what_is_typed_is_still_there_after_looking_at_another_picture(
    page: Page, pictures: Pictures
) -> None:
    ids = pictures(2)
    viewer = open_picture(page, ids[0])
    edit(page, "Description").fill("Half a sentence")
    viewer.get_by_role("button", name="Next picture").click()
    shown(page, ids[1])
    expect(viewer.locator(".viewer-said")).to_contain_text("What you typed is kept")
    expect(viewer.get_by_role("textbox", name="Description")).to_have_count(0)
    viewer.get_by_role("button", name="Previous picture").click()
    shown(page, ids[0])
    expect(viewer.get_by_role("textbox", name="Description")).to_have_value("Half a sentence")
    page.keyboard.press("Escape")
    expect(viewer.get_by_text(ANSWER["description"])).to_be_visible()
    assert read(page, ids[0])["description"] == ANSWER["description"]


def test_tags_are_added_and_taken_away_one_by_one(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    open_picture(page, one)
    section = text(page, "Tags")
    tags, field = section.locator(".tag"), section.get_by_role("textbox", name="Add a tag")
    field.fill("Sun, bicycle,  old town ")
    page.keyboard.press("Enter")
    expect(tags).to_have_text([*ANSWER["tags"], "Sun", "old town"])
    section.get_by_role("button", name="Remove the tag wall").click()
    expect(tags).to_have_text(["bicycle", "shadow", "Sun", "old town"])
    expect(field).to_be_focused()
    page.keyboard.press("Backspace")
    expect(tags).to_have_text(["bicycle", "shadow", "Sun"])
    expect(section).to_contain_text("written by a person")
    page.wait_for_function(
        f"() => fetch('/api/images/{one}').then((answer) => answer.json())"
        ".then((image) => image.tags.join() === 'bicycle,shadow,Sun')"
    )


@pytest.mark.long
def test_a_decorative_picture_gets_its_alt_text_back(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    alt_text = text(page, "Alt text")
    switch = alt_text.get_by_role("switch", name="Decorative")
    switch.click()
    expect(alt_text.get_by_text("Decorative: screen readers skip it.", exact=True)).to_be_visible()
    expect(viewer.locator(".stage-frame img")).to_have_attribute("alt", "")
    stored(page, one, decorative=True)
    page.keyboard.press("c")
    expect(viewer.locator(".viewer-said")).to_have_text("Decorative: its alt text is empty")
    switch.click()
    expect(alt_text.get_by_text(ANSWER["alt_text"], exact=True)).to_be_visible()
    stored(page, one, decorative=False)


@pytest.mark.long
def test_a_picture_that_is_not_looked_for_any_more_does_not_end_the_way(
    page: Page, app: App, pictures: Pictures
) -> None:
    ids = pictures(2)
    for one in ids:
        send(page, "PATCH", f"/api/images/{one}", {"alt_text": None})
    page.goto(f"{app.url}/?no_alt_text=true&picture={ids[0]}")
    viewer = shown(page, ids[0])
    page.keyboard.press("e")
    page.keyboard.type(MINE)
    page.keyboard.press("Enter")
    expect(text(page, "Alt text")).to_contain_text("written by a person")
    viewer.get_by_role("button", name="Next picture").click()
    shown(page, ids[1])
    expect(viewer.get_by_role("button", name="Previous picture")).to_be_disabled()
