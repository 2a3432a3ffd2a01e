"""The viewer: shows one picture over the gallery, with all that is known of it (dialog).

Which picture is open is in the address (`?picture=ID`), and the dialog in the browser follows it:
it asks for what is shown here, and nothing here opens or closes it.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import reflex as rx

from imgapp.errors import NotFound
from imgapp.models import AnalysisStatus, ImageEdit
from imgapp.services.analysis import describe
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import images, listing, meaning, missed_words
from imgapp.services.library.image_query import ImageQuery
from imgapp.ui.shell.client_components import PlainLink, fetched
from imgapp.ui.shell.notices import Undo, failures_shown, id_of, notice, say
from imgapp.ui.shell.reflex_types import handler, length
from imgapp.ui.shell.status_badge import status_badge
from imgapp.ui.shell.viewer_context import current_viewer
from imgapp.ui.viewer.client_components import ViewerDialog
from imgapp.ui.viewer.describing import Describing
from imgapp.ui.viewer.describing_section import describing_section
from imgapp.ui.viewer.details import Details, Neighbour, beside_of, details_of
from imgapp.ui.viewer.facts_section import facts_section
from imgapp.ui.viewer.history_sections import history_section
from imgapp.ui.viewer.text_state_sections import languages_section
from imgapp.ui.viewer.texts_section import ViewerTexts, texts_section


class ViewerState(ViewerTexts, Describing, rx.State):
    """The picture that is open, if any, and the ones before and after it."""

    previous: Neighbour = Neighbour()
    next: Neighbour = Neighbour()
    by_meaning: bool = False
    """Whether pictures can be found that are like this one."""
    missing: str = ""
    """The id that was asked for, if there is no such picture (or it is somebody else's)."""
    trash_failed: dict[str, Any] = {"id": "", "times": 0}
    """The picture that is still there although it was to go into the trash."""
    _query: str = ""
    """What is looked for: the picture's neighbours are those in its result."""
    _beside: tuple[UUID | None, tuple[UUID | None, UUID | None]] = (None, (None, None))
    """A picture and the ones before and after it, when it was last found."""

    @handler
    async def show(self, image_id: str, query: str = "") -> None:
        user, self._query, self.missing = current_viewer().user_id, str(query or "")[:2000], ""
        async with failures_shown(self):
            try:
                image = await in_db(images.get_image, user, id_of(image_id))
            except NotFound:
                self._empty()
                self.missing = str(image_id)
                return
            self.image = details_of(image)
            await self._show_texts(user, image)
            self.by_meaning = await in_db(meaning.is_on, user)
            await self._look_around(user, image.id)
            await self._follow(user, image.id)

    @handler
    async def read_again(self) -> None:
        current_viewer()
        await self._look_again()

    @handler
    async def look_around(self, query: str) -> None:
        """The pictures before and after may be others now."""
        user, self._query = current_viewer().user_id, str(query or "")[:2000]
        async with failures_shown(self):
            if self.image.id:
                await self._look_around(user, id_of(self.image.id))

    @handler
    async def close(self) -> None:
        current_viewer()
        self._wanted_language = ""
        self._empty()

    @handler
    async def try_again(self, image_id: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(describe.request_analysis, user, id_of(image_id))

    @handler
    async def move_to_trash(self, image_id: str) -> None:
        """The dialog has gone on already, and comes back if this fails."""
        user, times = current_viewer().user_id, self.trash_failed["times"] + 1
        self.trash_failed = {"id": str(image_id), "times": times}
        async with failures_shown(self):
            image = await in_db(images.get_image, user, id_of(image_id))
            await in_db(images.delete_image, user, image.id)
            self.trash_failed = {"id": "", "times": times}
            await say(self, f"{image.filename} is in the trash", undo=Undo((image.id,)))

    @handler
    async def add_read_lines(self) -> None:
        """What was read and its texts miss goes to the end of the visible text."""
        user, image_id = current_viewer().user_id, id_of(self.image.id)
        async with failures_shown(self):
            image = await in_db(images.get_image, user, image_id)
            if lines := missed_words.missed_of(image):
                text = missed_words.added(image.visible_text, lines)
                await in_db(images.edit_image, user, image_id, ImageEdit(visible_text=text))
            await self._look_again()

    async def _look_again(self) -> None:
        if shown := self.image.id or self.missing:
            await self.show(shown, self._query)

    async def _look_around(self, user: UUID, image_id: UUID) -> None:
        wanted, before = ImageQuery.from_query(self._query), self._beside
        ids = await in_db(listing.neighbours, user, wanted, image_id)
        if not any(ids) and before[0] == image_id:
            # It was edited and is not among what is looked for any more: the way on stays.
            ids = before[1]
        self._beside = (image_id, ids)
        found = await in_db(images.public_images, user, list(filter(None, ids)))
        known = {image.id: image for image in found}
        self.previous, self.next = (beside_of(known.get(one) if one else None) for one in ids)

    def _empty(self) -> None:
        self.image, self.previous, self.next = Details(), Neighbour(), Neighbour()
        self.missing, self.describing_open = "", False
        self._forget()

    def _shown_id(self) -> str:
        return self.image.id


def viewer(patch: dict[str, Any]) -> rx.Component:
    """The dialog. `patch` is the gallery's: what changed lately (`live_window.LiveWindow`)."""
    image = ViewerState.image
    return ViewerDialog.create(
        # What is outside of an open dialog is neither seen nor heard.
        notice(),
        live=rx.State.is_hydrated,
        panel=fetched(viewer_panel()),
        image=image,
        previous=ViewerState.previous,
        next=ViewerState.next,
        missing=ViewerState.missing,
        patch=patch,
        trash_failed=ViewerState.trash_failed,
        on_show=ViewerState.show,
        on_change=ViewerState.read_again,
        on_look_around=ViewerState.look_around,
        on_trash=ViewerState.move_to_trash,
        on_close=ViewerState.close,
    )


@rx.memo
def viewer_panel() -> rx.Component:
    """All that is known of the picture; fetched when somebody is about to open one."""
    image = ViewerState.image
    return rx.el.div(
        _head(image),
        _state(image),
        languages_section(ViewerState, image),
        texts_section(ViewerState, image, on_add_read=ViewerState.add_read_lines),
        facts_section(image),
        describing_section(ViewerState, image),
        history_section(ViewerState),
        _actions(image),
        class_name="viewer-panel",
    )


def _head(image: Details) -> rx.Component:
    return rx.el.div(rx.el.h2(image.filename, id="viewer-title"), class_name="viewer-head")


def _state(image: Details) -> rx.Component:
    return rx.cond(
        (image.status == AnalysisStatus.COMPLETED.value) | (image.status == ""),
        rx.fragment(),
        rx.el.div(
            status_badge(image.status),
            rx.cond(image.note != "", rx.el.p(image.note, class_name="viewer-note")),
            rx.cond(
                image.status == AnalysisStatus.FAILED.value,
                rx.el.button(
                    rx.icon("rotate-cw", size=15, aria_hidden="true"),
                    "Try again",
                    type="button",
                    class_name="button small",
                    on_click=ViewerState.try_again(image.id),
                ),
            ),
            class_name="viewer-state",
            data_status=image.status,
            role="status",
        ),
    )


def _actions(image: Details) -> rx.Component:
    return rx.el.div(
        PlainLink.create(
            rx.icon("download", size=16, aria_hidden="true"),
            "Download",
            href=image.original,
            download=image.filename,
            class_name="button",
        ),
        rx.cond(
            ViewerState.by_meaning
            & ((image.alt_text != "") | (image.description != "") | (length(image.tags) > 0)),
            PlainLink.create(
                rx.icon("images", size=16, aria_hidden="true"),
                "More like this",
                href=f"/?like={image.id}&sort=relevance",
                class_name="button",
            ),
        ),
        rx.cond(
            image.status == AnalysisStatus.COMPLETED.value,
            rx.el.button(
                rx.icon("rotate-cw", size=16, aria_hidden="true"),
                "Describe again",
                type="button",
                class_name="button",
                on_click=ViewerState.try_again(image.id),
            ),
        ),
        rx.el.button(
            rx.icon("trash-2", size=16, aria_hidden="true"),
            "Delete",
            type="button",
            class_name="button danger",
            data_does="trash",
            custom_attrs={"aria-keyshortcuts": "Delete"},
        ),
        class_name="viewer-actions",
    )
