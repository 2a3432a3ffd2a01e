"""`/coverage`: how far the texts of pictures are, in the language that the address says."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import reflex as rx

from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesPublic
from imgapp.services.batches import batches
from imgapp.services.common.thread_pools import in_db
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.texts import coverage
from imgapp.ui.coverage.words import CoverageView, coverage_view
from imgapp.ui.shell.news import news
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

_MOST_BATCHES = 200
_SHARE = 20
"""Reading again takes at most this part of the time."""


@dataclass
class Choice:
    """Something to choose: what is sent, and what it is called."""

    value: str
    name: str


@dataclass
class Term:
    """Something that the pictures have to match, carried along in the form."""

    name: str
    value: str


class CoverageState(rx.State):
    """What one tab shows."""

    email: str = ""
    loaded: bool = False
    language: str = ""
    languages: list[Choice] = []
    language_name: str = ""
    batch: str = ""
    collections: list[Choice] = []
    terms: list[Term] = []
    """Of a filter, besides a batch; none for all pictures."""
    gallery: str = "/"
    """Where these pictures are."""
    view: CoverageView = CoverageView()
    _query: str = ""
    _off: list[str] = []
    _shown: dict[str, Any] = {}
    _read_at: float = 0.0
    _rest: float = 0.0

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.loaded, self._shown = viewer.email, False, {}
        asked = ImageQuery.from_query(self.router.url.query)
        async with failures_shown(self):
            mine = await in_db(preferences.get_preferences, viewer.user_id)
            said = await in_db(coverage.languages_of, viewer.user_id)
            await self._choose(viewer.user_id, asked, mine, said)
        await self._read()

    @handler
    async def look(self) -> None:
        """Read again, if something happened to the pictures since."""
        user, moment = current_viewer().user_id, time.monotonic()
        if news.since(user, self._read_at) and moment >= self._read_at + self._rest:
            await self._read()

    async def _choose(
        self, user: UUID, asked: ImageQuery, mine: PreferencesPublic, said: list[str]
    ) -> None:
        first = mine.language or preferences.DEFAULT_LANGUAGE
        self.language = asked.language or first
        tags = dict.fromkeys([first, *mine.further_languages, *said, self.language])
        self.languages = [Choice(tag, _named(tag)) for tag in tags]
        self.language_name = _named(self.language)
        self._off = mine.rules_off
        wanted = asked.model_copy(update={"language": None, "state": None, "doubt": None})
        self._query = wanted.to_query()
        self.gallery = f"/?{self._query}" if self._query else "/"
        self.batch = str(wanted.batch or "")
        self.terms = [
            Term(name, value) for name, value in parse_qsl(self._query) if name != "batch"
        ]
        page = await in_db(batches.list_batches, user, limit=_MOST_BATCHES)
        self.collections = [Choice("", "All pictures")] + [
            Choice(str(one.id), f"{one.name or 'Batch'}, {one.created_at:%d.%m.%Y}")
            for one in page.items
        ]
        if self.batch not in {one.value for one in self.collections}:
            self.collections.append(Choice(self.batch, "One batch"))

    async def _read(self) -> None:
        user, wanted = current_viewer().user_id, ImageQuery.from_query(self._query)
        begun = time.monotonic()
        async with failures_shown(self):
            found = await in_db(coverage.coverage, user, self.language, wanted)
            view = coverage_view(found, wanted, self._off, datetime.now(UTC).date())
            self._read_at, self._rest = begun, _SHARE * (time.monotonic() - begun)
            shown = asdict(view) | {"counted_at": ""}
            if shown != self._shown:
                self.view, self._shown = view, shown
            self.loaded = True


def _named(tag: str) -> str:
    return dict(preferences.languages(tag))[tag]
