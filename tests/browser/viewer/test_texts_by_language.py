"""Texts of a picture in several languages, their states and doubts, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.viewer.viewing import Pictures, open_picture, send, shown, text
from tests.support.openai_server import ANSWER, OpenAIServer, Reply

pytestmark = pytest.mark.browser

ENGLISH = str(ANSWER["alt_text"])
GERMAN = "Ein rotes Fahrrad lehnt an einer weißen Wand"
IN_GERMAN = {
    "alt_text": GERMAN,
    "description": f"{GERMAN}. Die Sonne wirft seinen Schatten auf den Boden.",
    "tags": ["Fahrrad", "Wand"],
    "language": "de",
}
IN_ARABIC = {
    "alt_text": "دراجة حمراء عند جدار أبيض",
    "description": "دراجة حمراء عند جدار أبيض في ضوء الشمس.",
    "tags": ["دراجة"],
    "language": "ar",
}


@pytest.fixture
def multilingual(page: Page) -> Iterator[Page]:
    """The page of somebody who owes German and Arabic besides English."""
    send(page, "PATCH", "/api/preferences", {"further_languages": ["de", "ar"]})
    yield page
    send(page, "PATCH", "/api/preferences", {"further_languages": []})


def said(page: Page, image_id: str, language: str) -> Any:
    texts = page.evaluate(f"fetch('/api/images/{image_id}').then((answer) => answer.json())")
    return texts["texts"].get(language)


def stored(page: Page, image_id: str, language: str, **members: Any) -> None:
    """Wait until the server says so: the page shows at once what it only sends then."""
    page.wait_for_function(
        """async ([path, language, members]) => {
            const image = await (await fetch(path)).json();
            const text = image.texts[language] ?? {};
            const same = ([name, value]) => JSON.stringify(text[name]) === JSON.stringify(value);
            return Object.entries(members).every(same);
        }""",
        arg=[f"/api/images/{image_id}", language, members],
    )


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Languages").get_by_role("button", name=name)


def choose(page: Page, name: str) -> None:
    tab(page, name).click()
    expect(tab(page, name)).to_have_attribute("aria-pressed", "true")


def state(page: Page) -> Locator:
    return page.get_by_test_id("text-state")


def test_languages_stand_side_by_side_and_each_is_written_for_itself(
    multilingual: Page, pictures: Pictures
) -> None:
    page = multilingual
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    expect(tab(page, "English draft")).to_have_attribute("aria-pressed", "true")
    expect(tab(page, "German · Deutsch nothing yet")).to_be_visible()

    choose(page, "Arabic")
    page.keyboard.press("e")
    field = text(page, "Alt text").get_by_role("textbox", name="Alt text")
    expect(field).to_have_attribute("lang", "ar")
    field.fill("دراجة حمراء")
    page.keyboard.press("Enter")
    arabic = text(page, "Alt text").locator(".said")
    expect(arabic).to_have_text("دراجة حمراء")
    expect(arabic).to_have_attribute("lang", "ar")
    assert arabic.evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    expect(text(page, "Alt text").locator(".beside [lang=en]")).to_have_text(ENGLISH)
    expect(tab(page, "Arabic · العربية draft")).to_have_attribute("aria-pressed", "true")
    tags = text(page, "Tags")
    tags.get_by_role("textbox", name="Add a tag").fill("دراجة")
    page.keyboard.press("Enter")
    expect(tags.locator(".tag")).to_have_text(["دراجة"])
    expect(tags).to_contain_text("written by a person")
    stored(page, one, "ar", alt_text="دراجة حمراء", tags=["دراجة"])
    assert said(page, one, "en")["alt_text"] == ENGLISH

    # The keyboard goes on to the next language; the picture's own text is still what it was.
    text(page, "Alt text").get_by_role("button", name="Edit: Alt text").focus()
    page.keyboard.press("l")
    expect(tab(page, "English")).to_have_attribute("aria-pressed", "true")
    expect(text(page, "Alt text").locator(".said")).to_have_text(ENGLISH)
    expect(text(page, "Alt text").locator(".beside")).to_have_count(0)
    expect(viewer.get_by_role("img", name=ENGLISH)).to_be_visible()


def test_a_text_is_approved_changed_returned_and_taken_back(
    multilingual: Page, pictures: Pictures
) -> None:
    page = multilingual
    (one,) = pictures(1)
    send(page, "PUT", f"/api/images/{one}/texts/de", {"alt_text": GERMAN})
    viewer = open_picture(page, one)
    choose(page, "German")
    expect(state(page)).to_contain_text("draft")
    page.keyboard.press("a")
    expect(state(page)).to_contain_text("approved")
    expect(tab(page, "German · Deutsch approved")).to_be_visible()
    expect(tab(page, "English draft")).to_be_visible()
    expect(viewer.get_by_role("button", name="Approve", exact=True)).to_have_count(0)

    # What changes is a draft again; the wording that was approved holds meanwhile.
    page.keyboard.press("e")
    page.keyboard.type(" am Morgen")
    page.keyboard.press("Enter")
    expect(state(page)).to_contain_text("draft")
    expect(viewer.get_by_text("The approved wording holds")).to_contain_text(GERMAN)

    page.keyboard.press("r")
    form = viewer.get_by_role("form", name="Return")
    why = form.get_by_label("Why it is returned")
    expect(why).to_be_focused()
    page.keyboard.type("It is evening")
    form.get_by_role("button", name="Return it").click()
    expect(state(page)).to_contain_text("returned")
    expect(viewer.get_by_text("Why it was returned:")).to_contain_text("It is evening")
    assert said(page, one, "de")["note"] == "It is evening"

    text(page, "Alt text").get_by_role("button", name="Edit: Alt text").click()
    text(page, "Alt text").get_by_role("textbox", name="Alt text").fill(f"{GERMAN} am Abend")
    viewer.get_by_role("button", name="Save and approve").click()
    expect(state(page)).to_contain_text("approved")
    stored(page, one, "de", state="approved", alt_text=f"{GERMAN} am Abend")
    viewer.get_by_role("button", name="Take back").click()
    expect(state(page)).to_contain_text("draft")
    assert said(page, one, "en")["state"] == "draft"


def test_who_saves_over_somebody_elses_change_is_told_and_loses_nothing(
    multilingual: Page, pictures: Pictures
) -> None:
    page = multilingual
    (one,) = pictures(1)
    path = f"/api/images/{one}/texts/de"
    send(page, "PUT", path, {"alt_text": GERMAN})
    open_picture(page, one)
    choose(page, "German")
    alt_text = text(page, "Alt text")
    alt_text.get_by_role("button", name="Edit: Alt text").click()
    field = alt_text.get_by_role("textbox", name="Alt text")
    field.fill("Meine Worte")
    # Somebody else is faster, by the time that this page needs to hear of it.
    others = [{"alt_text": "Ihre Worte"}]

    def between(route: Route) -> None:
        if route.request.method == "PUT" and others:
            headers = {"Cookie": route.request.all_headers()["cookie"], "Origin": origin}
            answer = page.request.put(origin + path, data=others.pop(), headers=headers)
            assert answer.ok, answer.text()
        route.continue_()

    origin = page.evaluate("location.origin")
    page.route(f"**{path}", between)
    page.keyboard.press("Enter")
    expect(alt_text.get_by_role("alert")).to_have_text("Not saved: it was changed meanwhile.")
    expect(alt_text.get_by_role("status")).to_contain_text("Ihre Worte")
    expect(field).to_have_value("Meine Worte")
    assert said(page, one, "de")["alt_text"] == "Ihre Worte"
    # They have seen it: now it is theirs to decide.
    alt_text.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".viewer-said")).to_have_text("Alt text saved")
    stored(page, one, "de", alt_text="Meine Worte")

    # A change of something else is no reason to ask.
    others.append({"description": "Eine Beschreibung"})
    alt_text.get_by_role("button", name="Edit: Alt text").click()
    field.fill("Meine neuen Worte")
    page.keyboard.press("Enter")
    expect(text(page, "Description")).to_contain_text("Eine Beschreibung")
    expect(alt_text.locator(".said")).to_have_text("Meine neuen Worte")
    stored(page, one, "de", alt_text="Meine neuen Worte", description="Eine Beschreibung")
    page.unroute(f"**{path}")


def test_what_is_missing_is_written_by_a_model_from_the_picture_or_from_approved_words(
    multilingual: Page, pictures: Pictures, model: OpenAIServer
) -> None:
    page = multilingual
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    page.keyboard.press("a")
    expect(state(page)).to_contain_text("approved")

    choose(page, "German")
    form = viewer.get_by_role("form", name="Have it written")
    source = form.get_by_label("Have it written from")
    expect(source.get_by_role("option")).to_have_text(
        ["the picture", "the approved words in English"]
    )
    expect(form).to_contain_text("1 picture takes about")
    source.select_option("en")
    model.script(Reply(answer=IN_GERMAN))
    asked = len(model.calls)
    form.get_by_role("button", name="Write it").click()
    expect(text(page, "Alt text").locator(".said")).to_have_text(GERMAN)
    expect(viewer.get_by_text("Translated from English by")).to_contain_text("translation-")
    expect(tab(page, "German · Deutsch draft")).to_be_visible()
    [call] = model.calls[asked:]
    assert call.sizes == [], "no picture was sent"
    assert ENGLISH in call.said
    assert said(page, one, "en")["state"] == "approved", "the text of before is as it was"
    assert said(page, one, "de")["made_from"] == "en"

    tab(page, "Arabic").click()
    model.script(Reply(answer=IN_ARABIC))
    viewer.get_by_role("button", name="Write it").click()
    expect(text(page, "Alt text").locator(".said")).to_have_text(IN_ARABIC["alt_text"])
    expect(viewer.get_by_text("From the picture, by")).to_be_visible()
    assert model.calls[-1].sizes, "this time it was looked at"


def test_doubts_are_said_with_their_sentence_and_do_not_block(
    multilingual: Page, pictures: Pictures
) -> None:
    page = multilingual
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    send(page, "PATCH", f"/api/images/{one}", {"alt_text": "IMG_1234.jpg"})
    doubts = viewer.get_by_role("list", name="What is doubtful")
    expect(doubts).to_contain_text("The alt text is, or has, the name of a file.")
    expect(tab(page, "English draft, ")).to_contain_text("doubt")
    page.keyboard.press("a")
    expect(state(page)).to_contain_text("approved")
    send(page, "PATCH", "/api/preferences", {"rules_off": ["file_name"]})
    tab(page, "English").click()
    expect(doubts.get_by_text("the name of a file")).to_have_count(0)
    send(page, "PATCH", "/api/preferences", {"rules_off": []})


def test_the_language_that_was_chosen_stays_from_picture_to_picture(
    multilingual: Page, pictures: Pictures
) -> None:
    page = multilingual
    ids = pictures(2)
    viewer = open_picture(page, ids[0])
    choose(page, "German")
    expect(viewer.get_by_text("Nothing is said in German yet.")).to_be_visible()
    page.keyboard.press("j")
    shown(page, ids[1])
    expect(tab(page, "German")).to_have_attribute("aria-pressed", "true")
    tab(page, "English").click()
    expect(text(page, "Alt text").locator(".said")).to_have_text(ENGLISH)
