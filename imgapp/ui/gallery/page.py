"""`/`, the gallery: lists a person's pictures, or those looked for, kept live."""

from __future__ import annotations

from collections.abc import AsyncIterator

import reflex as rx

from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import vision_models
from imgapp.services.library import card_rows, listing
from imgapp.services.library.image_query import ImageQuery
from imgapp.settings import get_settings
from imgapp.ui.gallery.contact_sheet import ContactSheetState, contact_sheet
from imgapp.ui.gallery.find import find_bar, nothing_found
from imgapp.ui.gallery.grid import grid, skeleton
from imgapp.ui.gallery.live_window import LiveWindow
from imgapp.ui.gallery.progress_strip import ProgressState, strip
from imgapp.ui.gallery.selection import selection_bar
from imgapp.ui.gallery.upgrade import UpgradeState, upgrade_hint
from imgapp.ui.shell.cards import card_of
from imgapp.ui.shell.client_components import PlainLink, RefreshTimer, Uploader
from imgapp.ui.shell.content_policy import upload_origin
from imgapp.ui.shell.frame import frame
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer
from imgapp.ui.viewer.dialog import viewer

STEP = 60
"""Pictures of the first window."""
MOST = 120
"""Pictures of any other, however many are asked for."""

MOST_PICTURES = 1_000_000_000
"""More than anybody has, and no more than the database counts."""

FRESH_MINUTES = 20
"""The window is read again this often: links to pictures are good for at least half an hour."""


class GalleryState(LiveWindow, rx.State):
    """What one tab shows of a person's pictures: which, and a window of them at a time."""

    email: str = ""
    person: str = ""
    """Whose page this is; what it does by itself, it does as nobody else."""
    loaded: bool = False
    max_mb: int = 0
    no_model: bool = False
    may_connect: bool = False
    """Whether they can connect a model: administrators can."""
    direct: bool = False
    """Whether files may go straight to the bucket."""
    unreadable: bool = False
    """Whether the last reading failed."""
    query: str = ""
    """What is looked for, as `Wanted.to_query` writes it."""
    found: int = 0
    """How many pictures match."""
    _uncounted: bool = False

    @handler
    async def load(self) -> AsyncIterator[None]:
        """Read the list again, from its start; also after the connection was lost."""
        settings = get_settings()
        self.email, self.person = current_viewer().email, str(current_viewer().user_id)
        self.max_mb = settings.max_upload_mb
        self.no_model = not (await in_db(vision_models.offered)).configured
        self.may_connect = current_viewer().is_admin
        await self._read(ImageQuery.from_query(self.router.url.query))
        # The pictures first: what comes then may take a while.
        yield
        await self._count()
        self.direct = await upload_origin() is not None
        # In one event: each is an answer to the page.
        await (await self.get_state(ProgressState)).load()
        await (await self.get_state(UpgradeState)).load()

    @handler
    async def read_again(self) -> AsyncIterator[None]:
        current_viewer()
        await self._read(self._wanted())
        yield
        await self._count()

    @handler
    async def find(self, query: str) -> AsyncIterator[None]:
        """Show the pictures that a query string asks for."""
        current_viewer()
        await self._read(ImageQuery.from_query(str(query)))
        yield
        await self._count()

    @handler
    async def look(self, start: int, count: int) -> None:
        """Read the window that begins at a position of the list."""
        user, start = current_viewer().user_id, min(max(0, int(start)), MOST_PICTURES)
        count, seq = min(max(1, int(count)), MOST), self._live().patches.mark()
        async with failures_shown(self):
            read = await in_db(card_rows.read_window, user, self._wanted(), start, count)
            self._show(map(card_of, read), seq=seq, start=start, count=count)

    def _counted(self, total: int) -> None:
        """Pictures came or went."""
        self.total = total
        if not self._wanted().filtered:
            self.found = total

    def _wanted(self) -> ImageQuery:
        return ImageQuery.from_query(self.query)

    async def _read(self, wanted: ImageQuery) -> None:
        user = current_viewer().user_id
        live = self._live()
        before = live.wanted
        # From here on the tab is told of what comes into this list or leaves it.
        live.wanted, seq, self.unreadable = wanted, live.patches.mark(), True
        async with failures_shown(self):
            read, self.total = await in_db(card_rows.read_first, user, wanted, STEP)
            self.query = wanted.to_query()
            # Of a search with many matches the first are shown before they are counted.
            found = self.total if not wanted.filtered else len(read) if len(read) < STEP else None
            self._show(map(card_of, read), seq=seq, start=0, count=STEP, wanted=wanted, found=found)
            self._uncounted = found is None
            self.found = self.found if found is None else found
            self.unreadable = False
        if self.unreadable:
            live.wanted = before
        self.loaded = True

    async def _count(self) -> None:
        user = current_viewer().user_id
        if self._uncounted:
            async with failures_shown(self):
                self.found = await in_db(listing.count, user, self._wanted())
                self._uncounted = False


def page() -> rx.Component:
    """`/`"""
    return frame(
        rx.el.h1("Your pictures", class_name="sr-only"),
        find_bar(
            live=GalleryState.loaded,
            total=GalleryState.total,
            found=GalleryState.found,
            query=GalleryState.query,
            needing=ProgressState.view.needing,
            on_find=GalleryState.find,
        ),
        _no_model(),
        upgrade_hint(),
        strip(),
        rx.cond(
            GalleryState.loaded,
            rx.cond(
                GalleryState.unreadable & (GalleryState.found == 0),
                _unreadable(),
                grid(
                    GalleryState,
                    empty=rx.cond(GalleryState.total == 0, _empty(), nothing_found()),
                    on_look=GalleryState.look,
                    on_stale=GalleryState.read_again,
                ),
            ),
            skeleton(),
        ),
        RefreshTimer.create(minutes=FRESH_MINUTES, on_stale=GalleryState.read_again),
        Uploader.create(
            live=GalleryState.loaded,
            person=GalleryState.person,
            max_mb=GalleryState.max_mb,
            direct=GalleryState.direct,
        ),
        viewer(GalleryState.patch),
        selection_bar(
            found=GalleryState.found,
            query=GalleryState.query,
            on_print=ContactSheetState.lay_out,
        ),
        contact_sheet(),
        email=GalleryState.email,
        total=GalleryState.total,
        live=GalleryState.loaded,
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
                rx.el.strong("No vision model is connected. "),
                "Only the words that are written in pictures are read. ",
                rx.cond(
                    GalleryState.may_connect,
                    PlainLink.create("Connect a model", href="/models"),
                    "An administrator can connect one.",
                ),
            ),
            class_name="hint",
            role="note",
        ),
    )
