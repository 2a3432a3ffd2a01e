"""Texts of many pictures in a real browser: looked for, approved and written by language."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Person, add_pictures, client_of, new_account, to_all_pictures
from tests.browser.furniture import wait_for_status
from tests.support.openai_server import ANSWER, OpenAIServer, Reply
from tests.support.pictures import jpeg
from tests.support.running import App
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser

GERMAN = "Ein rotes Fahrrad lehnt an einer weißen Wand"
COUNT = 3


@dataclass(frozen=True)
class Reviewer(Person):
    ids: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def reviewer(app: App, tmp_path_factory: pytest.TempPathFactory) -> Reviewer:
    """Somebody with three pictures that are described in English, and owe German."""
    person = new_account(app, "reviewer")
    folder: Path = tmp_path_factory.mktemp("reviewer")
    files = [jpeg(folder / f"{at}.jpg", seed=900 + at) for at in range(COUNT)]
    ids = add_pictures(app, person, files)
    with client_of(app, person) as client:
        wait_for_status(client, "completed", COUNT)
        client.patch("/api/preferences", json={"further_languages": ["de"]}).raise_for_status()
    return Reviewer(person.email, ids=tuple(ids))


@pytest.fixture(scope="module")
def signed_in(tab: Page, reviewer: Reviewer, sign_in: Callable[..., None]) -> Page:
    sign_in(tab, reviewer)
    return tab


@pytest.fixture
def client(app: App, reviewer: Reviewer) -> Any:
    with client_of(app, reviewer) as client:
        yield client


@pytest.fixture
def gallery(signed_in: Page) -> Page:
    to_all_pictures(signed_in)
    expect(signed_in.get_by_test_id("card")).to_have_count(COUNT)
    return signed_in


def put(client: httpx.Client, image_id: str, language: str, **said: Any) -> None:
    client.put(f"/api/images/{image_id}/texts/{language}", json=said).raise_for_status()


def texts_of(client: httpx.Client, image_id: str) -> Any:
    return client.get(f"/api/images/{image_id}").json()["texts"]


def said(page: Page, text: str) -> Locator:
    notice = page.locator(".notice:visible", has_text=text)
    expect(notice).to_be_visible()
    return notice


def select_all(page: Page) -> None:
    page.keyboard.press("Control+a")
    expect(page.get_by_test_id("selected")).to_have_text(f"{COUNT} selected")


def test_pictures_are_found_by_language_state_and_doubt(
    gallery: Page, client: httpx.Client, reviewer: Reviewer
) -> None:
    put(client, reviewer.ids[0], "de", alt_text=GERMAN, approve=True)
    put(client, reviewer.ids[1], "de", alt_text="IMG_1234.jpg")
    gallery.get_by_role("button", name="Filters").click()
    filters = gallery.get_by_role("dialog", name="Filters")
    language = filters.get_by_label("Language of the text")
    expect(language.get_by_role("option")).to_have_text(["Any", "English", "German"])
    language.select_option("de")
    cards, chips = gallery.get_by_test_id("card"), gallery.get_by_role("list", name="Filters that")
    expect(cards).to_have_count(2)
    expect(chips).to_have_text("Text in German")
    filters.get_by_label("State of the text").select_option("approved")
    expect(cards).to_have_count(1)
    expect(cards).to_have_attribute("data-image-id", reviewer.ids[0])
    assert "language=de" in gallery.url
    assert "state=approved" in gallery.url
    filters.get_by_label("State of the text").select_option("missing")
    expect(cards).to_have_attribute("data-image-id", reviewer.ids[2])
    filters.get_by_label("State of the text").select_option("")
    filters.get_by_label("Doubt").select_option("file_name")
    eventually(lambda: texts_of(client, reviewer.ids[1])["de"]["doubts"], 20)
    expect(cards).to_have_attribute("data-image-id", reviewer.ids[1])
    expect(chips).to_contain_text("Doubt: The alt text is, or has, the name of a file.")
    gallery.get_by_role("button", name="Done").click()
    gallery.get_by_role("button", name="Remove the filter Text in German").click()
    gallery.get_by_role("button", name="Clear all").click()
    expect(cards).to_have_count(COUNT)


def test_texts_are_approved_at_once_and_that_can_be_undone(
    gallery: Page, client: httpx.Client, reviewer: Reviewer
) -> None:
    put(client, reviewer.ids[0], "de", alt_text="Alt", approve=True)
    put(client, reviewer.ids[0], "de", alt_text=GERMAN)
    put(client, reviewer.ids[1], "de", alt_text="Zurückgegeben")
    path = f"/api/images/{reviewer.ids[1]}/texts/de"
    client.post(f"{path}/return", json={"note": "Blau"}).raise_for_status()

    select_all(gallery)
    gallery.get_by_role("button", name="Approve", exact=True).click()
    form = gallery.get_by_role("form", name="Approve")
    form.get_by_label("Texts in").select_option("de")
    form.get_by_role("button", name="Approve them").click()
    notice = said(gallery, "2 pictures are approved in German")
    for image_id in reviewer.ids[:2]:
        texts = texts_of(client, image_id)
        assert (texts["de"]["state"], texts["en"]["state"]) == ("approved", "draft")
    notice.get_by_role("button", name="Undo").click()
    said(gallery, "Undone: 2 pictures")
    first, second = (texts_of(client, image_id)["de"] for image_id in reviewer.ids[:2])
    assert (first["state"], first["approved"]["alt_text"]) == ("draft", "Alt")
    assert (second["state"], second["note"], second["approved"]) == ("returned", "Blau", None)

    select_all(gallery)
    gallery.get_by_role("button", name="Approve", exact=True).click()
    form.get_by_role("button", name="Approve them").click()
    said(gallery, "3 pictures are approved")
    assert texts_of(client, reviewer.ids[2])["en"]["state"] == "approved"


def test_a_further_language_is_written_in_a_run_from_approved_words(
    gallery: Page, client: httpx.Client, reviewer: Reviewer, model: OpenAIServer
) -> None:
    for image_id in reviewer.ids:
        client.post(f"/api/images/{image_id}/texts/en/approve").raise_for_status()
    description = f"{GERMAN}. Die Sonne wirft seinen Schatten auf den Boden."
    german = {"alt_text": GERMAN, "description": description, "tags": ["Fahrrad"], "language": "de"}
    model.default = Reply(answer=german)
    asked = len(model.calls)
    select_all(gallery)
    gallery.get_by_role("button", name="Describe again").click()
    form = gallery.get_by_role("form", name="Describe again")
    expect(form).to_contain_text("3 pictures take about")
    form.get_by_label("Language").select_option("de")
    form.get_by_label("From the approved words in").select_option("en")
    form.get_by_role("button", name="Describe them in German").click()
    said(gallery, "3 pictures will be described in German")
    missing = reviewer.ids[2]
    eventually(lambda: texts_of(client, missing).get("de", {}).get("alt_text") == GERMAN, 60)
    texts = texts_of(client, missing)
    assert (texts["de"]["made_from"], texts["de"]["state"]) == ("en", "draft")
    assert (texts["en"]["alt_text"], texts["en"]["state"]) == (ANSWER["alt_text"], "approved")
    assert not any(call.sizes for call in model.calls[asked:]), "nothing was looked at"


def test_languages_names_and_rules_are_chosen_in_the_settings(
    app: App, signed_in: Page, client: httpx.Client
) -> None:
    page = signed_in
    page.goto(f"{app.url}/descriptions")
    add = page.get_by_role("form", name="Add a language")
    add.get_by_label("Further language").select_option("fr")
    add.get_by_role("button", name="Add").click()
    french = page.locator('[data-language="fr"]')
    expect(french).to_contain_text("French · français")
    french.get_by_text("Names and terms").click()
    french.get_by_label("Names and terms in French").fill("Derby, une chaussure")
    french.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It goes for what is")).to_be_visible()
    switch = page.get_by_role("switch", name="What I write is approved at once")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    rule = page.locator('[data-rule="emoji"]')
    expect(rule).to_contain_text("It has an emoji")
    expect(rule.get_by_role("link").first).to_have_attribute("href", re.compile("https://"))
    rule.get_by_role("switch").click()
    expect(rule.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    kept = client.get("/api/preferences").json()
    assert kept["further_languages"] == ["de", "fr"]
    assert kept["glossaries"] == {"fr": "Derby, une chaussure"}
    assert (kept["approve_own"], kept["rules_off"]) == (True, ["emoji"])

    page.locator('[data-language="de"]').get_by_role("button", name="Remove").click()
    expect(page.locator('[data-language="de"]')).to_have_count(0)
    form = page.get_by_role("form", name="Language and purpose")
    form.get_by_label("First language").select_option("de")
    form.get_by_role("button", name="Save").click()
    expect(page.locator('[data-language="de"]')).to_contain_text("Your first language")
