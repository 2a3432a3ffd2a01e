"""The viewer's history part: earlier texts, what a model would say, who has the word."""

from __future__ import annotations

from typing import get_args
from uuid import UUID

import reflex as rx

from imgapp.errors import NotFound
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import history, images
from imgapp.services.library.history import Restoration
from imgapp.services.library.text_provenance import TextField
from imgapp.ui.shell.notices import failures_shown, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer
from imgapp.ui.viewer.history_words import Entry, Suggested, entry_of, suggested_of

STEP = 10


class TextHistory(rx.State, mixin=True):
    """The part of the viewer's state about one picture's texts over time."""

    suggestions: list[Suggested] = []
    history_open: bool = False
    entries: list[Entry] = []
    has_more_entries: bool = False
    _of: str = ""
    """The picture that these are about."""
    _next: str = ""

    @handler
    async def toggle_history(self) -> None:
        current_viewer()
        self.history_open = not self.history_open
        async with failures_shown(self):
            await self._read_entries()

    @handler
    async def show_more_entries(self) -> None:
        current_viewer()
        async with failures_shown(self):
            await self._read_entries(self._next)

    @handler
    async def restore(self, analysis_id: str, name: str) -> None:
        """One text, or all of them without a name."""
        user, image = current_viewer().user_id, id_of(self._of)
        async with failures_shown(self):
            fields = [_field(name)] if name else list(get_args(TextField))
            wanted = Restoration(analysis_id=id_of(analysis_id), fields=fields)
            await in_db(history.restore, user, image, wanted)
            await say(self, "Restored." if name else "All texts are restored.")
            await self._look_again()

    @handler
    async def release(self, name: str) -> None:
        user, image = current_viewer().user_id, id_of(self._of)
        async with failures_shown(self):
            await in_db(history.release, user, image, [_field(name)])
            await say(self, "Models write it from now on.")
            await self._look_again()

    @handler
    async def keep(self, name: str) -> None:
        user, image = current_viewer().user_id, id_of(self._of)
        async with failures_shown(self):
            await in_db(history.keep, user, image, [_field(name)])
            await self._look_again()

    async def _follow(self, user: UUID, image_id: UUID) -> None:
        """Another picture is shown, or the same one changed."""
        if self._of != str(image_id):
            self._forget()
        self._of = str(image_id)
        found = (await in_db(history.suggestions, user, image_id)).items
        self.suggestions = [suggested_of(one) for one in found if not one.kept]
        await self._read_entries()

    def _forget(self) -> None:
        self._of = self._next = ""
        self.suggestions, self.entries = [], []
        self.history_open = self.has_more_entries = False

    async def _read_entries(self, cursor: str = "") -> None:
        if not self.history_open:
            self.entries, self.has_more_entries = [], False
            return
        user, image_id = current_viewer().user_id, id_of(self._of)
        image = await in_db(images.get_image, user, image_id)
        page = await in_db(history.list_analyses, user, image_id, limit=STEP, cursor=cursor or None)
        rows = [entry_of(image, one) for one in page.items]
        self.entries = [*self.entries, *rows] if cursor else rows
        self._next, self.has_more_entries = page.next_cursor or "", page.next_cursor is not None

    async def _look_again(self) -> None:
        """Show the picture as it is now."""
        raise NotImplementedError


def _field(name: object) -> TextField:
    """A text's name that came from the browser. Raises NotFound."""
    for known in get_args(TextField):
        if known == name:
            found: TextField = known
            return found
    raise NotFound
