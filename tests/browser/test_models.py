"""The page about vision models, in a real browser, with real servers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.test_progress import OWNER
from tests.browser.test_websocket import in_redis
from tests.support.openai_server import OpenAIServer
from tests.support.receivers import Answer, Received, Receiver
from tests.support.running import App

pytestmark = pytest.mark.browser

SignIn = Callable[..., None]
KEY = "sk-a-key-that-nobody-else-sees"
SLOW = 60_000


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer(model="llava:7b") as running:
        yield running


def test_a_model_is_connected_tried_made_the_fallback_and_disconnected(
    page: Page, app: App, sign_in: SignIn, server: OpenAIServer
) -> None:
    sign_in(page, OWNER, "/models")
    expect(page.get_by_test_id("model")).to_have_count(1)
    expect(page.get_by_text("The environment (OPENAI_API_KEY")).to_be_visible()
    page.get_by_label("Server", exact=True).select_option("ollama")
    page.get_by_label("Address").fill(f"{server.url}/elsewhere")
    page.get_by_label("Key", exact=True).fill(KEY)
    page.get_by_role("button", name="Which models are there?").click()
    expect(page.get_by_role("alert")).to_contain_text("does not say which models")
    page.get_by_label("Address").fill(server.url)
    page.get_by_role("button", name="Which models are there?").click()
    expect(page.get_by_label("Model", exact=True)).to_have_value("llava:7b")
    page.get_by_role("button", name="Try it", exact=True).click()
    expect(page.get_by_test_id("trial")).to_contain_text(server.alt_text, timeout=SLOW)
    page.get_by_label("Name, as people choose it").fill("mine")
    page.get_by_role("button", name="Connect", exact=True).click()
    row = page.get_by_test_id("model").filter(has_text="mine")
    expect(row).to_contain_text("llava:7b at Ollama")
    expect(page.get_by_label("Key", exact=True)).to_have_value("")

    page.get_by_role("button", name="Make it the fall-back: mine").click()
    expect(row).to_contain_text("fall-back")
    server.fail_with(401)
    page.get_by_role("button", name="Try mine").click()
    expect(row.get_by_test_id("trial")).to_contain_text("refused the API key", timeout=SLOW)
    assert {call.headers["authorization"] for call in server.calls} == {f"Bearer {KEY}"}
    assert KEY not in page.content()
    assert KEY.encode() not in in_redis(app)

    row.get_by_text("Disconnect").first.click()
    row.get_by_role("button", name="Disconnect").click()
    expect(row).to_have_count(0)


def test_a_model_of_the_catalogue_is_fetched_at_one_click_and_discarded(
    page: Page, sign_in: SignIn, hub: Receiver
) -> None:
    begun = b"GGUF" + bytes(40_000_000)
    go_on = threading.Event()

    def breaks_off(request: Received) -> Answer:
        if "range" in request.headers:
            go_on.wait(60)
            return 404, {}, b""
        return 200, {"Content-Length": "436808704"}, begun

    hub.answer = breaks_off
    sign_in(page, OWNER, "/models")
    row = page.get_by_test_id("bundled-model").filter(has_text="SmolVLM2 500M")
    expect(row).to_contain_text("546 MB to fetch")
    expect(row).to_contain_text("Apache-2.0")
    row.get_by_role("button", name="Fetch it, 546 MB").click()
    expect(row).to_contain_text(re.compile(r"\d MB of 546 MB"), timeout=SLOW)
    expect(row.get_by_role("progressbar")).to_be_visible()
    go_on.set()
    expect(row.get_by_role("alert")).to_contain_text("could not be fetched", timeout=SLOW)
    expect(row.get_by_role("button", name="Go on")).to_be_visible()
    row.get_by_role("button", name="Discard").click()
    expect(row.get_by_role("button", name="Fetch it, 546 MB")).to_be_visible()
    expect(row.get_by_role("progressbar")).to_have_count(0)


def test_the_models_are_not_there_for_others(
    page: Page, app: App, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice, "/models")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(page.get_by_role("link", name="Models")).to_have_count(0)
    answer = page.request.get(f"{app.url}/api/installation/models")
    assert answer.status == 404
