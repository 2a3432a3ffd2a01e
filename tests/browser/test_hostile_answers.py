"""What a model writes is shown as text: nothing of it runs, and nothing of it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.complaints import Complaints
from tests.browser.conftest import Person, drop, live, wait_for_cards
from tests.support.obedient import MARKUP, obeying
from tests.support.openai_server import OpenAIServer, Reply
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser


@pytest.mark.long
def test_nothing_that_a_model_writes_runs_or_loads_anything(
    app: App,
    page: Page,
    model: OpenAIServer,
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    complaints = Complaints(page)
    sign_in(page, alice)
    hostile = obeying()
    model.script(*hostile)

    drop(page, [jpeg(tmp_path / f"{number}.jpg", seed=number) for number in range(len(hostile))])
    wait_for_cards(page, len(hostile), "completed")
    page.reload()
    live(page)
    wait_for_cards(page, len(hostile), "completed")

    host = urlsplit(app.url).netloc
    strangers = [url for url in asked if urlsplit(url).netloc not in (host, "")]
    assert strangers == []
    assert page.evaluate("window.obeyed") is None
    assert complaints.all() == []
    assert len(model.calls) == len(hostile)


@pytest.mark.long
def test_the_viewer_shows_markup_letter_by_letter(
    page: Page,
    model: OpenAIServer,
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[..., None],
) -> None:
    complaints = Complaints(page)
    sign_in(page, alice)
    viewer = page.get_by_role("dialog")
    for number, markup in enumerate(MARKUP, start=1):
        answer = {"visible_text": markup, "description": f"{markup} says a sign."}
        model.script(Reply(answer=answer))
        drop(page, [jpeg(tmp_path / f"sign-{number}.jpg", seed=number)])
        wait_for_cards(page, number, "completed")
        page.get_by_test_id("card").first.get_by_role("button").first.click()
        expect(viewer.get_by_text(markup).first).to_be_visible()
        assert viewer.locator("script, iframe, style, svg[onload], img[onerror]").count() == 0
        assert viewer.locator("a[href*='evil.example'], a[href^='javascript:']").count() == 0
        page.keyboard.press("Escape")
        expect(viewer).to_be_hidden()
    assert page.evaluate("window.obeyed") is None
    assert complaints.all() == []
