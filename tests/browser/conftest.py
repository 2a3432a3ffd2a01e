"""A real imgapp with a scriptable vision model, and real Chromium pages on it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from imgapp.adapters import db
from imgapp.services.accounts import registration
from tests.browser.furniture import furnish
from tests.browser.viewing import Pictures, card_ids
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import EMAIL, PASSWORD, App, running_app


@dataclass(frozen=True)
class Person:
    email: str
    password: str = PASSWORD


# Two browsers at once leave little of two processors.
expect.set_options(timeout=15_000)


def chromium() -> str:
    """The browser that the tests drive."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.fail("no Chromium: set CHROMIUM to one, or run `make test`, which finds one")
    return found


@pytest.fixture(scope="session")
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="session")
def app(model: OpenAIServer) -> Iterator[App]:
    with running_app(
        OPENAI_BASE_URL=model.url, OPENAI_API_KEY="test-key", IMGAPP_OUTBOUND_NETWORKS="127.0.0.1"
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _a_model_that_answers(model: OpenAIServer) -> Iterator[None]:
    model.reset()
    yield
    model.reset()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop running, in which the asynchronous tests of other files fail.
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
        launched = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def new_person(app: App, set_env: Callable[..., None]) -> Iterator[Callable[[str], Person]]:
    """Makes an account; every test has people of its own."""

    def make(name: str) -> Person:
        person = Person(f"{name}-{secrets.token_hex(4)}@example.org")
        # What `imgapp user add` does, without waiting two seconds for a process to begin.
        set_env(DATABASE_URL=app.database_url)
        registration.create_user(person.email, person.password)
        return person

    yield make
    db.dispose()


@pytest.fixture
def alice(new_person: Callable[[str], Person]) -> Person:
    return new_person("alice")


@pytest.fixture
def mallory(new_person: Callable[[str], Person]) -> Person:
    return new_person("mallory")


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        options.setdefault("reduced_motion", "reduce")
        opened.append(browser.new_context(**options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for context in opened:
        context.close()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context().new_page()


@pytest.fixture
def sign_in(app: App) -> Callable[[Page, Person], None]:
    """Signs a person in, and waits until the gallery is live. The form has tests of its own."""

    def as_the_form_does(page: Page, person: Person) -> None:
        form = {"email": person.email, "password": person.password}
        page.context.request.post(
            f"{app.url}/api/sign-in", form=form, headers={"Origin": app.url}, max_redirects=0
        )
        page.goto(app.url)
        live(page)

    return as_the_form_does


@pytest.fixture
def pictures(page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]) -> Pictures:
    """Alice's pictures `0.jpg` to `N.jpg` in a page; their ids as they are shown, newest first."""

    def make(count: int) -> list[str]:
        sign_in(page, alice)
        for number in range(count):
            drop(page, [jpeg(tmp_path / f"{number}.jpg", seed=number)])
            wait_for_cards(page, number + 1, "completed")
        return card_ids(page)

    return make


def live(page: Page) -> None:
    """Wait until the gallery takes files."""
    page.locator("input[type=file]").first.wait_for(state="attached", timeout=20_000)


def drop(page: Page, paths: list[Path]) -> None:
    """Give files to the page's first file input."""
    page.locator("input[type=file]").first.set_input_files([str(path) for path in paths])


def cards(page: Page, status: str | None = None) -> int:
    """How many cards are shown (with a status)."""
    wanted = f'[data-testid="card"][data-status="{status}"]' if status else '[data-testid="card"]'
    return page.locator(wanted).count()


def wait_for_cards(page: Page, count: int, status: str | None = None) -> None:
    """Wait until exactly `count` cards are shown (with a status), without any reload."""
    condition = f'[data-status="{status}"]' if status else ""
    page.wait_for_function(
        "([selector, count]) => document.querySelectorAll(selector).length === count",
        arg=[f'[data-testid="card"]{condition}', count],
        timeout=30_000,
    )


@pytest.fixture(scope="module")
def furnished(
    app: App, model: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """E-mail addresses of people who have something to see on every page, by who they are."""
    people = {"administrator": EMAIL}
    for name in ("person", "newcomer"):
        people[name] = f"{name}-{secrets.token_hex(4)}@example.org"
        app.cli("user", "add", people[name], "--password-stdin", stdin=PASSWORD + "\n")
    for name in ("administrator", "person"):
        with app.client(token=app.cli("token", "create", people[name], "--name", "Mine")) as client:
            furnish(client, model, tmp_path_factory.mktemp(name), failed=int(name != "person"))
    return people


@pytest.fixture(scope="module")
def page_of(
    app: App, browser: Browser, furnished: dict[str, str]
) -> Iterator[Callable[[str], Page]]:
    """`page_of("person")`: a fresh tab of theirs, the one before it closed; nothing moves in it."""
    contexts: dict[str, BrowserContext] = {}

    def context_of(who: str) -> BrowserContext:
        if who not in contexts:
            contexts[who] = browser.new_context(reduced_motion="reduce")
            if who in furnished:
                cookies = app.session_cookie(furnished[who]).items()
                contexts[who].add_cookies(
                    [{"name": name, "value": value, "url": app.url} for name, value in cookies]
                )
        return contexts[who]

    def fresh(who: str) -> Page:
        context = context_of(who)
        for page in context.pages:
            page.close()
        return context.new_page()

    yield fresh
    for context in contexts.values():
        context.close()
