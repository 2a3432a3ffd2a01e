"""Text languages of the gallery: in what pictures can be looked for, approved and described."""

from __future__ import annotations

from uuid import UUID

import reflex as rx

from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import DEFAULT_LANGUAGE
from imgapp.services.common.thread_pools import in_db
from imgapp.services.texts import coverage
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer


class TextLanguages(rx.State):
    """Read when somebody is about to choose one: counting them takes a moment."""

    tags: list[str] = []
    """The person's first language, their further ones, and all others in which something is said
    (BCP 47). Browsers name them."""

    @handler
    async def look(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            self.tags = await in_db(_languages, user)


def _languages(user_id: UUID) -> list[str]:
    said = preferences.get_preferences(user_id)
    first = said.language or DEFAULT_LANGUAGE
    return list(dict.fromkeys([first, *said.further_languages, *coverage.languages_of(user_id)]))
