"""The gallery: a window of the newest pictures, kept live, and the way to older ones."""

from __future__ import annotations

import reflex as rx
from reflex.vars.base import Var

from imgapp.services import finding
from imgapp.services.pools import in_db
from imgapp.settings import get_settings
from imgapp.ui.browser import GoAlong, KeepFresh, NearEnd, PlainLink, Uploader
from imgapp.ui.cards import Card, card_of
from imgapp.ui.content_policy import upload_origin
from imgapp.ui.frame import frame
from imgapp.ui.grid import grid, skeleton
from imgapp.ui.live import LiveWindow, PatchGap, live_cards
from imgapp.ui.notices import failures_shown
from imgapp.ui.progress import strip
from imgapp.ui.session import current_viewer
from imgapp.ui.upgrade import upgrade_hint
from imgapp.ui.viewer import viewer

STEP = 60
"""Pictures read at a time."""
MOST = 300
"""Pictures a page holds; beyond them it moves on to a new window."""

FRESH_MINUTES = 20
"""The window is read again this often: links to pictures are good for at least half an hour."""


class GalleryState(LiveWindow, rx.State):
    """The part of a person's pictures that one tab shows."""

    email: str = ""
    loaded: bool = False
    max_mb: int = 0
    no_model: bool = False
    direct: bool = False
    """Whether files may go straight to the bucket."""
    unreadable: bool = False
    """Whether the last reading failed."""
    held: int = 0
    """Pictures read into the window so far."""
    has_older: bool = False
    windows_passed: int = 0
    _starts: list[str] = []
    """Cursors of the windows that were passed on the way to this one; empty at the newest."""
    _older: str = ""

    @rx.event
    async def load(self):
        """Read the window again; also after the connection was lost."""
        settings = get_settings()
        self.email = current_viewer().email
        self.max_mb, self.no_model = settings.max_upload_mb, settings.describer == "basic"
        await self._read(max(self.held, STEP))
        self.direct = await upload_origin() is not None

    @rx.event
    async def load_more(self):
        """The next pictures below, until the window is full."""
        current_viewer()
        if self._older and self.held < MOST:
            await self._read(min(self.held + STEP, MOST))

    @rx.event
    async def go_older(self):
        current_viewer()
        if self._older:
            self._starts.append(self._older)
            await self._read(STEP)

    @rx.event
    async def go_newer(self):
        current_viewer()
        if self._starts:
            self._starts.pop()
            await self._read(MOST)

    async def _read(self, count: int) -> None:
        user = current_viewer().user_id
        start = self._starts[-1] if self._starts else None
        self.unreadable = True
        async with failures_shown(self):
            page = await in_db(finding.list_images, user, limit=count, cursor=start)
            total = self.total if page.total is None else page.total
            self._show(map(card_of, page.items), more=bool(page.next_cursor), total=total)
            self.shown |= {"newer": bool(self._starts)}
            self.held, self._older = len(page.items), page.next_cursor or ""
            self.has_older, self.windows_passed = bool(self._older), len(self._starts)
            self.unreadable = False
        self.loaded = True


def page() -> rx.Component:
    """`/`"""
    cards = live_cards(GalleryState.shown, GalleryState.patch).guess_type()
    return frame(
        rx.el.h1("Your pictures", class_name="sr-only"),
        _no_model(),
        upgrade_hint(),
        strip(),
        rx.cond(
            GalleryState.loaded,
            rx.cond(
                (cards.length() == 0) & (GalleryState.windows_passed == 0),
                rx.cond(GalleryState.unreadable, _unreadable(), _empty()),
                _pictures(cards),
            ),
            skeleton(),
        ),
        PatchGap.create(
            shown=GalleryState.shown, patch=GalleryState.patch, on_gap=GalleryState.load
        ),
        KeepFresh.create(minutes=FRESH_MINUTES, on_stale=GalleryState.load),
        Uploader.create(
            live=GalleryState.loaded, max_mb=GalleryState.max_mb, direct=GalleryState.direct
        ),
        viewer(GalleryState.patch),
        email=GalleryState.email,
        total=GalleryState.total,
        live=GalleryState.loaded,
    )


def _pictures(cards: Var[list[Card]]) -> rx.Component:
    return rx.fragment(
        GoAlong.create(move=GalleryState.windows_passed),
        rx.cond(
            GalleryState.windows_passed > 0,
            _move("arrow-up", "Newer pictures", GalleryState.go_newer),
        ),
        grid(cards),
        rx.cond(
            GalleryState.has_older,
            rx.cond(
                GalleryState.held < MOST,
                NearEnd.create(after=GalleryState.held.to_string(), on_near=GalleryState.load_more),
                _move("arrow-down", "Older pictures", GalleryState.go_older),
            ),
        ),
    )


def _move(icon: str, text: str, handler: rx.EventHandler) -> rx.Component:
    return rx.el.nav(
        rx.el.button(
            rx.icon(icon, size=16, aria_hidden="true"),
            text,
            type="button",
            class_name="button",
            on_click=handler,
        ),
        class_name="move",
        aria_label=text,
    )


def _empty() -> rx.Component:
    return rx.el.section(
        rx.icon("image-up", size=48, aria_hidden="true"),
        rx.el.h2("Add your first pictures"),
        rx.el.p(
            "Drop them anywhere on this page. They are stored at once; alt text, a description "
            "and tags follow by themselves."
        ),
        rx.el.div(
            rx.el.button(
                "Choose pictures", type="button", class_name="button primary", data_pick="files"
            ),
            rx.el.button("Choose a folder", type="button", class_name="button", data_pick="folder"),
            class_name="row",
        ),
        rx.el.p(
            "JPEG, PNG, WebP, GIF, AVIF, HEIC, TIFF and BMP, up to ",
            GalleryState.max_mb,
            " MB each. Pasting works too.",
            class_name="quiet",
        ),
        class_name="hero",
    )


def _unreadable() -> rx.Component:
    return rx.el.section(
        rx.icon("cloud-alert", size=48, aria_hidden="true"),
        rx.el.h2("Your pictures cannot be shown right now"),
        rx.el.p("A part of imgapp does not answer. Nothing is lost; try again in a moment."),
        PlainLink.create("Try again", href="/", class_name="button primary"),
        class_name="hero plain",
    )


def _no_model() -> rx.Component:
    return rx.cond(
        GalleryState.no_model,
        rx.el.p(
            rx.icon("info", size=16, aria_hidden="true"),
            rx.el.span(
                rx.el.strong("No vision model is configured. "),
                "Only kind, colours and light are described. Set ",
                rx.el.code("OPENAI_API_KEY"),
                " or ",
                rx.el.code("OPENAI_BASE_URL"),
                " and start imgapp again.",
            ),
            class_name="hint",
            role="note",
        ),
    )
