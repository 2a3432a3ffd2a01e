"""Looking closely in a real browser: zoom, originals, fingers, narrow windows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from playwright.sync_api import BrowserContext, CDPSession, Page, expect

from tests.browser.conftest import Person
from tests.browser.viewer.viewing import Pictures, open_picture, shown
from tests.support.pictures import picture

pytestmark = pytest.mark.browser

WIDE = "document.querySelector('.stage-frame').getBoundingClientRect().width"
LEFT = "document.querySelector('.stage-frame').getBoundingClientRect().left"


def grown(page: Page, than: float) -> None:
    page.wait_for_function(f"() => {WIDE} > {than} * 1.2")


def whole(page: Page, width: float) -> None:
    page.wait_for_function(f"() => Math.abs({WIDE} - {width}) < 1")


def still(page: Page) -> None:
    """Wait until it glides no more."""
    page.wait_for_function(
        f"""async () => {{
            const before = {LEFT};
            await new Promise((done) => setTimeout(done, 150));
            return {LEFT} === before;
        }}"""
    )


def touch(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    given = [{"x": x, "y": y, "id": at} for at, (x, y) in enumerate(points)]
    cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})


@pytest.mark.long
def test_a_picture_is_zoomed_with_keys_wheel_and_double_click_and_dragged(
    page: Page, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    page.wait_for_function("() => document.querySelector('.react-transform-wrapper')")
    before = page.evaluate(WIDE)
    page.keyboard.press("+")
    grown(page, before)
    page.keyboard.press("0")
    whole(page, before)
    page.mouse.move(440, 400)
    page.mouse.dblclick(440, 400)
    grown(page, 2 * before)
    left = page.evaluate(LEFT)
    page.mouse.down()
    page.mouse.move(540, 400, steps=4)
    page.mouse.up()
    page.wait_for_function(f"() => {LEFT} > {left} + 20")
    still(page)
    page.mouse.dblclick(440, 400)
    whole(page, before)
    for _ in range(5):
        page.mouse.wheel(0, -120)
    grown(page, before)
    viewer.get_by_role("button", name="Zoom out").click()
    viewer.get_by_role("button", name="Show the whole picture").click()
    whole(page, before)


@pytest.mark.long
def test_a_long_picture_is_seen_in_its_own_size(
    page: Page, pictures: Pictures, tmp_path: Path
) -> None:
    PillowImage.new("RGB", (800, 16_000), (30, 90, 60)).save(tmp_path / "long.png")
    (one,) = pictures([tmp_path / "long.png"])
    viewer = open_picture(page, one)
    page.wait_for_function("() => document.querySelector('.react-transform-wrapper')")
    percent = viewer.locator(".stage-percent")
    seen = []
    for _ in range(20):
        seen.append(percent.inner_text())
        if seen[-1] == "100 %":
            break
        page.keyboard.press("+")
        expect(percent).not_to_have_text(seen[-1])
        still(page)
    assert seen[-1] == "100 %", seen
    assert page.evaluate(WIDE) == pytest.approx(800, abs=1)
    page.wait_for_function("() => document.querySelector('.stage-frame img').naturalWidth === 800")


@pytest.mark.long
def test_the_original_is_loaded_when_the_zoom_goes_beyond_the_preview(
    page: Page, pictures: Pictures, tmp_path: Path
) -> None:
    large = picture(3, (2400, 1600))
    paths = [tmp_path / "large.tiff", tmp_path / "large.jpg"]
    for path in paths:
        large.save(path)
    jpeg_id, tiff_id = pictures(paths)
    viewer = open_picture(page, jpeg_id)
    frame = viewer.locator(".stage-frame img")
    page.wait_for_function("() => document.querySelector('.stage-frame img').naturalWidth === 1440")
    for _ in range(4):
        page.keyboard.press("+")
        page.wait_for_timeout(300)
    page.wait_for_function("() => document.querySelector('.stage-frame img').naturalWidth === 2400")
    expect(viewer.get_by_role("status").get_by_text("Original", exact=True)).to_be_visible()

    page.keyboard.press("j")
    shown(page, tiff_id)
    page.wait_for_function("() => document.querySelector('.stage-frame img').naturalWidth === 1440")
    viewer.get_by_role("button", name="Load original").click()
    expect(viewer.get_by_text("Browsers cannot show TIFF files.")).to_be_visible()
    expect(frame).to_have_js_property("naturalWidth", 1440)


@pytest.mark.long
def test_fingers_swipe_to_the_next_picture_and_pinch_to_zoom(
    new_context: Callable[..., BrowserContext],
    pictures: Pictures,
    alice: Person,
    sign_in: Callable[..., None],
) -> None:
    ids = pictures(2)
    phone = new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = phone.new_page()
    sign_in(page, alice)
    viewer = open_picture(page, ids[0])
    cdp = phone.new_cdp_session(page)

    def swipe(start: float, end: float, down: float = 0) -> None:
        touch(cdp, "touchStart", (start, 200))
        for step in range(1, 5):
            touch(cdp, "touchMove", (start + (end - start) * step / 4, 200 + down * step / 4))
        touch(cdp, "touchEnd")

    swipe(300, 60)
    shown(page, ids[1])
    swipe(60, 300)
    shown(page, ids[0])
    swipe(200, 190, down=-150)
    page.wait_for_function("() => document.querySelector('dialog').scrollTop > 40")
    shown(page, ids[0])
    page.evaluate("document.querySelector('dialog').scrollTo(0, 0)")

    before = page.evaluate(WIDE)
    touch(cdp, "touchStart", (180, 200), (210, 200))
    for step in range(1, 6):
        touch(cdp, "touchMove", (180 - 20 * step, 200), (210 + 20 * step, 200))
    touch(cdp, "touchEnd")
    grown(page, before)
    # A finger moves what is zoomed and goes nowhere else.
    viewer.locator(".stage-place.zoomed").wait_for()
    left = page.evaluate(LEFT)
    swipe(300, 60)
    page.wait_for_function(f"() => {LEFT} < {left} - 20")
    shown(page, ids[0])
    assert viewer.is_visible()


@pytest.mark.long
@pytest.mark.parametrize("size", [(320, 256), (320, 640), (390, 844)])
def test_a_narrow_window_shows_all_and_scrolls_one_way_only(
    size: tuple[int, int], page: Page, pictures: Pictures
) -> None:
    (one,) = pictures(1)
    viewer = open_picture(page, one)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.keyboard.press("e")
    field = viewer.get_by_role("textbox", name="Alt text")
    expect(field).to_be_in_viewport()
    widths = page.evaluate("[document.querySelector('dialog').scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    viewer.get_by_role("button", name="Delete").scroll_into_view_if_needed()
    expect(viewer.get_by_role("button", name="Delete")).to_be_in_viewport()
    expect(viewer.get_by_role("button", name="Close the picture")).to_be_in_viewport()
