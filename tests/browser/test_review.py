"""Review: a queue worked off with keys alone, by one and by two at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.browser.conftest import Person, add_pictures, client_of
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SignIn = Callable[..., None]


@pytest.fixture
def queue(app: App, alice: Person, tmp_path: Path) -> list[str]:
    """Ids of pictures whose texts a model wrote, in the order of the queue."""
    paths = [jpeg(tmp_path / f"picture-{number}.jpg", seed=number) for number in range(4)]
    return add_pictures(app, alice, paths)


@pytest.fixture
def api(app: App, alice: Person) -> Any:
    with client_of(app, alice) as client:
        yield client


def desk(page: Page, image_id: str | None = None) -> Locator:
    """The picture in front of whoever reviews."""
    found = page.get_by_test_id("review")
    if image_id is not None:
        expect(found).to_have_attribute("data-image-id", image_id)
    return found


def progress(page: Page) -> Locator:
    return page.get_by_test_id("progress")


def text_of(api: httpx.Client, image_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/api/images/{image_id}/texts/en").json()
    return found


def wait_for_state(page: Page, api: httpx.Client, image_id: str, state: str) -> dict[str, Any]:
    for _ in range(200):
        if (found := text_of(api, image_id)).get("state") == state:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"the text of {image_id} is {found}, not {state}")


def test_a_queue_is_worked_off_with_keys_alone(
    app: App, page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    expect(progress(page)).to_have_text("1 of 4, 0 approved in this sitting")
    said = page.locator("[data-announcements]")
    page.keyboard.press("a")
    desk(page, queue[1])
    expect(progress(page)).to_have_text("2 of 4, 1 approved in this sitting")
    expect(said).to_contain_text("Approved.")
    page.keyboard.press("d")
    desk(page, queue[2])
    page.keyboard.press("r")
    why = page.get_by_label("Why is it returned?")
    expect(why).to_be_focused()
    page.keyboard.type("It is a cat")
    page.keyboard.press("Enter")
    desk(page, queue[3])
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("e")
    expect(page.get_by_label("Alt text")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("A dog, by hand")
    page.keyboard.press("Control+Enter")
    end = page.get_by_role("heading", name="Nothing waits for you here")
    expect(end).to_be_focused()
    expect(page.locator(".review")).to_contain_text("You decided on 4 texts and approved 3.")
    assert wait_for_state(page, api, queue[3], "approved")["alt_text"] == "A dog, by hand"
    assert text_of(api, queue[1])["decorative"] is True
    returned = text_of(api, queue[2])
    assert (returned["state"], returned["note"]) == ("returned", "It is a cat")
    # Three steps back, and on again.
    for image_id in (queue[3], queue[2], queue[1]):
        page.keyboard.press("u")
        desk(page, image_id)
    assert wait_for_state(page, api, queue[1], "draft")["written_by"]["alt_text"] == "model"
    assert wait_for_state(page, api, queue[2], "draft")["note"] is None
    expect(progress(page)).to_have_text("2 of 4, 1 approved in this sitting")


def test_escape_leaves_the_text_as_it_was_and_the_focus_on_the_decisions(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    for key, field in (("e", "Alt text"), ("r", "Why is it returned?")):
        page.keyboard.press(key)
        page.get_by_label(field).fill("Something else")
        page.keyboard.press("Escape")
        expect(page.get_by_label(field)).to_be_hidden()
        expect(page.get_by_role("button", name="Approve")).to_be_focused()
    assert text_of(api, queue[0])["state"] == "draft"
    # A key that is held decides once.
    page.keyboard.down("s")
    page.keyboard.down("s")
    page.keyboard.up("s")
    desk(page, queue[1])
    page.keyboard.press("ArrowLeft")
    desk(page, queue[0])
    page.keyboard.press("j")
    desk(page, queue[1])


def test_a_reload_keeps_the_place_and_the_count(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn
) -> None:
    sign_in(page, alice, "/review?language=en&doubtful_first=true")
    desk(page, queue[0])
    page.keyboard.press("s")
    page.keyboard.press("a")
    desk(page, queue[2])
    page.reload()
    desk(page, queue[2])
    expect(progress(page)).to_have_text("3 of 4, 1 approved in this sitting")
    assert "doubtful_first=true" in page.url


def test_who_leaves_gives_back_what_they_had(
    app: App, page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    assert api.get("/api/review").json()["items"] == []
    page.goto(f"{app.url}/help")
    for _ in range(200):
        if found := api.get("/api/review").json()["items"]:
            break
        page.wait_for_timeout(50)
    assert [item["image_id"] for item in found] == queue


def test_what_somebody_else_changed_meanwhile_is_shown_and_what_was_typed_is_kept(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    page.keyboard.press("e")
    page.get_by_label("Alt text").fill("Mine")
    # Nobody tells this page: the decision itself finds out.
    page.route("**/api/review?*", lambda route: route.abort())
    theirs = {"alt_text": "Theirs", "description": "More of theirs"}
    api.put(f"/api/images/{queue[0]}/texts/en", json=theirs).raise_for_status()
    page.keyboard.press("Control+Enter")
    desk(page, queue[0])
    told = page.get_by_role("alert").filter(has_text="somebody else changed the text")
    expect(told).to_contain_text("Theirs")
    expect(page.get_by_label("Alt text")).to_have_value("Mine")
    expect(page.get_by_label("Description")).to_have_value("More of theirs")
    assert text_of(api, queue[0])["alt_text"] == "Theirs"
    page.keyboard.press("Control+Enter")
    saved = wait_for_state(page, api, queue[0], "approved")
    assert (saved["alt_text"], saved["description"]) == ("Mine", "More of theirs")


def test_without_a_connection_the_picture_comes_back_with_what_was_typed(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    refused: list[Route] = []

    def refuse(route: Route) -> None:
        refused.append(route)
        route.abort()

    page.route("**/api/review/*/en", refuse)
    page.keyboard.press("e")
    page.get_by_label("Alt text").fill("Typed in a tunnel")
    page.keyboard.press("Control+Enter")
    told = page.get_by_role("alert").filter(has_text="imgapp cannot be reached")
    expect(told).to_contain_text("What you typed is here still")
    desk(page, queue[0])
    assert len(refused) == 1
    expect(page.get_by_label("Alt text")).to_have_value("Typed in a tunnel")
    expect(progress(page)).to_contain_text("0 approved")
    page.unroute("**/api/review/*/en")
    page.keyboard.press("Control+Enter")
    assert wait_for_state(page, api, queue[0], "approved")["alt_text"] == "Typed in a tunnel"


def test_two_at_one_queue_have_different_pictures_and_see_what_the_other_does(
    app: App,
    page: Page,
    alice: Person,
    queue: list[str],
    sign_in: SignIn,
    new_context: Callable[..., BrowserContext],
    tmp_path: Path,
) -> None:
    more = add_pictures(
        app, alice, [jpeg(tmp_path / f"more-{number}.jpg", seed=9 + number) for number in range(8)]
    )
    order = [*more, *queue]
    sign_in(page, alice, "/review")
    desk(page, order[0])
    other = new_context().new_page()
    sign_in(other, alice, "/review")
    desk(other, order[10])  # ten are with the first
    other.keyboard.press("a")
    desk(other, order[11])
    other.keyboard.press("a")
    expect(progress(page)).to_have_text("1 of 10, 0 approved in this sitting")
    expect(other.get_by_role("heading", name="That was the last one")).to_be_visible()


def test_what_somebody_else_approves_leaves_the_queue(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    for image_id in (queue[0], queue[1]):
        api.post(f"/api/images/{image_id}/texts/en/approve").raise_for_status()
    desk(page, queue[2])
    expect(progress(page)).to_have_text("1 of 2, 0 approved in this sitting")


def test_the_picture_comes_first_where_the_models_text_waits(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    model_said = text_of(api, queue[0])["alt_text"]
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    page.get_by_role("button", name="Options of Review").click()
    share = page.get_by_label("Show the picture first")
    share.fill("100")
    page.keyboard.press("Enter")
    expect(page.locator(".review-options")).to_contain_text("No second person has looked")
    page.wait_for_function("() => document.activeElement.tagName !== 'INPUT'")
    page.keyboard.press("Escape")
    for _ in range(100):
        if api.get("/api/preferences").json()["review_blind_share"] == 100:
            break
        page.wait_for_timeout(50)
    page.reload()
    shown = desk(page, queue[0])
    expect(shown).to_contain_text("The picture first")
    expect(shown).not_to_contain_text(model_said)
    page.keyboard.press("e")
    expect(page.get_by_label("Alt text")).to_have_value("")
    page.keyboard.press("Escape")
    page.keyboard.press("a")  # shows it first
    expect(shown).to_contain_text(model_said)
    page.keyboard.press("a")
    desk(page, queue[1])
    page.keyboard.press("t")
    expect(shown).to_contain_text(model_said)


def test_a_second_person_sees_what_was_approved(
    page: Page,
    alice: Person,
    queue: list[str],
    sign_in: SignIn,
    api: httpx.Client,
    new_context: Callable[..., BrowserContext],
) -> None:
    api.patch("/api/preferences", json={"review_second_share": 100}).raise_for_status()
    for image_id in queue[1:]:
        api.post(f"/api/images/{image_id}/texts/en/approve").raise_for_status()
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Nothing waits for you here")).to_be_visible()
    other = new_context().new_page()
    sign_in(other, alice, "/review")
    expect(desk(other, queue[0])).to_contain_text("Somebody else approved it")
    other.keyboard.press("a")
    expect(other.get_by_role("heading", name="Nothing waits for you here")).to_be_visible()
    other.get_by_role("button", name="Options of Review").click()
    expect(other.locator(".review-options")).to_contain_text("1 (100 %) were approved unchanged")


def test_another_queue_is_a_choice_and_an_empty_one_leads_on(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn, api: httpx.Client
) -> None:
    path = f"/api/images/{queue[1]}/texts/de"
    api.put(path, json={"alt_text": "Ein Hund"}).raise_for_status()
    sign_in(page, alice, "/review")
    expect(desk(page, queue[0])).not_to_contain_text("Ein Hund")
    page.keyboard.press("s")
    expect(desk(page, queue[1]).locator("[lang=de]")).to_have_text("Ein Hund")
    page.get_by_label("Language").select_option("de")
    expect(desk(page, queue[1]).locator(".review-alt")).to_have_text("Ein Hund")
    page.get_by_label("Which texts").select_option("returned")
    expect(page.get_by_role("heading", name="Nothing waits for you here")).to_be_visible()
    page.get_by_label("Which texts").select_option("missing")
    desk(page, queue[0])
    page.keyboard.press("a")  # nothing to approve: it is written
    page.get_by_label("Alt text").fill("Eine Katze")
    page.keyboard.press("Control+Enter")
    desk(page, queue[2])
    page.keyboard.press("Control+z")
    desk(page, queue[0])
    expect(page.locator(".review-texts")).to_contain_text("Nothing yet.")
    page.get_by_role("link", name="Open it in the gallery").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_next_pictures_are_there_before_they_are_wanted(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    page.wait_for_function(
        "() => [...document.querySelectorAll('.review-stage img')]"
        ".filter((one) => one.complete && one.naturalWidth).length === 3"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shown = page.evaluate(
        """() => {
            dispatchEvent(new Event('x'));
            const key = new KeyboardEvent('keydown', { key: 's', bubbles: true });
            document.body.dispatchEvent(key);
            return new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(() => {
                const image = document.querySelector('.review-stage img.shown');
                const id = document.querySelector('[data-testid=review]').dataset.imageId;
                seen([id, image.complete && image.naturalWidth > 0]);
            })));
        }"""
    )
    assert shown == [queue[1], True]
    assert not [url for url in asked if f"{queue[1]}/" in url]


def test_the_keys_are_in_the_sheet_and_on_the_buttons(
    page: Page, alice: Person, queue: list[str], sign_in: SignIn
) -> None:
    sign_in(page, alice, "/review")
    desk(page, queue[0])
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("Take the last decision back")
    page.keyboard.press("a")  # is not for what is below
    page.keyboard.press("Escape")
    desk(page, queue[0])
    for name, key in {"Approve": "a", "Edit": "e", "Decorative": "d", "Return": "r"}.items():
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("aria-keyshortcuts", key)
        expect(button).to_contain_text(key.upper())


def test_the_bar_leads_there(page: Page, alice: Person, sign_in: SignIn) -> None:
    sign_in(page, alice)
    page.get_by_role("link", name="Review").first.click()
    expect(page.get_by_role("heading", name="Nothing waits for you here")).to_be_visible()
    page.get_by_role("link", name="All pictures").click()
    expect(page.get_by_role("heading", name="Add your first pictures")).to_be_visible()
