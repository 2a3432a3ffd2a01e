"""The page about webhooks, in a real browser, with a real receiver."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from standardwebhooks import Webhook as Verifier

from tests.browser.conftest import Person
from tests.support.receivers import Receiver, receiving

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]
SLOW = 60_000
"""Milliseconds: the worker stands back where processors are few."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def add_webhook(page: Page, url: str, name: str) -> str:
    """Make a webhook in the page; its secret."""
    page.get_by_text("There are none yet.").wait_for()
    page.get_by_label("Address").fill(url)
    page.get_by_label("Name, for yourself").fill(name)
    page.get_by_role("button", name="Add the webhook").click()
    return page.get_by_test_id("secret").inner_text()


@pytest.mark.long
def test_a_webhook_is_made_tried_and_removed(
    page: Page, alice: Person, sign_in: SignIn, receiver: Receiver
) -> None:
    sign_in(page, alice, "/webhooks")
    secret = add_webhook(page, f"{receiver.url}/hook", "CMS")
    row = page.get_by_test_id("webhook")
    expect(row).to_contain_text("every analysis")
    page.reload()
    expect(row).to_contain_text("CMS")
    expect(page.get_by_text(secret)).to_have_count(0)

    receiver.answers(500)
    page.get_by_label("Change CMS").click()
    page.get_by_role("button", name="Send a test").click()
    delivery = page.get_by_test_id("delivery")
    expect(delivery).to_have_attribute("data-state", "failed", timeout=SLOW)
    expect(delivery).to_contain_text("The receiver answered 500")
    expect(row).to_contain_text("failing")

    receiver.answers(200)
    delivery.get_by_role("button", name="Send again").click()
    expect(delivery).to_have_attribute("data-state", "delivered", timeout=SLOW)
    expect(row).not_to_contain_text("failing", timeout=SLOW)
    first, second = receiver.requests
    assert first.body == second.body
    assert Verifier(secret).verify(second.body, second.headers)["type"] == "ping"

    page.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("Switched off")
    page.get_by_role("button", name="Switch on").click()
    expect(row).not_to_contain_text("Switched off")
    row.get_by_text("Delete", exact=True).click()
    page.get_by_role("button", name="Delete the webhook").click()
    expect(page.get_by_text("There are none yet.")).to_be_visible()


@pytest.mark.long
def test_another_secret_is_shown_once(
    page: Page, alice: Person, sign_in: SignIn, receiver: Receiver
) -> None:
    sign_in(page, alice, "/webhooks")
    first = add_webhook(page, receiver.url, "CMS")
    page.get_by_role("button", name="Done").click()
    page.get_by_label("Change CMS").click()
    page.get_by_role("button", name="New secret").click()
    second = page.get_by_test_id("secret").inner_text()
    assert second.startswith("whsec_")
    assert second != first
    expect(page.get_by_test_id("webhook")).to_contain_text("Signed with the last secret, too")


@pytest.mark.long
def test_an_address_inside_is_refused_with_a_sentence(
    page: Page, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice, "/webhooks")
    page.get_by_text("There are none yet.").wait_for()
    page.get_by_label("Address").fill("http://169.254.169.254/latest")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.get_by_role("alert")).to_contain_text("it is not public")
    expect(page.get_by_text("There are none yet.")).to_be_visible()


@pytest.mark.long
def test_deliveries_are_opened_with_the_keyboard_on_a_phone(
    page: Page, alice: Person, sign_in: SignIn, receiver: Receiver
) -> None:
    sign_in(page, alice, "/webhooks")
    add_webhook(page, receiver.url, "CMS")
    page.set_viewport_size({"width": 390, "height": 844})
    button = page.get_by_role("button", name="Deliveries to CMS")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing was sent there yet.")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing was sent there yet.")).to_have_count(0)
