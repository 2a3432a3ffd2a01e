"""The contact sheet: prints the selected pictures with their texts (proof sheet)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import reflex as rx

from imgapp.models import ImagePublic
from imgapp.services.common.thread_pools import in_io
from imgapp.services.library import images
from imgapp.services.library.bulk import ImageSelection
from imgapp.ui.gallery.selection import chosen_of
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reflex_types import Fires, handler
from imgapp.ui.shell.viewer_context import current_viewer

MOST_PRINTED = 500
"""Pictures; their texts go to the page at once."""


@dataclass
class SheetPicture:
    """A picture on paper."""

    id: str
    filename: str
    source: str
    """A link to its preview."""
    transparent: bool
    alt_text: str
    """Or that it is decorative."""
    description: str
    tags: str
    language: str


class ContactSheetState(rx.State):
    """What is printed, and nothing at other times."""

    sheet: list[SheetPicture] = []

    @handler
    async def lay_out(self, chosen: dict[str, Any]) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            self.sheet = await in_io(_read, user, chosen_of(chosen))

    @handler
    async def put_away(self) -> None:
        current_viewer()
        self.sheet = []


def _read(user_id: UUID, chosen: ImageSelection) -> list[SheetPicture]:
    found = images.public_images(user_id, chosen.resolve(user_id)[:MOST_PRINTED])
    return list(map(sheet_picture_of, found))


def sheet_picture_of(image: ImagePublic) -> SheetPicture:
    """What is printed of a picture."""
    return SheetPicture(
        id=str(image.id),
        filename=image.filename,
        source=image.urls.preview,
        transparent=bool(image.facts.get("has_alpha")),
        alt_text=image.alt_text or ("Decorative" if image.decorative else ""),
        description=image.description or "",
        tags=", ".join(image.tags or []),
        language=image.language or "",
    )


class ContactSheet(rx.Component):
    """Seen on paper only; opens the browser's dialog for printing once its pictures are there."""

    library = "$/public/selection/contact-sheet.jsx"
    tag = "ContactSheet"
    pictures: rx.Var[list[SheetPicture]]
    on_done: Fires[()]


def contact_sheet() -> rx.Component:
    """Nothing, until it is laid out."""
    return ContactSheet.create(pictures=ContactSheetState.sheet, on_done=ContactSheetState.put_away)
