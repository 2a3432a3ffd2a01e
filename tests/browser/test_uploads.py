"""Uploads in a real browser, over a connection that breaks, to a server that is killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image as PillowImage
from playwright.sync_api import BrowserContext, Dialog, Page, Request, Response, expect

from tests.browser.conftest import SMALL, Person, cards, drop, live, wait_for_cards
from tests.support.cut_proxy import CutProxy
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import jpeg
from tests.support.running import App, running_app

pytestmark = [pytest.mark.browser, pytest.mark.long]

SignIn = Callable[[Page, Person], None]


@pytest.fixture(scope="module")
def proxy() -> Iterator[CutProxy]:
    with CutProxy() as running:
        yield running


@pytest.fixture(scope="module")
def app(model: OpenAIServer, proxy: CutProxy) -> Iterator[App]:
    """An imgapp that the browser reaches through the proxy only."""
    with running_app(
        **SMALL,
        IMGAPP_PUBLIC_URL=proxy.url,
        IMGAPP_MAX_UPLOAD_MB="60",
        OPENAI_BASE_URL=model.url,
        OPENAI_API_KEY="test-key",
    ) as running:
        proxy.to = urlsplit(running.url).port or 0
        running.url = proxy.url
        yield running


@pytest.fixture(autouse=True)
def _a_connection_that_is_whole(proxy: CutProxy) -> Iterator[None]:
    proxy.mend()
    yield
    proxy.mend()


class Heard:
    """What the page sends to the server's tus routes, and what was answered to HEAD."""

    def __init__(self, page: Page) -> None:
        self.methods: list[str] = []
        self.offsets: list[int] = []
        self.known: list[int] = []
        page.on("request", self._ask)
        page.on("response", self._answer)

    def _ask(self, request: Request) -> None:
        if "/api/tus" in request.url:
            self.methods.append(request.method)
            if request.method == "PATCH":
                self.offsets.append(int(request.headers["upload-offset"]))

    def _answer(self, response: Response) -> None:
        if "/api/tus" in response.url and response.request.method == "HEAD" and response.ok:
            self.known.append(int(response.headers["upload-offset"]))


def large(path: Path, *, seed: int = 1, side: int = 2600) -> Path:
    """A picture of 20 MB."""
    PillowImage.new("RGB", (side, side), (90, seed, 10)).save(path, "BMP")
    return path


