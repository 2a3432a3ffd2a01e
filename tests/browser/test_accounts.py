"""Sign-in, sign-out and who sees what, in a real browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Person, add_pictures, cards, live, wait_for_cards
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser


def test_signed_out_the_server_sends_people_to_the_sign_in_form(app: App) -> None:
    answer = httpx.get(app.url, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_sign_in_works_before_any_script_has_run(
    app: App, new_context: Callable[..., BrowserContext], alice: Person
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{app.url}/sign-in")
    page.get_by_label("Email").fill(alice.email)
    page.get_by_label("Password").fill(alice.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{app.url}/")
    assert alice.password not in page.url


def test_signing_in_leads_to_where_one_wanted_to_go(app: App, page: Page, alice: Person) -> None:
    page.goto(f"{app.url}/?picture=00000000-0000-7000-8000-000000000000")
    page.wait_for_load_state("networkidle")
    for password in ("not the password", alice.password):
        page.get_by_label("Email").fill(alice.email)
        page.get_by_label("Password").fill(password)
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        page.wait_for_load_state("networkidle")
    assert page.url.startswith(f"{app.url}/"), page.url
    live(page)
    page.goto(f"{app.url}/sign-in?next=/usage")
    page.wait_for_url(f"{app.url}/usage")


@pytest.mark.long
def test_the_way_to_a_new_account_leads_there_too(app: App, page: Page) -> None:
    page.goto(f"{app.url}/usage")
    page.get_by_role("link", name="Create one").click()
    page.wait_for_url(f"{app.url}/sign-up?next=%2Fusage")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Email").fill(f"carol-{secrets.token_hex(4)}@example.org")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(f"{app.url}/usage")


@pytest.mark.long
def test_a_wrong_password_says_so_without_saying_which_part_was_wrong(
    app: App, page: Page, alice: Person
) -> None:
    page.goto(f"{app.url}/sign-in")
    for email in (alice.email, "nobody@example.org"):
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill("not the password")
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("password")
        assert "/sign-in" in page.url


def test_mallory_signing_in_in_alices_tab_receives_nothing_of_hers(
    app: App,
    page: Page,
    model: OpenAIServer,
    tmp_path: Path,
    alice: Person,
    mallory: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:
    (her_card,) = add_pictures(app, alice, [jpeg(tmp_path / "alices-secret.jpg", seed=1)])
    sign_in(page, alice)
    wait_for_cards(page, 1, "completed")
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{app.url}/sign-in")

    received: list[str] = []
    page.on(
        "websocket",
        lambda ws: ws.on("framereceived", lambda frame: received.append(str(frame))),
    )
    sign_in(page, mallory)
    expect(page.get_by_role("heading", name="Add your first pictures")).to_be_visible()
    assert cards(page) == 0
    assert received, "no frame was recorded: the test sees nothing"
    said = "".join(received)
    for secret in (her_card, "alices-secret", alice.email, model.alt_text):
        assert secret not in said
