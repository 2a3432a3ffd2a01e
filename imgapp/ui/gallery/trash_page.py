"""`/trash`: what was deleted, for a month: to take out again, or to remove for good."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import reflex as rx

from imgapp.models import now
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.library import bulk, trash
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.trash import TrashedImage
from imgapp.ui.shell.cards import SEE_THROUGH
from imgapp.ui.shell.client_components import PlainLink
from imgapp.ui.shell.frame import frame
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reason_words import pictures
from imgapp.ui.shell.reflex_types import either, handler
from imgapp.ui.shell.settings_layout import confirmed, loading
from imgapp.ui.shell.viewer_context import current_viewer

ROUTE = "/trash"
STEP = 60
MOST = 3 * STEP
"""Pictures that are read again; of more, those after them are asked for once more."""


@dataclass
class TrashRow:
    """A picture in the trash."""

    id: str
    filename: str
    thumb: str
    transparent: bool
    alt: str
    lang: str
    """Of the alt text (BCP 47)."""
    left: str


class TrashState(rx.State):
    """The part of the trash that one tab shows, what was deleted last first."""

    email: str = ""
    loaded: bool = False
    rows: list[TrashRow] = []
    total: int = 0
    has_more: bool = False
    _next: str = ""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email = viewer.email
        await self._read(viewer.user_id)

    @handler
    async def more(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            page = await in_db(trash.list_trash, user, limit=STEP, cursor=self._next or None)
            self.rows += map(row_of, page.items)
            self._next, self.has_more = page.next_cursor or "", bool(page.next_cursor)

    @handler
    async def restore(self, image_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(trash.restore_image, user, id_of(image_id))
            await say(self, "It is back among your pictures")
        await self.load()

    @handler
    async def remove(self, image_id: str) -> None:
        user, chosen = current_viewer().user_id, ImageSelection((id_of(image_id),))
        async with failures_shown(self):
            await in_io(bulk.delete_for_good, user, chosen, in_trash=True)
        await self.load()

    @handler
    async def restore_all(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            outcome = await in_io(trash.restore_all, user)
            await say(self, f"{pictures(len(outcome.changed))} taken out of the trash")
        await self.load()

    @handler
    async def empty(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            outcome = await in_io(trash.empty_trash, user)
            await say(self, f"{pictures(len(outcome.changed))} removed for good")
        await self.load()

    async def _follow(self, user_id: UUID) -> None:
        """Something came or went: read again what is shown, if it is."""
        if self.loaded and self.router.url.path.rstrip("/") == ROUTE:
            await self._read(user_id)

    async def _read(self, user_id: UUID) -> None:
        count = max(STEP, min(len(self.rows), MOST))
        async with failures_shown(self):
            page = await in_db(trash.list_trash, user_id, limit=count)
            self.rows, self.total = list(map(row_of, page.items)), page.total or 0
            self._next, self.has_more = page.next_cursor or "", bool(page.next_cursor)
        self.loaded = True


def row_of(trashed: TrashedImage) -> TrashRow:
    """What is shown of a picture in the trash."""
    days = max(0, math.ceil((trashed.purged_at - now()) / timedelta(days=1)))
    image = trashed.image
    return TrashRow(
        id=str(image.id),
        filename=image.filename,
        thumb=image.urls.thumbnail,
        transparent=bool(image.facts.get("has_alpha")),
        alt=image.alt_text or image.filename,
        lang=(image.alt_text and image.language) or "",
        left="Removed today" if not days else f"{days} {'day' if days == 1 else 'days'} left",
    )


def page() -> rx.Component:
    """`/trash`"""
    return frame(
        rx.el.div(
            PlainLink.create(
                rx.icon("arrow-left", size=16, aria_hidden="true"),
                "All pictures",
                href="/",
                class_name="back",
            ),
            rx.el.h1("Trash"),
            rx.el.p(
                f"What you delete stays here for {trash.DAYS_KEPT} days. Then it is removed for "
                "good, with its files and texts.",
                class_name="quiet",
            ),
            rx.cond(
                TrashState.loaded, rx.cond(TrashState.total > 0, _pictures(), _none()), loading()
            ),
            class_name="settings trash",
        ),
        email=TrashState.email,
        here=ROUTE,
    )


def _none() -> rx.Component:
    return rx.el.div(
        rx.el.p("The trash is empty."),
        PlainLink.create("To the pictures", href="/", class_name="button primary"),
        class_name="nothing",
    )


def _pictures() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.button(
                rx.icon("undo-2", size=16, aria_hidden="true"),
                "Restore all",
                type="button",
                class_name="button",
                on_click=TrashState.restore_all,
            ),
            confirmed(
                "Empty the trash",
                "All pictures in it are removed for good, with their files and texts. Nobody can "
                "bring them back.",
                "Remove all for good",
                TrashState.empty,
            ),
            class_name="row",
        ),
        rx.el.ul(rx.foreach(TrashState.rows, _picture), class_name="trash-grid"),
        rx.cond(
            TrashState.has_more,
            rx.el.button("More", type="button", class_name="button", on_click=TrashState.more),
        ),
    )


def _picture(row: TrashRow) -> rx.Component:
    return rx.el.li(
        rx.el.img(
            src=row.thumb,
            alt=row.alt,
            lang=row.lang,
            loading="lazy",
            class_name=either(row.transparent, SEE_THROUGH, ""),
        ),
        rx.el.p(row.filename, title=row.filename),
        rx.el.p(row.left, class_name="quiet"),
        rx.el.button(
            rx.icon("undo-2", size=15, aria_hidden="true"),
            "Restore",
            type="button",
            class_name="button small",
            aria_label=f"Restore {row.filename}",
            on_click=TrashState.restore(row.id),
        ),
        confirmed(
            "Remove",
            "Removed for good, it cannot be brought back.",
            "Remove for good",
            TrashState.remove(row.id),
        ),
        key=row.id,
        data_testid="trashed",
    )
