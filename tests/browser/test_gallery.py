"""The main job in a real browser: drop pictures, watch them being described, live."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.conftest import Person, add_pictures, cards, drop, live, wait_for_cards
from tests.support.openai_server import OpenAIServer
from tests.support.pictures import every_format, jpeg, truncated
from tests.support.running import App

pytestmark = pytest.mark.browser


def test_pictures_of_every_format_are_described_in_both_tabs_and_nobody_elses(
    app: App,
    model: OpenAIServer,
    tmp_path: Path,
    alice: Person,
    mallory: Person,
    new_context: Callable[..., BrowserContext],
    sign_in: Callable[[Page, Person], None],
) -> None:
    hers = new_context()
    first, second = hers.new_page(), hers.new_page()
    sign_in(first, alice)
    second.goto(app.url)
    live(second)
    other = new_context().new_page()
    sign_in(other, mallory)
    frames: list[str | bytes] = []
    other.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(frame)))
    other.reload()
    live(other)
    other.wait_for_load_state("networkidle")
    other.wait_for_timeout(500)
    assert frames, "no frame was recorded: the test sees nothing"
    frames.clear()

    pictures = every_format(tmp_path)
    drop(first, pictures)

    for tab in (first, second):
        wait_for_cards(tab, len(pictures), "completed")
        for alt in tab.locator('[data-testid="card"] img').all():
            assert alt.get_attribute("alt") == model.alt_text
    assert cards(other) == 0
    assert [f for f in frames if len(f) > 4] == [], "mallory's tab heard of alice's pictures"
    model.assert_requests_were_clean()


@pytest.mark.long
def test_results_arrive_one_after_the_other_without_a_reload(
    page: Page, model: OpenAIServer, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    page.evaluate("window.neverReloaded = true")
    model.open.clear()
    drop(page, [jpeg(tmp_path / f"{n}.jpg", seed=n) for n in range(3)])
    wait_for_cards(page, 3)
    assert cards(page, "completed") == 0
    model.open.set()
    wait_for_cards(page, 3, "completed")
    assert page.evaluate("window.neverReloaded") is True
    # Also to who does not see it.
    announced = page.locator("[data-announcements]").first
    expect(announced).to_contain_text(re.compile(r"\d pictures? described"))


def test_a_broken_file_says_why_one_that_is_there_too_and_the_others_go_on(
    page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    text = tmp_path / "notes.jpg"
    text.write_text("this is no picture")
    good = [jpeg(tmp_path / f"good-{n}.jpg", seed=n) for n in range(2)]
    drop(page, [good[0], text, truncated(tmp_path / "cut.jpg"), good[1]])
    wait_for_cards(page, 2, "completed")
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("notes.jpg")).to_be_visible()
    expect(uploads.get_by_text("not an image")).to_be_visible()
    expect(uploads.get_by_text("damaged")).to_be_visible()

    again = tmp_path / "again.jpg"
    again.write_bytes(good[0].read_bytes())
    drop(page, [again])
    expect(uploads.get_by_text("Already in your library")).to_be_visible()
    assert cards(page) == 2


def test_a_failed_analysis_says_why_and_can_be_tried_again_from_the_card(
    page: Page, model: OpenAIServer, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    model.fail_with(413)
    drop(page, [jpeg(tmp_path / "a.jpg", seed=1)])
    wait_for_cards(page, 1, "failed")
    card = page.get_by_test_id("card")
    expect(card).to_contain_text("smaller requests")
    model.reset()
    card.get_by_role("button", name="Try again").click()
    wait_for_cards(page, 1, "completed")


def test_a_picture_opens_in_a_viewer_and_can_be_deleted_there(
    page: Page, model: OpenAIServer, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    drop(page, [jpeg(tmp_path / "harbour.jpg", seed=1)])
    wait_for_cards(page, 1, "completed")
    page.get_by_test_id("card").get_by_role("button").first.click()
    viewer = page.get_by_role("dialog")
    expect(viewer.get_by_text(model.description)).to_be_visible()
    expect(viewer.get_by_text("harbour.jpg").first).to_be_visible()
    preview = viewer.get_by_role("img", name=model.alt_text)
    expect(preview).to_be_visible()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=dialog] img')].some(i => i.naturalWidth >= 600)"
    )
    page.keyboard.press("Escape")
    expect(viewer).to_be_hidden()
    page.get_by_test_id("card").get_by_role("button").first.click()
    viewer.get_by_role("button", name="Delete").click()
    wait_for_cards(page, 0)


@pytest.mark.long
def test_after_a_restart_of_the_server_the_page_shows_what_happened_meanwhile(
    page: Page, app: App, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / "before.jpg", seed=1)])
    sign_in(page, alice)
    wait_for_cards(page, 1, "completed")
    page.evaluate("window.neverReloaded = true")

    app.stop()
    expect(page.get_by_role("button", name="Refresh")).to_be_visible(timeout=20_000)
    app.start()

    add_pictures(app, alice, [jpeg(tmp_path / "b.jpg", seed=2)])
    wait_for_cards(page, 2, "completed")
    assert page.evaluate("window.neverReloaded") is True


@pytest.mark.long
def test_the_page_fits_a_phone(
    app: App,
    new_context: Callable[..., BrowserContext],
    tmp_path: Path,
    alice: Person,
    sign_in: Callable[..., None],
) -> None:
    phone = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    add_pictures(app, alice, [jpeg(tmp_path / f"{n}.jpg", seed=n) for n in range(3)])
    sign_in(page, alice)
    wait_for_cards(page, 3, "completed")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_pictures_that_are_dragged_or_pasted_into_the_page_are_uploaded(
    page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    for number, how in enumerate(("drop", "paste"), start=1):
        picture = jpeg(tmp_path / "dragged.jpg", seed=number, size=(320, 240))
        bring(page, how, list(picture.read_bytes()))
        wait_for_cards(page, number, "completed")


def bring(page: Page, how: str, data: list[int]) -> None:
    """Drag a file of these bytes into the page, or paste it there."""
    page.evaluate(
        """([how, bytes]) => {
          const carried = new DataTransfer();
          const file = new File([new Uint8Array(bytes)], 'dragged.jpg', { type: 'image/jpeg' });
          carried.items.add(file);
          const options = { bubbles: true, cancelable: true };
          const events = how === 'paste'
            ? [new ClipboardEvent('paste', { ...options, clipboardData: carried })]
            : ['dragenter', 'dragover', 'drop'].map(
                (name) => new DragEvent(name, { ...options, dataTransfer: carried }));
          for (const event of events) document.querySelector('main').dispatchEvent(event);
        }""",
        [how, data],
    )


def test_an_upload_that_is_cancelled_leaves_no_picture_and_the_others_go_on(
    page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    held: list[Route] = []
    page.route("**/api/tus", lambda route: held.append(route))
    files = [jpeg(tmp_path / f"{name}.jpg", seed=n) for n, name in enumerate(("slow", "other"))]
    with page.expect_request("**/api/tus"):
        drop(page, files[:1])
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("Uploading 1 of 1")).to_be_visible()
    uploads.get_by_role("button", name="Cancel slow.jpg").click()
    expect(uploads).to_be_hidden()
    page.unroute("**/api/tus")
    drop(page, files[1:])
    wait_for_cards(page, 1, "completed")
    expect(uploads.get_by_text("1 added")).to_be_visible()
    page.get_by_test_id("card").get_by_role("button").first.click()
    expect(page.get_by_role("dialog").get_by_text("other.jpg").first).to_be_visible()


def test_a_folder_that_is_picked_gives_its_pictures_and_nothing_else(
    page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    folder = tmp_path / "trip"
    (folder / "day two").mkdir(parents=True)
    jpeg(folder / "harbour.jpg", seed=1)
    jpeg(folder / "day two" / "bridge.jpg", seed=2)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "notes.txt").write_text("not a picture")
    sign_in(page, alice)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder", exact=True).click()
    chooser.value.set_files(folder)
    wait_for_cards(page, 2, "completed")
    uploads = page.get_by_role("region", name="Uploads")
    expect(uploads.get_by_text("2 added")).to_be_visible()
    for name in (".DS_Store", "notes.txt"):
        expect(uploads.get_by_text(name)).to_be_hidden()


@pytest.mark.long
def test_a_chip_is_one_line_with_its_icon_beside_the_word(
    page: Page, model: OpenAIServer, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    sign_in(page, alice)
    model.open.clear()
    drop(page, [jpeg(tmp_path / "one.jpg", seed=hash((alice.email, "chip")))])
    chip = page.locator(".card > .badge", has_text="Describing")
    chip.wait_for()
    beside = """chip => {
        const icon = chip.querySelector('svg').getBoundingClientRect();
        const word = document.createRange();
        word.selectNodeContents(chip.lastChild);
        const box = word.getBoundingClientRect();
        return icon.right <= box.left && icon.bottom > box.top && icon.top < box.bottom;
    }"""
    assert chip.evaluate(beside)
    page.get_by_test_id("card").get_by_role("button").first.click()
    in_viewer = page.locator(".viewer-state .badge")
    in_viewer.wait_for()
    assert in_viewer.evaluate(beside)
    model.open.set()


def test_today_is_yesterday_after_midnight_without_a_reload(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    add_pictures(app, alice, [jpeg(tmp_path / "one.jpg", seed=hash((alice.email, "day")))])
    page.clock.install()
    sign_in(page, alice)
    wait_for_cards(page, 1, "completed")
    day = page.locator(".day")
    expect(day).to_contain_text("Today")
    page.clock.fast_forward("24:00:00")
    expect(day).to_contain_text("Yesterday")
    expect(page.get_by_role("region", name="Yesterday")).to_be_attached()
    expect(day).to_have_count(1)


@pytest.mark.long
def test_a_transparent_picture_is_on_a_ground_that_shows_it(
    app: App, page: Page, tmp_path: Path, alice: Person, sign_in: Callable[..., None]
) -> None:
    logo = PillowImage.new("RGBA", (400, 300), (255, 255, 255, 0))
    logo.paste((255, 255, 255, 255), (100, 100, 300, 200))
    logo.save(tmp_path / "logo.png")
    opaque = jpeg(tmp_path / "opaque.jpg", seed=hash((alice.email, "opaque")))
    opaque_id, logo_id = add_pictures(app, alice, [tmp_path / "logo.png", opaque])
    sign_in(page, alice)
    wait_for_cards(page, 2, "completed")
    checked = re.compile("conic-gradient")
    thumbnail = page.locator(f'[data-image-id="{logo_id}"] img')
    expect(thumbnail).to_have_css("background-image", checked)
    expect(page.locator(f'[data-image-id="{opaque_id}"] img')).to_have_css(
        "background-image", "none"
    )
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.goto(f"{app.url}/?picture={logo_id}")
        page.locator(".viewer[aria-busy=false]").wait_for()
        shown = page.locator(".stage-frame img")
        expect(shown).to_have_css("background-image", checked)
        expect(shown).to_have_js_property("complete", True)
    page.goto(f"{app.url}/?picture={opaque_id}")
    page.locator(".viewer[aria-busy=false]").wait_for()
    expect(page.locator(".stage-frame img")).to_have_css("background-image", "none")
