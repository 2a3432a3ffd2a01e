"""One's account, everybody's and the audit trail, in a real browser."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Person, live
from tests.support.running import EMAIL, PASSWORD, App

pytestmark = pytest.mark.browser

NEW = "another battery staple"
SignIn = Callable[..., None]
NewContext = Callable[..., BrowserContext]


def open_account(page: Page, person: Person, sign_in: SignIn) -> None:
    sign_in(page, person, "/account")
    page.get_by_test_id("session").first.wait_for()


def fill_in(page: Page, **fields: str) -> None:
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " ").capitalize(), exact=True).fill(text)


def person_row(page: Page, email: str):
    return page.get_by_test_id("person").filter(has_text=email)


@pytest.fixture
def admin(app: App) -> Person:
    return Person(EMAIL)


@pytest.mark.long
def test_changing_the_password_signs_out_an_open_tab_elsewhere(
    app: App, page: Page, new_context: NewContext, alice: Person, sign_in: SignIn
) -> None:
    elsewhere = new_context().new_page()
    sign_in(elsewhere, alice)
    sign_in(page, alice)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("link", name="Account").click()
    page.wait_for_url(f"{app.url}/account")
    expect(page.get_by_test_id("session")).to_have_count(2)

    fill_in(page, current_password="a guess that is wrong", new_password=NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The current password is not right.")).to_be_visible()
    fill_in(page, current_password=alice.password, new_password=NEW)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()
    expect(page.get_by_test_id("session")).to_have_count(1)
    elsewhere.wait_for_url(f"{app.url}/sign-in", timeout=5_000)
    sign_in(elsewhere, Person(alice.email, NEW))


@pytest.mark.long
def test_one_browser_is_signed_out_from_another(
    app: App, page: Page, new_context: NewContext, alice: Person, sign_in: SignIn
) -> None:
    elsewhere = new_context().new_page()
    sign_in(elsewhere, alice, "/help")
    open_account(page, alice, sign_in)
    expect(page.get_by_test_id("session").first).to_contain_text("this one")
    page.get_by_role("button", name="Sign out Chrome").click()
    expect(page.get_by_test_id("session")).to_have_count(1)
    elsewhere.wait_for_url(f"{app.url}/sign-in", timeout=5_000)
    page.reload()
    expect(page.get_by_test_id("session")).to_have_count(1)


def test_a_token_is_shown_once_works_and_is_revoked(
    app: App, page: Page, alice: Person, sign_in: SignIn
) -> None:
    frames: list[str] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(str(frame))))
    open_account(page, alice, sign_in)
    page.get_by_label("What is it for?").fill("backup")
    page.get_by_label("It may").select_option(label="Only read")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_test_id("secret").inner_text()
    expect(page.get_by_test_id("token")).to_contain_text("backup")
    expect(page.get_by_test_id("token")).to_contain_text("may only read")
    assert frames
    assert token not in "".join(frames)
    with app.client(token=token) as client:
        assert client.get("/api/account").json()["email"] == alice.email
        assert client.post("/api/tokens", json={"name": "more"}).status_code == 403

        page.reload()
        page.get_by_test_id("token").wait_for()
        assert token not in page.content()
        page.get_by_test_id("token").get_by_text("Revoke", exact=True).click()
        page.get_by_role("button", name="Revoke it").click()
        expect(page.get_by_test_id("token")).to_have_count(0)
        assert client.get("/api/account").status_code == 401


@pytest.mark.long
def test_an_account_is_deleted_by_its_owner(
    app: App, page: Page, alice: Person, sign_in: SignIn
) -> None:
    open_account(page, alice, sign_in)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as JSON").click()
    assert alice.email in download.value.path().read_text()

    confirm = page.get_by_label("Type your e-mail address to confirm")
    delete = page.get_by_role("button", name="Delete my account")
    confirm.fill("somebody.else@example.org")
    delete.click()
    expect(page.get_by_text("That is not the e-mail address of this account.")).to_be_visible()
    confirm.fill(alice.email)
    delete.click()
    page.wait_for_url(f"{app.url}/sign-in#deleted")
    expect(page.get_by_text("Your account is deleted.")).to_be_visible()
    fill_in(page, email=alice.email, password=alice.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{app.url}/sign-in#invalid")


def test_an_administrator_adds_somebody_who_chooses_a_password(
    app: App, page: Page, new_context: NewContext, admin: Person, sign_in: SignIn
) -> None:
    email = f"carol-{secrets.token_hex(4)}@example.org"
    sign_in(page, admin, "/people")
    page.get_by_label("Their e-mail address").fill(email)
    page.get_by_role("button", name="Add", exact=True).click()
    password = page.get_by_test_id("secret").inner_text()
    expect(person_row(page, email)).to_contain_text("never signed in")

    page.get_by_label("Their e-mail address").fill(email)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("has an account")

    carols = new_context().new_page()
    carols.goto(f"{app.url}/sign-in")
    fill_in(carols, email=email, password=password)
    carols.get_by_role("button", name="Sign in").click()
    carols.wait_for_url(f"{app.url}/account#temporary")
    expect(carols.get_by_text("Choose one of your own below.")).to_be_visible()
    fill_in(carols, current_password=password, new_password=NEW)
    carols.get_by_role("button", name="Change password").click()
    expect(carols.get_by_text("Your password is changed.")).to_be_visible()


@pytest.mark.long
def test_an_administrator_disables_enables_and_deletes(
    app: App,
    page: Page,
    new_context: NewContext,
    admin: Person,
    alice: Person,
    sign_in: SignIn,
) -> None:
    hers = new_context().new_page()
    sign_in(hers, alice, "/help")
    sign_in(page, admin, "/people")
    page.get_by_label("Find").fill(alice.email)
    expect(page.get_by_test_id("person")).to_have_count(1)
    row = person_row(page, alice.email)

    row.get_by_text("Change").click()
    row.get_by_role("button", name="Disable, and sign out").click()
    expect(row).to_have_attribute("data-state", "disabled")
    hers.wait_for_url(f"{app.url}/sign-in", timeout=5_000)
    row.get_by_role("button", name="Enable").click()
    expect(row).to_have_attribute("data-state", "active")
    sign_in(hers, alice, "/help")

    row.get_by_role("button", name="New one-time password").click()
    expect(row.get_by_test_id("secret")).to_be_visible()
    row.get_by_text("Delete", exact=True).click()
    row.get_by_role("button", name="Delete everything of theirs").click()
    # Either still being removed, or gone already.
    expect(row.and_(page.locator("[data-state=active]"))).to_have_count(0)
    hers.wait_for_url(f"{app.url}/sign-in", timeout=5_000)

    page.goto(f"{app.url}/audit")
    page.get_by_label("Who or whom").fill(alice.email)
    page.get_by_label("What").select_option(label="Deleted")
    expect(page.get_by_test_id("event")).to_have_count(1)
    expect(page.get_by_test_id("event")).to_contain_text(f"Deleted {alice.email}")
    expect(page.get_by_test_id("event")).to_contain_text("Chrome on Linux")


def test_for_others_the_administrators_pages_are_not_there(
    app: App, page: Page, mallory: Person, alice: Person, sign_in: SignIn
) -> None:
    frames: list[str] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(str(frame))))
    for path in ("/people", "/audit"):
        frames.clear()
        sign_in(page, mallory, path)
        expect(page.get_by_text("There is no such page")).to_be_visible()
        assert page.get_by_role("link", name="Audit trail").count() == 0
        assert frames
        assert alice.email not in "".join(frames)
    page.goto(app.url)
    live(page)


def test_ten_wrong_passwords_end_in_a_kind_sentence(app: App, page: Page, alice: Person) -> None:
    guess = {"email": alice.email, "password": "a guess that is wrong"}
    for _ in range(10):
        refused = page.request.post(
            f"{app.url}/api/sign-in", form=guess, headers={"Origin": app.url}, max_redirects=0
        )
        assert refused.headers["location"] == "/sign-in#invalid"
    page.goto(f"{app.url}/sign-in")
    fill_in(page, **guess)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{app.url}/sign-in#*")
    expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("too many attempts")
    assert PASSWORD not in page.content()
