"""What analyses cost, in a real browser: one's own, and prices and budgets for administrators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Person, client_of
from tests.browser.furniture import upload
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import EMAIL, App

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]
SLOW = 60_000


def add(app: App, person: Person, path: Path) -> None:
    with client_of(app, person) as client:
        upload(client, path)


@pytest.mark.long
def test_prices_make_costs_and_a_budget_stops_them(
    app: App,
    model: OpenAIServer,
    new_context: Callable[..., BrowserContext],
    page: Page,
    alice: Person,
    sign_in: SignIn,
    tmp_path: Path,
) -> None:
    sign_in(page, Person(EMAIL), "/usage")
    page.get_by_label(f"{model.model}: tokens in").fill("0.75")
    page.get_by_label(f"{model.model}: tokens out").fill("4.5")
    page.get_by_role("form", name="Prices").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. Calls cost that from now on.")).to_be_visible()

    hers = new_context().new_page()
    add(app, alice, jpeg(tmp_path / "first.jpg", seed=71))
    sign_in(hers, alice, "/usage")
    expect(hers.get_by_test_id("spent")).to_have_text("$0.001", timeout=SLOW)
    expect(hers.get_by_test_id("spent-model")).to_contain_text("1 answer · 900 tokens in, 80 out")
    expect(hers.get_by_role("form", name="Prices")).to_have_count(0)
    hers.get_by_label("Pictures").fill("1000")
    hers.get_by_role("button", name="Estimate").click()
    expect(hers.get_by_test_id("estimate")).to_contain_text("about $1.0")

    page.get_by_label("Find").fill(alice.email)
    row = page.get_by_test_id("person")
    expect(row).to_have_count(1)
    row.get_by_label(f"Budget of {alice.email}").click()
    row.get_by_label("US dollars a month").fill("0.0015")
    row.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"Saved: {alice.email}")).to_be_visible()
    expect(row).to_contain_text("of $0.0015, their own")

    add(app, alice, jpeg(tmp_path / "second.jpg", seed=72))
    expect(hers.get_by_text("Your budget is used up")).to_be_visible(timeout=SLOW)
    hers.goto(app.url)
    expect(hers.get_by_text("The budget is spent")).to_be_visible(timeout=SLOW)

    row.get_by_label("US dollars a month").fill("")
    row.get_by_role("button", name="Save").click()
    expect(hers.get_by_text("The budget is spent")).to_have_count(0, timeout=SLOW)
    expect(hers.get_by_text(model.alt_text).first).to_be_visible(timeout=SLOW)
