"""What an attacker tries with a browser: another site, an old tab, a file that is a page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.conftest import Person, add_pictures, cards, live, wait_for_cards
from tests.support.pictures import jpeg
from tests.support.running import REPO, App

pytestmark = pytest.mark.browser


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[str]:
    """A page of somebody else: same host, another port, and so another origin."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("<title>evil</title>")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    # The same site for cookies (SameSite counts no ports): only the origin check stands between.
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account").click()
    page.get_by_role("button", name="Sign out").click()


@pytest.mark.long
def test_a_revoked_session_dies_within_a_second_in_another_tab_that_does_nothing(
    app: App,
    page: Page,
    new_context: Callable[..., BrowserContext],
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / "mine.jpg", seed=1)])
    sign_in(page, alice)
    wait_for_cards(page, 1)
    idle = page.context.new_page()
    idle.goto(app.url)
    live(idle)
    elsewhere = new_context().new_page()
    sign_in(elsewhere, alice)
    sign_out(page)
    page.wait_for_url(f"{app.url}/sign-in")
    # No reload, no click: the open page is led away (test_websocket.py holds how soon).
    idle.wait_for_url(f"{app.url}/sign-in", timeout=5_000)
    idle.go_back()
    idle.wait_for_timeout(500)
    assert cards(idle) == 0, "nothing is left to go back to"
    elsewhere.reload()
    live(elsewhere)
    assert cards(elsewhere) == 1, "the other session goes on"


def test_another_origin_opens_no_websocket_with_our_cookie(
    app: App,
    page: Page,
    other_site: str,
    alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:
    sign_in(page, alice, "/help")
    page.goto(other_site)
    address = app.url.replace("http", "ws") + "/_event/?EIO=4&transport=websocket&token=evil"
    attempt = """address => new Promise((done) => {
        const socket = new WebSocket(address);
        socket.onopen = () => done('open');
        socket.onerror = () => done('refused');
    })"""
    assert page.evaluate(attempt, address) == "refused"
    page.goto(f"{app.url}/help")
    assert page.evaluate(attempt, address.replace("evil", "ours")) == "open"


def test_another_origin_neither_reads_nor_changes_anything_with_our_cookie(
    app: App,
    page: Page,
    other_site: str,
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[[Page, Person], None],
) -> None:
    (image,) = add_pictures(app, alice, [jpeg(tmp_path / "mine.jpg", seed=2)])
    sign_in(page, alice, "/help")
    page.goto(other_site)
    outcomes = page.evaluate(
        """async ([url, image]) => {
            const form = new FormData();
            form.append('files', new Blob(['x']), 'x.jpg');
            const attempts = [
              ['GET', '/api/images', {}],
              ['POST', '/api/upload', {body: form, mode: 'no-cors'}],
              ['POST', `/api/images/${image}/analyze`, {mode: 'no-cors'}],
              ['POST', '/api/tokens', {body: '{"name": "evil"}', mode: 'no-cors'}],
              ['DELETE', `/api/images/${image}`, {}],
              ['POST', '/api/sign-out', {mode: 'no-cors'}],
            ];
            const read = [];
            for (const [method, path, options] of attempts) {
              try {
                const answer = await fetch(url + path,
                  {method, credentials: 'include', redirect: 'manual', ...options});
                read.push(answer.type === 'opaque' ? '' : await answer.text());
              } catch { read.push(''); }
            }
            return read;
        }""",
        [app.url, image],
    )
    assert outcomes == [""] * 6
    page.evaluate(
        """([url, image]) => {
            const form = document.createElement('form');
            form.method = 'post';
            form.action = `${url}/api/sign-out`;
            document.body.append(form);
            form.submit();
        }""",
        [app.url, image],
    )
    page.wait_for_url(f"{app.url}/api/sign-out")
    page.goto(app.url)
    wait_for_cards(page, 1, "completed")
    tokens = page.evaluate("fetch('/api/tokens').then((a) => a.json())")["items"]
    assert [one["name"] for one in tokens] == ["test"]


@pytest.mark.long
def test_a_file_that_is_also_a_page_never_runs(
    app: App, page: Page, alice: Person, sign_in: Callable[[Page, Person], None], tmp_path: Path
) -> None:
    """Stored, and served as nothing but a file."""
    sign_in(page, alice, "/help")
    served = 0
    for path in polyglots(tmp_path):
        part = {"name": path.name, "mimeType": "text/html", "buffer": path.read_bytes()}
        answer = page.request.post(
            f"{app.url}/api/upload", headers={"Origin": app.url}, multipart={"files": part}
        )
        assert answer.status in (202, 422), path.name
        for image in answer.json()["images"]:
            for variant, url in image["urls"].items():
                assert_harmless(page, app.url + url, variant)
            served += 1
    assert served >= 3


def polyglots(folder: Path) -> list[Path]:
    """JPEGs whose comment is a page with scripts, and those of the corpus where it is there."""
    picture = jpeg(folder / "polyglot.jpg", seed=3).read_bytes()
    script = b"<html><script>document.title='ran';window.ran=1</script><img src=x onerror=ran=1>"
    comment = b"\xff\xfe" + (len(script) + 2).to_bytes(2, "big") + script
    found = sorted((REPO.parent / "shared/corpus/hostile/polyglot").glob("*"))
    for name in ("page.jpg", "page.html", "page.svg"):
        found.append(folder / name)
        found[-1].write_bytes(picture[:2] + comment + picture[2:] + name.encode())
    return found


def assert_harmless(page: Page, url: str, variant: str) -> None:
    answer = page.request.get(url)
    assert answer.ok
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    assert headers["content-type"].startswith("image/")
    assert headers["content-disposition"].startswith(
        "attachment" if variant == "original" else "inline"
    )
    tab = page.context.new_page()
    try:
        if variant == "original":
            with tab.expect_download():
                tab.evaluate(f"location.href = {url!r}")
        else:
            tab.goto(url)
            assert tab.title() != "ran"
            assert tab.evaluate("window.ran") is None
    finally:
        tab.close()
    # In a frame of the page itself nothing of it runs either: it would have this name.
    page.evaluate(
        """url => {
            const frame = document.createElement('iframe');
            frame.src = url;
            document.body.append(frame);
        }""",
        url,
    )
    page.wait_for_timeout(100)
    assert [frame.evaluate("window.ran") for frame in page.frames] == [None] * len(page.frames)
