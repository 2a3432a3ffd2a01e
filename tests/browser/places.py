"""Every place of the page that people get to: all pages, and all that opens on one of them.

Pages come from `ui/pages.py` by themselves. What opens (a dialog, a menu, a message) is a line in
`OPENED`: its name, the page it is on, and how one gets there. The tests that walk all places (what
axe-core finds, small screens, the keyboard alone) need nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from playwright.sync_api import Page, WebSocketRoute

from imgapp.ui.pages import PAGES
from imgapp.ui.shell.page_gate import SIGNED_OUT_PAGES

ADMINISTRATOR, PERSON, NEWCOMER, NOBODY = "administrator", "person", "newcomer", "nobody"
"""Who looks: with all there is to see, without administration, without pictures, signed out."""


@dataclass(frozen=True)
class Place:
    """Somewhere to be, and how one gets there."""

    name: str
    path: str
    who: str = ADMINISTRATOR
    open: Callable[[Page], None] | None = None
    live: bool = True
    """Whether the page gets its data; without, it shows what is there until then."""

    def __str__(self) -> str:
        return f"{self.name} ({self.who})"

    def go(self, page: Page, origin: str) -> None:
        """Be there, with everything loaded."""
        if not self.live:
            page.route_web_socket("**/_event**", _never_answered)
        page.goto(origin + self.path)
        page.wait_for_load_state("networkidle")
        if self.live:
            page.wait_for_function("() => !document.querySelector('.rows-loading, .skeleton')")
        if self.open:
            self.open(page)


def _never_answered(socket: WebSocketRoute) -> None:
    """The page connects, and nothing comes."""


def _pages() -> Iterator[Place]:
    for page in PAGES:
        path = page.route if page.route.startswith("/") else "/nowhere"
        name = page.title.split(" ·")[0]
        if page.route in SIGNED_OUT_PAGES or path == "/nowhere":
            yield Place(name, path, NOBODY)
            continue
        yield Place(name, path, ADMINISTRATOR)
        yield Place(name, path, PERSON)
        yield Place(f"{name}, loading", path, ADMINISTRATOR, live=False)


def _account_menu(page: Page) -> None:
    page.get_by_role("button", name="Account", exact=True).click()
    page.get_by_role("button", name="Sign out").wait_for()


def _filters(page: Page) -> None:
    page.get_by_role("button", name="Filter").first.click()
    page.get_by_role("dialog", name="Filters").wait_for()


def _selected(page: Page) -> None:
    page.get_by_test_id("card").first.hover()
    page.get_by_test_id("card").first.locator(".select-box").click()
    page.get_by_test_id("selected").wait_for()


def _tags(page: Page) -> None:
    _selected(page)
    page.get_by_role("button", name="Tags").click()
    page.get_by_role("dialog", name="Tags of 1 picture").wait_for()


def _price(page: Page) -> None:
    _selected(page)
    page.get_by_role("button", name="Describe again").click()
    page.get_by_role("button", name="Describe them again").wait_for()


def _first_picture(page: Page) -> None:
    page.get_by_test_id("card").first.get_by_role("button").first.click()
    page.get_by_role("dialog").wait_for()
    page.wait_for_function(
        "() => document.querySelector('.viewer-stage img')?.naturalWidth > 0", timeout=10_000
    )


def _failed_picture(page: Page) -> None:
    failed = page.locator('[data-testid="card"][data-status="failed"]').first
    failed.get_by_role("button").first.click()
    page.get_by_role("dialog").wait_for()
    page.locator(".viewer-state").wait_for()


def _how_it_is_described(page: Page) -> None:
    _first_picture(page)
    page.get_by_role("button", name="How it is described").click()
    page.locator("#picture_context").wait_for()


def _editing(page: Page) -> None:
    _first_picture(page)
    page.keyboard.press("e")
    page.locator(".editor textarea").wait_for()


def _shortcuts_over_a_picture(page: Page) -> None:
    _first_picture(page)
    _shortcuts(page)


def _no_such_picture(page: Page) -> None:
    page.get_by_role("dialog").wait_for()


def _undo(page: Page) -> None:
    _first_picture(page)
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Undo").first.wait_for()


def _a_refused_file(page: Page) -> None:
    picker = page.locator("input[type=file]").first
    picker.wait_for(state="attached")
    picker.set_input_files({"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"no picture"})
    panel = page.get_by_role("region", name="Uploads")
    panel.wait_for()
    if (unfold := panel.locator("[aria-expanded=false]")).count():
        unfold.first.click()
    panel.get_by_text("notes.jpg").first.wait_for()
    page.wait_for_load_state("networkidle")


def _all_that_asks_first(page: Page) -> None:
    """Everything that unfolds."""
    page.locator("summary").first.wait_for()
    for summary in page.locator("main summary").all():
        summary.click()


def _an_error(page: Page) -> None:
    form = page.get_by_role("form", name="Estimate")
    form.evaluate("form => { form.noValidate = true; }")
    form.get_by_label("Pictures").fill("-3")
    form.get_by_role("button", name="Estimate").click()
    page.get_by_role("alert").filter(visible=True).wait_for()


def _reviewing(key: str, opened: str) -> Callable[[Page], None]:
    def go(page: Page) -> None:
        page.get_by_test_id("review").wait_for()
        if key:
            page.keyboard.press(key)
        page.locator(opened).first.wait_for()

    return go


def _review_options(page: Page) -> None:
    page.get_by_role("button", name="Options of Review").click()
    page.get_by_label("Show the picture first").wait_for()


def _shortcuts(page: Page) -> None:
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()


OPENED = (
    Place("Shortcuts", "/help", open=_shortcuts),
    Place("Account menu", "/", open=_account_menu),
    Place("Filters", "/", open=_filters),
    Place("What was found", "/?q=bicycle&status=completed"),
    Place("Nothing found", "/?q=zzzzz"),
    Place("A selected picture", "/", PERSON, open=_selected),
    Place("Tags of what is selected", "/", PERSON, open=_tags),
    Place("What describing again costs", "/", PERSON, open=_price),
    Place("What the trash asks first", "/trash", open=_all_that_asks_first),
    Place("A picture", "/", open=_first_picture),
    Place("A picture that failed", "/", open=_failed_picture),
    Place("How a picture is described", "/", open=_how_it_is_described),
    Place("A picture, editing", "/", open=_editing),
    Place("A picture, with the shortcuts", "/", open=_shortcuts_over_a_picture),
    Place("A picture that went to the trash", "/", PERSON, open=_undo),
    Place("No such picture", f"/?picture={UUID(int=1)}", open=_no_such_picture),
    Place("Review, editing", "/review", open=_reviewing("e", ".review-editor")),
    Place("Review, returning", "/review", open=_reviewing("r", ".review-editor")),
    Place("Review, options", "/review", open=_review_options),
    Place("Review, at its end", "/review?state=returned"),
    Place("Review, nothing there", "/review", NEWCOMER),
    Place("Uploads", "/", open=_a_refused_file),
    Place("An error", "/usage", open=_an_error),
    Place("What the account page asks first", "/account", open=_all_that_asks_first),
    Place("What the people page asks first", "/people", open=_all_that_asks_first),
    Place("What the descriptions page unfolds", "/descriptions", open=_all_that_asks_first),
    Place("A refused sign-in", "/sign-in#invalid", NOBODY),
    Place("A refused account", "/sign-up#weak", NOBODY),
)

PLACES = (*_pages(), Place("No pictures yet", "/", NEWCOMER), *OPENED)
