"""What is pasted and dragged in the page: text stays text, and its own pictures are no new ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person, drop, wait_for_cards
from tests.support.pictures import jpeg

pytestmark = pytest.mark.browser

_PASTE = """async ([selector, text, name]) => {
  const canvas = new OffscreenCanvas(20, 20);
  canvas.getContext('2d').fillRect(0, 0, 10 * Math.random(), 5);
  const data = new DataTransfer();
  if (text) data.setData('text/plain', text);
  data.items.add(new File([await canvas.convertToBlob()], name, { type: 'image/png' }));
  const options = { clipboardData: data, bubbles: true, cancelable: true };
  document.querySelector(selector).dispatchEvent(new ClipboardEvent('paste', options));
}"""
_DRAG = """([selector, kinds]) => {
  const data = new DataTransfer();
  data.items.add(new File(['x'], 'thumbnail.webp', { type: 'image/webp' }));
  const from = document.querySelector(selector);
  for (const kind of kinds) {
    const at = kind.startsWith('drag') && !/enter|over/.test(kind) ? from : document.body;
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    at.dispatchEvent(new DragEvent(kind, options));
  }
}"""


def test_text_is_pasted_as_text_and_a_picture_as_a_picture(
    page: Page, alice: Person, sign_in: Callable[..., None], tmp_path: Path
) -> None:
    sign_in(page, alice)
    drop(page, [jpeg(tmp_path / "one.jpg", seed=hash(alice.email))])
    wait_for_cards(page, 1, "completed")
    sent: list[str] = []
    page.on("request", lambda asked: "/api/tus" in asked.url and sent.append(asked.method))
    page.evaluate(_PASTE, ["[type=search]", "Price list", "image.png"])
    page.evaluate(_PASTE, ["[type=search]", "", "image.png"])
    page.evaluate(_PASTE, ["body", "Price list\t3", "image.png"])
    page.get_by_test_id("card").get_by_role("button").first.click()
    page.locator(".viewer[aria-busy=false]").wait_for()
    page.keyboard.press("e")
    page.locator(".editor textarea").wait_for()
    page.evaluate(_PASTE, [".editor textarea", "A sentence", "image.png"])
    page.evaluate(_PASTE, [".tag-input", "tag", "image.png"])
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    # What came before would have been sent first.
    page.evaluate(_PASTE, ["body", "", "image.png"])
    wait_for_cards(page, 2, "completed")
    assert sent == ["POST"]
    # Some systems put a file's name beside it.
    page.evaluate(_PASTE, ["body", "boat.png", "boat.png"])
    wait_for_cards(page, 3, "completed")
    expect(page.get_by_role("region", name="Uploads").get_by_text("boat.png")).to_be_visible()


@pytest.mark.long
def test_a_thumbnail_dragged_out_of_the_list_of_uploads_is_not_uploaded_again(
    page: Page, alice: Person, sign_in: Callable[..., None], tmp_path: Path
) -> None:
    sign_in(page, alice)
    drop(page, [jpeg(tmp_path / "one.jpg", seed=hash((alice.email, 1)))])
    wait_for_cards(page, 1, "completed")
    uploads = page.get_by_role("region", name="Uploads")
    thumbnail = uploads.locator("img")
    thumbnail.wait_for()
    page.evaluate(_DRAG, [".upload-mark img", ["dragstart", "dragenter", "dragover"]])
    expect(page.locator(".drop-overlay")).to_be_hidden()
    page.evaluate(_DRAG, [".upload-mark img", ["drop", "dragend"]])
    thumbnail.drag_to(page.locator(".days"))
    page.mouse.move(300, 300)
    expect(uploads.get_by_role("listitem")).to_have_count(1)
    # A file that comes from elsewhere is one.
    page.evaluate(_DRAG, ["body", ["dragenter", "dragover"]])
    expect(page.locator(".drop-overlay")).to_be_visible()
    page.evaluate(_DRAG, ["body", ["drop"]])
    expect(uploads.get_by_text("thumbnail.webp")).to_be_visible()
    expect(uploads.get_by_role("listitem")).to_have_count(1)