def tiny(folder: Path, count: int) -> list[Path]:
    """So many pictures of a few bytes each, no two alike."""
    folder.mkdir()
    paths = []
    for number in range(count):
        path = folder / f"{number:04}.png"
        PillowImage.new("RGB", (2, 2), (number % 256, number // 256, 7)).save(path)
        paths.append(path)
    return paths


def until(page: Page, fact: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something that Playwright hears of, while it goes on listening."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return
        page.wait_for_timeout(50)
    pytest.fail("it never happened")


def arrived(app: App) -> int:
    """Bytes of uploads under way that are on the server's disk."""
    return sum(path.stat().st_size for path in (app.folder / "data/uploads").glob("*/*.part"))


def test_a_file_goes_on_where_the_connection_broke(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    heard = Heard(page)
    page.evaluate("window.neverReloaded = true")
    before = proxy.sent_up
    proxy.cut_after = 11_000_000
    picture = large(tmp_path / "large.bmp")
    drop(page, [picture])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Connection lost, going on by itself").first).to_be_visible(
        timeout=20_000
    )
    expect(page.get_by_role("status").get_by_text("Connection lost")).to_be_attached()
    page.wait_for_timeout(1_500)
    there = arrived(app)
    assert there > 8_000_000
    proxy.mend()
    expect(uploads.get_by_text("1 added")).to_be_visible(timeout=60_000)
    wait_for_cards(page, 1)
    assert there in heard.known, "it asked how much is there"
    at = heard.offsets.index(there)
    assert all(offset >= there for offset in heard.offsets[at:])
    assert proxy.sent_up - before < picture.stat().st_size + 5_000_000, "nothing was sent twice"
    assert page.evaluate("window.neverReloaded") is True


def test_a_file_goes_on_when_the_browser_was_offline(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    proxy.bytes_per_second = 4_000_000
    drop(page, [large(tmp_path / "large.bmp", seed=2), jpeg(tmp_path / "small.jpg", seed=900)])
    until(page, lambda: arrived(app) > 3_000_000)
    page.context.set_offline(True)
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("going on by itself").first).to_be_visible(timeout=20_000)
    proxy.mend()
    page.context.set_offline(False)
    expect(uploads.get_by_text("2 added")).to_be_visible(timeout=30_000)


def test_a_file_goes_on_when_the_server_was_killed(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    heard = Heard(page)
    proxy.bytes_per_second = 5_000_000
    drop(page, [large(tmp_path / "large.bmp", seed=3)])
    until(page, lambda: arrived(app) > 5_000_000)
    for process in app.processes(r"imgapp\.web"):
        process.kill()
    there = arrived(app)
    proxy.mend()
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("1 added")).to_be_visible(timeout=60_000)
    assert heard.known
    assert max(heard.known) >= there
    assert heard.methods.count("POST") == 1, "it was not begun again"


def test_two_thousand_files_do_not_freeze_the_page_and_are_cancelled_together(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    files = tiny(tmp_path / "many", 2_000)
    proxy.bytes_per_second = 60_000
    drop(page, files)
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("of 2,000")).to_be_visible()
    expect(uploads.get_by_role("list", name="2,000 files")).to_be_visible()
    assert uploads.get_by_role("listitem").count() < 40
    page.get_by_role("button", name="Account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    uploads.get_by_role("list").evaluate("list => list.scrollTo(0, list.scrollHeight)")
    expect(uploads.get_by_text("1999.png")).to_be_visible()
    assert uploads.get_by_role("listitem").count() < 40
    uploads.get_by_role("button", name="Cancel all uploads").click()
    expect(uploads.get_by_text("Uploading")).to_be_hidden()
    page.wait_for_timeout(500)
    assert cards(page) < 500
    assert page.evaluate("document.activeElement !== document.body"), "the focus was lost"


def test_after_a_reload_the_page_says_what_arrived_and_sends_only_the_rest(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    files = [*tiny(tmp_path / "some", 12), large(tmp_path / "large.bmp", seed=4)]
    proxy.bytes_per_second = 4_000_000
    drop(page, files)
    uploads = page.get_by_role("region", name="Uploads")
    uploads.get_by_role("button", name="Uploading").click()  # browsers ask those who did something
    until(page, lambda: arrived(app) > 3_000_000)
    page.wait_for_timeout(500)
    page.reload()
    proxy.mend()
    live(page)
    assert asked == ["beforeunload"]
    expect(uploads.get_by_text("12 arrived, 1 did not")).to_be_visible()
    expect(uploads.get_by_text("Choose the same files again")).to_be_visible()
    expect(page.get_by_role("status").get_by_text("Uploads were interrupted")).to_be_attached()
    expect(uploads.get_by_text("large.bmp")).to_be_visible()
    heard = Heard(page)
    drop(page, files)
    expect(uploads.get_by_text("1 added")).to_be_visible(timeout=20_000)
    wait_for_cards(page, 13)
    assert heard.methods.count("POST") == 0, "what is there is not sent, what was begun goes on"
    assert heard.known
    assert min(heard.offsets) >= 3_000_000
    page.reload()
    live(page)
    page.wait_for_timeout(500)
    expect(uploads).to_be_hidden()
    assert asked == ["beforeunload"], "nothing is under way, so nobody is asked"


def test_what_was_being_sent_is_not_shown_to_whoever_signs_in_next(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, mallory: Person,
    sign_in: SignIn,
) -> None:  # fmt: skip
    sign_in(page, alice)
    page.on("dialog", lambda dialog: dialog.accept())
    proxy.bytes_per_second = 3_000_000
    drop(page, [large(tmp_path / "secret.bmp", seed=5)])
    until(page, lambda: arrived(app) > 1_000_000)
    page.wait_for_timeout(500)
    # Her session ends while the page is away: nothing in the browser is told.
    page.goto("about:blank")
    page.context.clear_cookies()
    proxy.mend()
    sign_in(page, mallory)
    page.wait_for_timeout(500)
    expect(page.get_by_role("region", name="Uploads")).to_be_hidden()
    left = page.evaluate(
        """async () => {
          const database = await new Promise((done) => {
            const asked = indexedDB.open("imgapp-uploads", 1);
            asked.onsuccess = () => done(asked.result);
          });
          const asked = database.transaction("files").objectStore("files").getAll();
          return await new Promise((done) => { asked.onsuccess = () => done(asked.result); });
        }"""
    )
    assert left == []


def test_signing_out_forgets_what_was_being_sent(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    page.on("dialog", lambda dialog: dialog.accept())
    proxy.bytes_per_second = 3_000_000
    drop(page, [large(tmp_path / "secret.bmp", seed=6)])
    until(page, lambda: arrived(app) > 1_000_000)
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{app.url}/sign-in")
    names = page.evaluate("indexedDB.databases().then((all) => all.map((one) => one.name))")
    assert "imgapp-uploads" not in names


def test_rows_show_a_small_picture_of_the_file_while_it_is_sent(
    new_context: Callable[..., BrowserContext], proxy: CutProxy, tmp_path: Path, alice: Person,
    sign_in: SignIn,
) -> None:  # fmt: skip
    page = new_context().new_page()
    sign_in(page, alice)
    proxy.bytes_per_second = 200_000
    drop(page, [jpeg(tmp_path / "harbour.jpg", seed=5), large(tmp_path / "large.bmp", seed=30)])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.locator("img[src^='blob:']").first).to_be_visible()
    expect(uploads.get_by_text("kB/s").first).to_be_visible(timeout=20_000)
    proxy.mend()
    wait_for_cards(page, 2)


def test_the_bytes_of_cancelled_uploads_are_removed(
    page: Page, app: App, proxy: CutProxy, tmp_path: Path, alice: Person, sign_in: SignIn
) -> None:
    sign_in(page, alice)
    proxy.bytes_per_second = 3_000_000
    drop(page, [large(tmp_path / "large.bmp", seed=40)])
    before = arrived(app)
    until(page, lambda: arrived(app) > before + 1_000_000)
    page.get_by_role("button", name="Cancel large.bmp").click()
    proxy.mend()
    until(page, lambda: arrived(app) <= before)
    assert os.listdir(tmp_path)
