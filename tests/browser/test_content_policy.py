"""The pages run under a strict policy: all of them work, and what is injected does not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.browser.complaints import Complaints
from tests.browser.conftest import Person, drop, live, wait_for_cards
from tests.support.pictures import jpeg
from tests.support.running import App

pytestmark = pytest.mark.browser


@pytest.fixture
def complaints(page: Page) -> Complaints:
    return Complaints(page)


def policy_of(url: str, **options: Any) -> dict[str, list[str]]:
    header = httpx.get(url, **options).headers["content-security-policy"]
    words = [directive.split() for directive in header.split(";")]
    return {name: values for name, *values in words}


def test_the_policy_lets_no_script_in_but_those_of_the_build(app: App) -> None:
    for path in ("/", "/sign-in", "/sign-up", "/nowhere"):
        policy = policy_of(app.url + path, cookies=app.session_cookie() if path == "/" else None)
        assert policy["default-src"] == ["'none'"]
        assert policy["script-src"][0] == "'self'"
        hashes = policy["script-src"][1:]
        assert len(hashes) > 3
        assert all(one.startswith("'sha256-") for one in hashes)
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
        assert policy["form-action"] == ["'self'"]


@pytest.mark.long
def test_upload_gallery_and_viewer_break_no_rule(
    page: Page,
    complaints: Complaints,
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:
    sign_in(page, alice)
    drop(page, [jpeg(tmp_path / f"{number}.jpg", seed=number) for number in range(3)])
    wait_for_cards(page, 3, "completed")
    assert complaints.all() == []
    page.get_by_test_id("card").first.get_by_role("button").first.click()
    preview = page.locator(".viewer-stage img")
    preview.wait_for()
    page.wait_for_function(
        "() => document.querySelector('.viewer-stage img')?.naturalWidth > 0", timeout=10_000
    )
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    page.reload()
    live(page)
    wait_for_cards(page, 3, "completed")
    assert complaints.all() == []


@pytest.mark.long
def test_the_pages_of_the_api_break_no_rule(app: App, page: Page, complaints: Complaints) -> None:
    page.goto(f"{app.url}/api/docs")
    page.wait_for_load_state("networkidle")
    assert complaints.all() == []


def test_what_is_injected_does_not_run(
    page: Page, complaints: Complaints, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    assert complaints.all() == []
    page.evaluate(
        """() => {
            const inline = document.createElement('script');
            inline.textContent = 'window.ran = "inline"';
            document.body.append(inline);
            const foreign = document.createElement('script');
            foreign.src = 'data:text/javascript,window.ran = "data"';
            document.body.append(foreign);
            const image = document.createElement('div');
            image.innerHTML = '<img src=x onerror="window.ran = \\'handler\\'">';
            document.body.append(image);
        }"""
    )
    page.wait_for_function("() => window.violations.length >= 3")
    page.wait_for_timeout(100)
    assert page.evaluate("window.ran") is None
    violations = page.evaluate("window.violations")
    assert sum(said.startswith("script-src") for said in violations) == 3, violations
    _text_never_becomes_a_script(page)


def _text_never_becomes_a_script(page: Page) -> None:
    # A script of the page itself: what the driver evaluates is exempt from the policy.
    page.evaluate(
        """() => {
            window.ran = [];
            const button = document.createElement('button');
            button.addEventListener('click', () => {
              for (const attempt of [
                () => eval('window.ran.push("eval")'),
                () => new Function('window.ran.push("function")')(),
                () => setTimeout('window.ran.push("timeout")', 0),
              ]) try { attempt(); } catch (error) { window.refused = error.name; }
              setTimeout(() => { window.tried = true; }, 100);
            });
            document.body.append(button);
            setTimeout(() => button.click(), 50);
        }"""
    )
    page.wait_for_function("() => window.tried")
    assert page.evaluate("window.ran") == []
    assert page.evaluate("window.refused") == "EvalError"


def test_the_page_may_not_be_framed(app: App, page: Page) -> None:
    page.set_content(f'<iframe src="{app.url}/sign-in"></iframe>')
    page.wait_for_timeout(1000)
    (_, frame) = page.frames
    assert "Email" not in frame.content()


def test_the_first_page_of_all_breaks_no_rule(first_visit: list[str]) -> None:
    assert first_visit == []
