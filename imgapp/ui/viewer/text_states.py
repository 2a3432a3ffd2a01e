"""The viewer's language part: which text is shown, and what a person says of it (review states)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import reflex as rx

from imgapp.models import ImagePublic
from imgapp.services.analysis import describe, preferences
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library import images
from imgapp.services.spending import budgets
from imgapp.services.texts import texts
from imgapp.services.texts.texts import TextReturn
from imgapp.ui.shell.money_words import estimate_words
from imgapp.ui.shell.notices import failures_shown, fitting, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer
from imgapp.ui.viewer.said_texts import (
    MISSING,
    LanguageTab,
    Said,
    chosen_of,
    languages_of,
    said_of,
    tabs_of,
)


class TextStates(rx.State, mixin=True):
    """The part of the viewer's state about one picture's texts by language."""

    tabs: list[LanguageTab] = []
    said: Said = Said()
    returning: bool = False
    """Whether a word is asked for why the text is returned."""
    writing_cost: str = ""
    """What having the missing text written would take."""
    _wanted_language: str = ""
    """What was chosen, which stays from picture to picture until the viewer is closed."""
    _texts_of: UUID | None = None
    """The picture whose texts are shown."""

    @handler
    async def choose_language(self, language: str) -> None:
        user, self._wanted_language = current_viewer().user_id, str(language)[:35]
        async with failures_shown(self):
            image = await in_db(images.get_image, user, id_of(self._shown_id()))
            await self._show_texts(user, image)

    @handler
    async def approve_text(self) -> None:
        current_viewer()
        await self._set(texts.approve, done=f"Approved in {self.said.name}.")

    @handler
    async def reopen_text(self) -> None:
        current_viewer()
        await self._set(texts.reopen, done="It is a draft again.")

    @handler
    async def ask_why(self) -> None:
        current_viewer()
        self.returning = not self.returning

    @handler
    async def return_text(self, said: dict[str, Any]) -> None:
        current_viewer()
        why = await fitting(self, TextReturn, {"note": str(said.get("note", "")).strip()})
        if why is not None:
            await self._set(texts.send_back, why.note, done=f"Returned in {self.said.name}.")

    @handler
    async def write_missing(self, said: dict[str, Any]) -> None:
        """Have what is missing written, from the picture or from approved words."""
        user, image = current_viewer().user_id, id_of(self._shown_id())
        named = {
            "language": self.said.language,
            "made_from": str(said.get("made_from", "")) or None,
        }
        wishes = await fitting(self, AnalysisOptions, named)
        if wishes is None:
            return
        async with failures_shown(self):
            await in_db(describe.request_analysis, user, image, wishes)
            await say(self, f"It will be written in {self.said.name}.")
        await self._look_again()

    async def _set(self, change: Any, *more: Any, done: str) -> None:
        """Only of the version that is shown; whatever came of it, what is there now is shown."""
        user, image = current_viewer().user_id, id_of(self._shown_id())
        tags = frozenset({self.said.version})
        async with failures_shown(self):
            await in_db(change, user, image, self.said.language, *more, required=tags)
            self.returning = False
            await say(self, done)
        await self._look_again()

    async def _show_texts(self, user: UUID, image: ImagePublic) -> None:
        """The picture's texts as they are now."""
        wishes = await in_db(preferences.get_preferences, user)
        languages = languages_of(image, wishes)
        chosen = chosen_of(image, languages, self._wanted_language)
        said = said_of(image, chosen, wishes.rules_off, user)
        if (self.said.language, self._texts_of) != (said.language, image.id):
            self.returning = False
        self._texts_of = image.id
        self.said, self.tabs = said, tabs_of(image, languages, chosen, wishes.rules_off)
        self.writing_cost = ""
        if said.state == MISSING:
            self.writing_cost = estimate_words(await in_db(budgets.estimate, user, 1))

    def _shown_id(self) -> str:
        """The picture that is open."""
        raise NotImplementedError

    async def _look_again(self) -> None:
        """Show the picture as it is now."""
        raise NotImplementedError
