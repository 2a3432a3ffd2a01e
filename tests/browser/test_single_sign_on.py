"""Single sign-on in a real browser, with a real, certified provider."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import ATTENTIVE, Person, drop, live, wait_for_cards
from tests.support.certified_provider import CertifiedProvider, certified_provider
from tests.support.pictures import jpeg
from tests.support.running import App, running_app

pytestmark = [pytest.mark.browser, pytest.mark.long]


@pytest.fixture(scope="module")
def idp() -> CertifiedProvider:
    return CertifiedProvider()


@pytest.fixture(scope="module")
def app(idp: CertifiedProvider) -> Iterator[App]:
    with running_app(**idp.settings, **ATTENTIVE) as running, certified_provider(idp, running.url):
        yield running


@pytest.fixture
def address() -> str:
    """Of somebody who was never here."""
    return f"alice-{secrets.token_hex(4)}@example.org"


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page that reaches nothing beyond this machine: the provider's pages want web fonts."""
    page = new_context().new_page()

    def only_here(route: Route) -> None:
        here = route.request.url.startswith(("http://localhost:", "http://127.0.0.1:"))
        route.continue_() if here else route.abort()

    page.route("**/*", only_here)
    return page


def sign_in_there(app: App, page: Page, who: str) -> None:
    """Through the button, the provider's form and its question, back to where it leads."""
    page.goto(f"{app.url}/sign-in")
    page.get_by_role("link", name="Continue with Example Login").click()
    page.get_by_placeholder("Enter any login").fill(who)
    page.get_by_placeholder("and password").fill("any password")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{app.url}/**")


def signed_in_as(page: Page) -> str:
    page.get_by_role("button", name="Account").click()
    return page.locator(".menu-email").inner_text()


def refusal(page: Page) -> str:
    alert = page.get_by_role("alert").filter(visible=True)
    expect(alert).to_have_count(1)
    assert page.context.cookies(page.url) == [], "a refused sign-in leaves no cookie"
    return alert.inner_text()


def add_person(app: App, email: str) -> Person:
    app.add_person(email)
    return Person(email)


def test_somebody_new_signs_in_uses_the_page_and_signs_out(
    app: App, page: Page, address: str, tmp_path: Path
) -> None:
    sign_in_there(app, page, address)
    assert page.url == f"{app.url}/"
    live(page)
    drop(page, [jpeg(tmp_path / "first.jpg", seed=1)])
    wait_for_cards(page, 1)
    assert signed_in_as(page) == address

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{app.url}/sign-in")
    page.goto(app.url)
    page.wait_for_url(f"{app.url}/sign-in")
    # Signed out there too: the provider asks again who it is.
    page.get_by_role("link", name="Continue with Example Login").click()
    expect(page.get_by_placeholder("Enter any login")).to_be_visible()


def test_the_account_with_a_verified_address_is_linked_and_keeps_its_pictures(
    app: App, page: Page, address: str, tmp_path: Path, new_context: Callable[..., BrowserContext]
) -> None:
    alice = add_person(app, address)
    before = new_context().new_page()
    before.goto(f"{app.url}/sign-in")
    before.get_by_label("Email").fill(alice.email)
    before.get_by_label("Password").fill(alice.password)
    before.get_by_role("button", name="Sign in").click()
    live(before)
    drop(before, [jpeg(tmp_path / "hers.jpg", seed=2)])
    wait_for_cards(before, 1)
    her_card = before.get_by_test_id("card").get_attribute("data-image-id")

    sign_in_there(app, page, address)
    live(page)
    wait_for_cards(page, 1)
    assert page.get_by_test_id("card").get_attribute("data-image-id") == her_card


def test_an_address_that_is_not_verified_opens_nobodys_account(
    app: App, page: Page, address: str
) -> None:
    add_person(app, address)
    sign_in_there(app, page, f"unverified:{address}")
    assert "does not say that the address is verified" in refusal(page)
    page.goto(app.url)
    page.wait_for_url(f"{app.url}/sign-in")


def test_who_changes_their_mind_at_the_provider_is_back_at_the_form(app: App, page: Page) -> None:
    page.goto(f"{app.url}/sign-in")
    page.get_by_role("link", name="Continue with Example Login").click()
    page.get_by_role("link", name="Cancel").click()
    assert "cancelled" in refusal(page)
    expect(page.get_by_label("Password")).to_be_visible()


def test_the_answer_of_one_browser_does_not_count_in_another(
    app: App, page: Page, address: str, idp: CertifiedProvider
) -> None:
    with httpx.Client() as mallory:
        asked = mallory.get(f"{app.url}/api/single-sign-on/start").headers["location"]
        for_the_victim = idp.answer(mallory, asked, address)
    page.goto(for_the_victim)
    assert "begun in another browser" in refusal(page)


def test_the_providers_access_token_reads_and_writes_by_its_scopes(
    app: App, page: Page, address: str, idp: CertifiedProvider
) -> None:
    read = idp.access_token(address, "imgapp.read")
    with app.client(token=read) as client:
        assert client.get("/api/images").status_code == 401  # nobody's yet
    sign_in_there(app, page, address)
    with app.client(token=read) as client:
        assert client.get("/api/images").json()["items"] == []
        refused = client.post("/api/tokens", json={"name": "n"})
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    with app.client(token=idp.access_token(address, "imgapp.read imgapp.write")) as client:
        assert client.post("/api/tokens", json={"name": "n"}).status_code == 201


def test_the_button_is_not_in_the_way_of_the_form(app: App, page: Page) -> None:
    """Without scripts, and while the options cannot be had, there is the form."""
    page.route("**/api/sign-in/options", lambda route: route.abort())
    page.goto(f"{app.url}/sign-in")
    expect(page.get_by_label("Email")).to_be_visible()
    expect(page.get_by_role("link", name="Continue with")).to_have_count(0)


def test_closed_sign_up_refuses_somebody_new_and_knows_the_others(
    app: App, page: Page, address: str, new_context: Callable[..., BrowserContext]
) -> None:
    known = add_person(app, f"known-{address}")
    app.stop()
    app.env["IMGAPP_SIGNUP"] = "closed"
    app.start()
    try:
        sign_in_there(app, page, address)
        assert "new ones are made by the administrator" in refusal(page)
        page.context.clear_cookies()
        sign_in_there(app, page, known.email)
        live(page)
        assert signed_in_as(page) == known.email
    finally:
        app.stop()
        del app.env["IMGAPP_SIGNUP"]
        app.start()


def test_the_settings_are_checked_as_a_whole(app: App) -> None:
    env = {k: v for k, v in app.env.items() if k != "IMGAPP_OIDC_CLIENT_ID"}
    broken = App(app.url, app.folder, env)
    with pytest.raises(RuntimeError, match="IMGAPP_OIDC_CLIENT_ID is missing"):
        broken.cli("doctor")
    assert "single sign-on: " in app.cli("doctor")
    assert json.loads(httpx.get(f"{app.url}/api/sign-in/options").text)["single_sign_on"]
