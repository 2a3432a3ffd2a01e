"""Why nobody can sign in: blocked cookies and storage, and another address than imgapp's own."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import Person, live
from tests.support.running import App

pytestmark = pytest.mark.browser

# As browsers do it for a site that may keep nothing: looking at the storage is refused, and a
# cookie is forgotten as it is set.
_NO_STORAGE = """
for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, {
  configurable: true, get() { throw new DOMException('Access is denied', 'SecurityError'); } });
"""
_NO_COOKIES = """
Object.defineProperty(Document.prototype, 'cookie', { get: () => '', set() {} });
"""


def test_where_cookies_are_blocked_a_sentence_says_so(page: Page, app: App) -> None:
    page.add_init_script(_NO_STORAGE + _NO_COOKIES)
    complaints = Complaints(page)
    for path in ("/sign-in", "/sign-up"):
        page.goto(app.url + path)
        said = page.get_by_role("alert").filter(visible=True)
        expect(said).to_contain_text("keeps no cookies of this page")
        expect(page.get_by_label("Email")).to_be_visible()
    assert complaints.all() == []


@pytest.mark.long
def test_without_storage_the_page_works_and_forgets(
    page: Page, app: App, alice: Person, sign_in: Callable[..., None]
) -> None:
    page.add_init_script(_NO_STORAGE)
    complaints = Complaints(page)
    sign_in(page, alice)
    page.get_by_role("button", name="Account", exact=True).click()
    page.get_by_role("radio", name="Dark").check(force=True)
    page.locator("html.dark").wait_for()
    page.reload()
    live(page)
    page.locator("html.light").wait_for()
    assert complaints.all() == []


@pytest.mark.long
def test_nothing_is_said_where_all_is_well(page: Page, app: App) -> None:
    page.goto(f"{app.url}/sign-in")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
    assert page.context.cookies() == []


def test_at_another_address_the_page_says_which_one_it_has(
    page: Page, app: App, alice: Person
) -> None:
    # The browser takes every name under `localhost` for this machine (RFC 6761).
    elsewhere = f"http://imgapp.localhost:{urlsplit(app.url).port}"
    page.goto(f"{elsewhere}/sign-in?next=/usage")
    note = page.get_by_role("alert").filter(visible=True)
    expect(note).to_contain_text("at its own address only")
    there = note.get_by_role("link")
    expect(there).to_have_attribute("href", f"{there.inner_text()}/sign-in?next=%2Fusage")
    page.get_by_label("Email").fill(alice.email)
    page.get_by_label("Password").fill(alice.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{elsewhere}/sign-in#address")
    expect(note).to_contain_text("at its own address only")
    there.click()
    page.wait_for_url(lambda url: "imgapp.localhost" not in url)
    expect(page.get_by_label("Email")).to_be_visible()
    expect(page.get_by_role("alert").filter(visible=True)).to_have_count(0)
