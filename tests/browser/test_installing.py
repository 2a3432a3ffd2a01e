"""Icons, titles and what makes the page installable."""

from __future__ import annotations

import io
from collections.abc import Callable

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page

from imgapp.ui.pages import PAGES
from tests.browser.places import ADMINISTRATOR, NOBODY
from tests.support.running import App

pytestmark = pytest.mark.browser


def test_the_manifest_is_what_browsers_ask_for(app: App) -> None:
    answer = httpx.get(f"{app.url}/manifest.webmanifest")
    assert answer.headers["content-type"].split(";")[0] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    purposes = {icon.get("purpose", "any") for icon in manifest["icons"]}
    assert purposes == {"any", "maskable"}
    for icon in manifest["icons"]:
        found = httpx.get(app.url + icon["src"])
        assert found.headers["content-type"] == icon["type"]
        if icon["sizes"] != "any":
            width, height = Image.open(io.BytesIO(found.content)).size
            assert f"{width}x{height}" == icon["sizes"]
    routes = {page.route for page in PAGES}
    assert {one["url"] for one in manifest["shortcuts"]} <= routes


@pytest.mark.long
def test_chromium_finds_nothing_that_keeps_it_from_installing(
    app: App, page_of: Callable[[str], Page]
) -> None:
    page = page_of(ADMINISTRATOR)
    page.goto(app.url)
    devtools = page.context.new_cdp_session(page)
    assert devtools.send("Page.getAppManifest")["errors"] == []
    found = devtools.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A private window installs nothing.
    assert [one["errorId"] for one in found if one["errorId"] != "in-incognito"] == []


def test_every_icon_of_the_head_is_there(app: App, page_of: Callable[[str], Page]) -> None:
    page = page_of(NOBODY)
    page.goto(f"{app.url}/sign-in")
    links = page.evaluate(
        """() => [...document.querySelectorAll('link[rel~=icon], link[rel=apple-touch-icon]')]
            .map((one) => one.href)"""
    )
    assert len(links) == 3
    for link in links:
        answer = httpx.get(link)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/")
