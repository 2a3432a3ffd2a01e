"""One picture in a real browser: its address, its neighbours, what is copied, what is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Person, live, wait_for_cards
from tests.browser.viewer.viewing import Pictures, open_picture, opener, send, shown
from tests.support.openai_server import ANSWER, OpenAIServer
from tests.support.running import App

pytestmark = pytest.mark.browser


def test_a_picture_has_an_address_that_reload_back_and_forward_follow(
    page: Page, app: App, pictures: Pictures
) -> None:
    newest, older = pictures(2)
    page.evaluate("window.neverReloaded = true")
    viewer = open_picture(page, older)
    expect(viewer).to_have_accessible_name("0.jpg")
    expect(page).to_have_title("0.jpg · imgapp")
    assert page.url == f"{app.url}/?picture={older}"

    page.go_back()
    expect(viewer).to_be_hidden()
    assert page.url == f"{app.url}/"
    expect(page).to_have_title("Pictures · imgapp")
    expect(opener(page, older)).to_be_focused()
    page.go_forward()
    shown(page, older)
    assert page.evaluate("window.neverReloaded") is True, "the page stayed as it was"

    page.reload()
    expect(shown(page, older)).to_have_accessible_name("0.jpg")
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    assert page.url == f"{app.url}/"

    page.goto(f"{app.url}/?picture={newest}")
    expect(shown(page, newest)).to_have_accessible_name("1.jpg")
    viewer.get_by_role("button", name="Close the picture").click()
    expect(viewer).to_be_hidden()
    assert page.url == f"{app.url}/"
    wait_for_cards(page, 2, "completed")


def test_next_and_previous_go_through_all_pictures_and_one_step_back_leads_out(
    page: Page, app: App, pictures: Pictures
) -> None:
    ids = pictures(3)
    viewer = open_picture(page, ids[0])
    previous = viewer.get_by_role("button", name="Previous picture")
    following = viewer.get_by_role("button", name="Next picture")
    expect(previous).to_be_disabled()
    following.click()
    shown(page, ids[1])
    page.keyboard.press("j")
    shown(page, ids[2])
    expect(following).to_be_disabled()
    page.keyboard.press("ArrowRight")
    shown(page, ids[2])
    page.keyboard.press("k")
    page.keyboard.press("ArrowLeft")
    shown(page, ids[0])
    page.keyboard.press("j")
    expect(shown(page, ids[1])).to_have_accessible_name("1.jpg")
    page.go_back()
    expect(viewer).to_be_hidden()
    assert page.url == f"{app.url}/"
    expect(opener(page, ids[1])).to_be_focused()
    # Whoever closes it twice before the browser has gone back stays in the gallery.
    page.keyboard.press("Enter")
    shown(page, ids[1])
    close = viewer.get_by_role("button", name="Close the picture")
    close.evaluate("(button) => { button.click(); button.click(); }")
    expect(viewer).to_be_hidden()
    expect(page.locator(".count")).to_be_visible()
    assert page.url == f"{app.url}/"


@pytest.mark.long
def test_the_pictures_beside_are_there_before_they_are_asked_for(
    page: Page, pictures: Pictures
) -> None:
    ids = pictures(3)
    previews: list[str] = []
    page.on("request", lambda request: previews.append(request.url))
    open_picture(page, ids[1])
    page.wait_for_function(
        "(ids) => ids.every((id) => performance.getEntriesByType('resource')"
        ".some((one) => one.name.includes(`${id}/preview`)))",
        arg=ids,
    )
    assert not any("/original" in url for url in previews)


@pytest.mark.long
def test_a_link_that_leads_nowhere_says_so_kindly_and_a_foreign_one_says_the_same(
    app: App,
    mallory: Person,
    pictures: Pictures,
    sign_in: Callable[..., None],
    new_context: Callable[..., BrowserContext],
) -> None:
    (hers,) = pictures(1)
    page = new_context().new_page()
    viewer = page.get_by_role("dialog", name="This picture is not here")
    foreign, missing, malformed, markup = hers, uuid4(), "12", "<b>x%22]</b>"
    for named in (foreign, missing, malformed, markup):
        sign_in(page, mallory, f"/?picture={named}")
        expect(viewer).to_have_text(
            "This picture is not here"
            "It may have been deleted, or the link to it is not complete."
            "All pictures"
        )
        viewer.get_by_role("button", name="All pictures").click()
        expect(viewer).to_be_hidden()
        expect(page.get_by_role("heading", name="Add your first pictures")).to_be_visible()
        assert page.url == f"{app.url}/"


@pytest.mark.long
def test_a_picture_that_is_deleted_elsewhere_is_not_here_any_more(
    page: Page, pictures: Pictures
) -> None:
    newest, older = pictures(2)
    viewer = open_picture(page, newest)
    page.evaluate(f"fetch('/api/images/{older}', {{ method: 'DELETE' }})")
    expect(viewer.get_by_role("button", name="Next picture")).to_be_disabled()
    page.evaluate(f"fetch('/api/images/{newest}', {{ method: 'DELETE' }})")
    expect(viewer.get_by_role("heading", name="This picture is not here")).to_be_visible()


def test_delete_goes_on_to_the_next_picture_and_undo_brings_it_back(
    page: Page, pictures: Pictures
) -> None:
    ids = pictures(2)
    viewer = open_picture(page, ids[0])
    page.keyboard.press("Delete")
    shown(page, ids[1])
    wait_for_cards(page, 1)
    viewer.get_by_role("button", name="Undo").click()
    wait_for_cards(page, 2)
    viewer.get_by_role("button", name="Previous picture").click()
    shown(page, ids[0])
    viewer.get_by_role("button", name="Delete").click()
    shown(page, ids[1])
    viewer.get_by_role("button", name="Delete").click()
    expect(viewer).to_be_hidden()
    wait_for_cards(page, 0)


def test_what_changes_elsewhere_is_seen_in_the_open_picture(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    send(page, "PATCH", f"/api/images/{one}", {"alt_text": "Changed elsewhere", "tags": ["new"]})
    expect(viewer.get_by_text("Changed elsewhere")).to_be_visible()
    expect(viewer.get_by_role("img", name="Changed elsewhere")).to_be_visible()
    expect(viewer.locator(".tag")).to_have_text(["new"])


def test_one_key_copies_the_alt_text_a_tag_or_markdown(
    page: Page, model: OpenAIServer, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    viewer = open_picture(page, one)
    alt_text = ANSWER["alt_text"]
    said = viewer.locator(".viewer-said")
    for key, text, done in (
        ("c", alt_text, "Alt text copied"),
        ("i", f'<img src="0.jpg" alt="{alt_text}">', "<img> tag copied"),
        ("m", f"![{alt_text}](0.jpg)", "Markdown copied"),
    ):
        page.keyboard.press(key)
        expect(said).to_have_text(done)
        assert page.evaluate("navigator.clipboard.readText()") == text
    send(page, "PATCH", f"/api/images/{one}", {"alt_text": "<script>\"&' ]"})
    expect(viewer.get_by_text("<script>\"&' ]")).to_be_visible()
    viewer.get_by_role("button", name="Copy an HTML <img> tag").click()
    expect(said).to_have_text("<img> tag copied")
    assert page.evaluate("navigator.clipboard.readText()") == (
        '<img src="0.jpg" alt="&lt;script&gt;&quot;&amp;&#39; ]">'
    )


@pytest.mark.long
def test_without_an_alt_text_there_is_nothing_to_copy(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    send(page, "PATCH", f"/api/images/{one}", {"alt_text": None})
    viewer = open_picture(page, one)
    page.keyboard.press("i")
    expect(viewer.locator(".viewer-said")).to_have_text("There is no alt text to copy yet")


def test_the_keyboard_alone_reaches_everything_and_stays_inside(
    page: Page, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    opener(page, one).focus()
    page.keyboard.press("Enter")
    viewer = shown(page, one)
    expect(viewer).to_be_focused()
    names = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "() => { const at = document.activeElement;"
            " return at.closest('dialog') || at === document.body"
            " ? at.ariaLabel || at.innerText || at.id : 'outside' }"
        )
        names.add(name.strip())
    assert "outside" not in names
    assert {"Zoom in", "Edit: Alt text", "Edit: Description", "Download", "Delete"} <= names
    assert {"Close the picture", "Copy as Markdown", "Remove the tag bicycle"} <= names
    page.keyboard.press("Escape")
    expect(opener(page, one)).to_be_focused()


@pytest.mark.long
def test_the_download_has_the_name_of_the_file(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    with page.expect_download() as download:
        viewer.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "0.jpg"


@pytest.mark.long
def test_facts_and_colours_of_the_file_are_shown(page: Page, pictures: Pictures) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    expect(viewer.locator(".facts")).to_contain_text("800 \N{MULTIPLICATION SIGN} 600")
    colours = viewer.locator(".colours li").all()
    assert 1 <= len(colours) <= 5
    assert all(re.fullmatch("#[0-9a-f]{6}", one.get_attribute("title") or "") for one in colours)


@pytest.mark.long
def test_the_gallery_stays_where_it_is_while_a_picture_comes_and_goes(
    page: Page, app: App, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    calls: list[str] = []
    page.on("websocket", lambda ws: ws.on("framesent", lambda frame: calls.append(str(frame))))
    page.reload()
    live(page)
    open_picture(page, one)
    calls.clear()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_timeout(500)
    assert not any("on_load" in frame or "gallery_state.load" in frame for frame in calls), calls
