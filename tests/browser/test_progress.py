"""How far pictures are, what failed, and the queue of everybody, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Person, drop, wait_for_cards
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import EMAIL, PASSWORD, App

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]
SLOW = 60_000
"""Milliseconds: the worker stands back where processors are few."""
OWNER = Person(EMAIL, PASSWORD)


@pytest.fixture
def pause(app: App) -> Iterator[Callable[[bool], None]]:
    """`pause(True)`: nothing is analysed until the test is over."""

    def change(paused: bool) -> None:
        with app.client() as client:
            client.patch("/api/installation", json={"paused": paused}).raise_for_status()

    yield change
    change(False)


@pytest.fixture
def add(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Page, int], None]:
    """Drops so many pictures on the page, and waits for their cards."""

    def onto(page: Page, count: int) -> None:
        folder = tmp_path_factory.mktemp("drop")
        drop(page, [jpeg(folder / f"{n}.jpg", size=(320, 240), seed=n) for n in range(count)])
        wait_for_cards(page, count)

    return onto


def test_the_strip_counts_says_why_and_goes_when_all_is_done(
    page: Page,
    new_context: Callable[..., BrowserContext],
    alice: Person,
    mallory: Person,
    sign_in: SignIn,
    add: Callable[[Page, int], None],
    pause: Callable[[bool], None],
) -> None:
    pause(True)
    sign_in(page, alice)
    strip = page.get_by_test_id("progress")
    expect(strip).to_have_count(0)
    add(page, 3)
    expect(strip).to_contain_text("0 of 3 done", timeout=SLOW)
    expect(strip).to_contain_text("An administrator has paused all analyses, since", timeout=SLOW)
    heard = page.locator("p[role=status]").filter(has_text="An administrator has paused")
    expect(heard).to_have_count(1)
    others = new_context().new_page()
    sign_in(others, mallory)
    expect(others.get_by_test_id("progress")).to_have_count(0)

    pause(False)
    wait_for_cards(page, 3, "completed")
    expect(strip).to_have_count(0, timeout=SLOW)
    expect(page.get_by_text("All your pictures are described.")).to_have_count(1)


def test_failures_are_listed_and_tried_again_one_and_all(
    page: Page,
    alice: Person,
    sign_in: SignIn,
    model: OpenAIServer,
    add: Callable[[Page, int], None],
) -> None:
    model.fail_with(413)
    sign_in(page, alice)
    add(page, 3)
    wait_for_cards(page, 3, "failed")
    expect(page.get_by_test_id("progress")).to_contain_text(
        "3 pictures could not be described", timeout=SLOW
    )
    page.get_by_role("link", name="See why, and try again").click()
    rows = page.get_by_test_id("failure")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("takes only smaller requests")
    expect(rows.first).to_contain_text("1 attempt ·")

    model.reset()
    one = rows.first.get_by_role("button", name="Try")
    one.focus()
    page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Try them all again").click()
    expect(page.get_by_test_id("no-failures")).to_be_visible()
    expect(page.get_by_test_id("progress")).to_have_count(0, timeout=SLOW)
    page.get_by_role("link", name="To the pictures").click()
    wait_for_cards(page, 3, "completed")


@pytest.mark.long
def test_an_administrator_sees_the_queue_and_pauses_it_live(
    app: App,
    page: Page,
    new_context: Callable[..., BrowserContext],
    alice: Person,
    sign_in: SignIn,
    add: Callable[[Page, int], None],
    pause: Callable[[bool], None],
) -> None:
    queue = new_context().new_page()
    sign_in(queue, OWNER, "/queue")
    figures = queue.get_by_test_id("figures")
    expect(figures).to_contain_text("Uploaded by hand", timeout=SLOW)
    queue.get_by_role("button", name="Pause everybody's pictures").click()
    expect(queue.get_by_text("Paused: everybody's pictures wait.")).to_be_visible(timeout=SLOW)
    sign_in(page, alice)
    add(page, 2)
    expect(queue.get_by_text("2 pictures of 1 person wait because of a pause.")).to_be_visible(
        timeout=SLOW
    )
    assert "0.jpg" not in queue.content()
    assert alice.email not in queue.content()
    queue.get_by_role("button", name="Go on").click()
    wait_for_cards(page, 2, "completed")

    queue.get_by_label("Analyses at once").fill("7")
    queue.get_by_role("button", name="Save").click()
    expect(figures).to_contain_text("of 7 at most", timeout=SLOW)
    queue.get_by_label("Analyses at once").fill("")
    queue.get_by_role("button", name="Save").click()
    expect(figures).not_to_contain_text("at most", timeout=SLOW)


@pytest.mark.long
def test_an_administrator_tries_a_reason_again_for_everybody(
    app: App,
    page: Page,
    new_context: Callable[..., BrowserContext],
    alice: Person,
    sign_in: SignIn,
    model: OpenAIServer,
    add: Callable[[Page, int], None],
) -> None:
    model.fail_with(413)
    sign_in(page, alice)
    add(page, 2)
    wait_for_cards(page, 2, "failed")
    model.reset()
    queue = new_context(viewport={"width": 390, "height": 844}).new_page()
    sign_in(queue, OWNER, "/queue")
    row = queue.locator('[data-testid="failures"][data-code="request_too_large"]')
    expect(row).to_contain_text("2 pictures of 1 person", timeout=SLOW)
    assert queue.evaluate("document.documentElement.scrollWidth") == 390
    row.get_by_text("Try again", exact=True).click()
    row.get_by_role("button", name="Try 2 pictures again").click()
    wait_for_cards(page, 2, "completed")
    expect(row).to_have_count(0, timeout=SLOW)


def test_the_queue_is_not_there_for_others(
    app: App, page: Page, mallory: Person, sign_in: SignIn
) -> None:
    sign_in(page, mallory, "/queue")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("figures")).to_have_count(0)
    expect(page.get_by_role("link", name="Queue")).to_have_count(0)
