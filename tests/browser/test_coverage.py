"""The page Coverage in a real browser: numbers, where they lead, live, on paper, as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from imgapp.services.accounts import registration
from tests.browser.conftest import Person, client_of
from tests.support.rows import add_image
from tests.support.running import App

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 700}


@pytest.fixture
def pictures(app: App, alice: Person) -> list[UUID]:
    """Four: in German one approved, one a draft, one returned, one without a text."""
    with app.services():
        user_id = registration.find_user(alice.email)
        said = {"alt_text_by": "model", "language": "en", "analysis_status": "completed"}
        ids = [
            add_image(user_id, alt_text=f"House number {n}", filename=f"{n}.jpg", **said).id
            for n in range(4)
        ]
    with client_of(app, alice) as client:
        for n, one in enumerate(ids[:3]):
            text = {"alt_text": f"Haus Nummer {n}", "approve": n == 0}
            client.put(f"/api/images/{one}/texts/de", json=text).raise_for_status()
        address = f"/api/images/{ids[2]}/texts/de/return"
        client.post(address, json={"note": "Welches?"}).raise_for_status()
    return ids


def figure(page: Page, name: str) -> str:
    return page.get_by_test_id(f"figure-{name}").locator(".figure").inner_text()


def test_numbers_lead_to_their_pictures_and_follow_what_happens(
    app: App,
    page: Page,
    alice: Person,
    pictures: list[UUID],
    sign_in: Callable[..., None],
) -> None:
    sign_in(page, alice, "/coverage?language=de")
    expect(page.get_by_test_id("pictures")).to_have_text("4 pictures")
    names = ("missing", "draft", "returned", "approved", "decorative")
    assert [figure(page, name) for name in names] == ["1", "1", "1", "1", "0"]
    expect(page.get_by_test_id("reviewer")).to_contain_text(alice.email)
    expect(page.get_by_test_id("course")).to_contain_text("1 approved and 1 returned")
    expect(page.get_by_label("Language")).to_have_value("de")

    with client_of(app, alice) as client:
        client.post(f"/api/images/{pictures[1]}/texts/de/approve").raise_for_status()
    expect(page.get_by_test_id("figure-approved").locator(".figure")).to_have_text("2")
    assert figure(page, "draft") == "0"

    page.get_by_label("Language").select_option("en")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/coverage?language=en*")
    expect(page.get_by_test_id("figure-draft").locator(".figure")).to_have_text("4")
    expect(page.get_by_role("link", name="Review the drafts")).to_have_attribute(
        "href", "/review?language=en&state=draft"
    )
    page.goto(f"{app.url}/coverage?language=de")
    page.get_by_test_id("figure-returned").get_by_role("link").click()
    page.wait_for_url("**/?language=de&state=returned")
    expect(page.get_by_test_id("card")).to_have_count(1)
    expect(page.get_by_test_id("card")).to_have_attribute("data-image-id", str(pictures[2]))


def test_it_is_evidence_on_paper_and_as_a_table(
    page: Page, alice: Person, pictures: list[UUID], sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice, "/coverage?language=de&q=house")
    expect(page.get_by_text("a filter of the gallery")).to_be_visible()
    with page.expect_download() as saving:
        page.get_by_role("link", name="Save as CSV").click()
    saved = saving.value.path().read_text("utf-8-sig")
    rows = {row["image_id"]: row for row in csv.DictReader(io.StringIO(saved))}
    assert rows[str(pictures[0])]["approved_by"] == alice.email
    assert rows[str(pictures[2])]["returned_because"] == "Welches?"
    assert len(rows) == 4

    page.emulate_media(media="print")
    for pressed in (".filters", ".bar", "summary", ".button"):
        assert not [
            one for one in page.locator(f"main {pressed}, {pressed}").all() if one.is_visible()
        ]
    for said in ("4 pictures", "do not say that a site shows that wording"):
        expect(page.get_by_text(said).first).to_be_visible()
    page.emulate_media(media="null")

    page.set_viewport_size(PHONE)
    page.get_by_text("As a table").click()
    expect(page.get_by_role("columnheader", name="Approved")).to_be_visible()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
