"""A real imgapp with a scriptable vision model, and real Chromium pages on it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.complaints import Complaints
from tests.browser.furniture import furnish, upload, wait_for_status
from tests.support.openai_server import OpenAIServer
from tests.support.receivers import Receiver, receiving
from tests.support.running import EMAIL, PASSWORD, App, running_app


@dataclass(frozen=True)
class Person:
    email: str
    password: str = PASSWORD


DESKTOP = {"width": 1280, "height": 900}
# Tests wait for descriptions; a worker that stands back behind them would have them wait, and so
# would one that reads.
ATTENTIVE = {"IMGAPP_WORKER_NICENESS": "0", "IMGAPP_READING": "off"}
# For an app of one file's own: that two web processes work together is seen with the other one.
SMALL = ATTENTIVE | {"IMGAPP_WEB_PROCESSES": "1"}

# Two browsers at once leave little of two processors.
expect.set_options(timeout=15_000)


def chromium() -> str:
    """The browser that the tests drive."""
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail("no Chromium: set CHROMIUM to one, or run `make test`, which finds one")
    return found


@pytest.fixture(scope="session")
def model() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="session")
def hub() -> Iterator[Receiver]:
    """Where models of the catalogue would come from."""
    with receiving() as receiver:
        receiver.answers(404)
        yield receiver


@pytest.fixture(scope="package")
def empty_app(model: OpenAIServer, hub: Receiver) -> Iterator[App]:
    """One for all files, until the last of them is through; nobody has an account there yet."""
    with running_app(
        account=False,
        **ATTENTIVE,
        OPENAI_BASE_URL=model.url,
        OPENAI_API_KEY="test-key",
        IMGAPP_OUTBOUND_NETWORKS="127.0.0.1",
        IMGAPP_MODEL_HUB=hub.url,
    ) as running:
        yield running


@pytest.fixture(scope="package")
def first_visit(empty_app: App, browser: Browser) -> list[str]:
    """Somebody makes the first account, the administrator's, in the page; complaints about that."""
    with open_window(browser) as context:
        page = context.new_page()
        complaints = Complaints(page)
        page.goto(empty_app.url)
        page.wait_for_url(f"{empty_app.url}/welcome")
        page.get_by_label("Email").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        page.wait_for_url(f"{empty_app.url}/")
        live(page)
        return complaints.all()


@pytest.fixture(scope="package")
def app(empty_app: App, first_visit: list[str]) -> App:
    """The imgapp of all files that have no other one, with an administrator."""
    empty_app.token = empty_app.add_token(EMAIL)
    return empty_app


@pytest.fixture(autouse=True)
def _a_model_that_answers(model: OpenAIServer) -> Iterator[None]:
    model.reset()
    yield
    model.reset()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop running, in which the asynchronous tests elsewhere fail.
    with sync_playwright() as playwright:
        arguments = [
            "--no-sandbox",
            "--disable-background-networking",
            "--no-first-run",
            # A whole Chromium starts two processes more for each window, for its address bar.
            "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
        ]
        launched = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def new_person(app: App) -> Callable[[str], Person]:
    """Makes an account; every test has people of its own."""

    return partial(new_account, app)


def new_account(app: App, name: str) -> Person:
    email = f"{name}-{secrets.token_hex(4)}@example.org"
    app.add_person(email)
    return Person(email)


def client_of(app: App, person: Person) -> httpx.Client:
    """The API for a program of this person's."""
    return app.client(token=app.add_token(person.email))


@pytest.fixture
def alice(new_person: Callable[[str], Person]) -> Person:
    return new_person("alice")


@pytest.fixture
def mallory(new_person: Callable[[str], Person]) -> Person:
    return new_person("mallory")


def open_window(browser: Browser, **options: object) -> BrowserContext:
    """A window with nothing in it, as most tests need it unless told otherwise."""
    options.setdefault("viewport", DESKTOP)
    options.setdefault("reduced_motion", "reduce")
    return browser.new_context(**options)  # type: ignore[arg-type]


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    opened: list[BrowserContext] = []

    def make(**options: object) -> BrowserContext:
        opened.append(open_window(browser, **options))
        return opened[-1]

    yield make
    for context in opened:
        context.close()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One page for all tests of a file that leave it as it was."""
    with open_window(browser) as context:
        yield context.new_page()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    return new_context().new_page()


@pytest.fixture(scope="module")
def sign_in(app: App) -> Callable[..., None]:
    """`sign_in(page, alice, "/usage")`; without a path it waits until the gallery is live."""
    return partial(sign_in_to, app)


def sign_in_to(app: App, page: Page, person: Person, path: str = "/") -> None:
    """As the form does, which has tests of its own."""
    form = {"email": person.email, "password": person.password}
    page.context.request.post(
        f"{app.url}/api/sign-in", form=form, headers={"Origin": app.url}, max_redirects=0
    )
    page.goto(app.url + path)
    if path == "/":
        live(page)


def add_pictures(app: App, person: Person, paths: list[Path]) -> list[str]:
    """Upload pictures over the API and wait until all are described; ids, newest first."""
    with client_of(app, person) as client:
        ids = [upload(client, path) for path in paths]
        wait_for_status(client, "completed", len(ids))
    return ids[::-1]


def to_all_pictures(page: Page) -> None:
    """To the gallery as the button Back leads there: nothing is loaded again."""
    page.evaluate(
        """() => {
            if (!location.search) return;
            history.pushState(history.state, '', '/');
            dispatchEvent(new PopStateEvent('popstate'));
        }"""
    )


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


@pytest.fixture(scope="package")
def furnished(
    app: App, model: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """E-mail addresses of people who have something to see on every page, by who they are."""
    people = {"administrator": Person(EMAIL)}
    for name in ("person", "newcomer"):
        people[name] = new_account(app, name)
    for name in ("administrator", "person"):
        with client_of(app, people[name]) as client:
            furnish(client, model, tmp_path_factory.mktemp(name), failed=int(name != "person"))
    return {name: one.email for name, one in people.items()}


@pytest.fixture(scope="package")
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
