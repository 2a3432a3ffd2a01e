"""The state of Review: its options, and word of what others changed meanwhile.

Which pictures come next is between the browser and the API (`assets/review/`): a queue has to be
quicker than the state of a tab.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx

from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesEdit
from imgapp.services.common.thread_pools import in_db
from imgapp.services.texts import review
from imgapp.services.texts.doubts import RULES
from imgapp.ui.shell.notices import failures_shown
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

reviewing: set[str] = set()
"""Tokens of the tabs, connected to this process, that review: they are told of changes."""

_SHARES = ("review_blind_share", "review_second_share")


@dataclass
class LanguageChoice:
    """A language to review texts in."""

    tag: str
    name: str
    owed: bool
    """Whether it is one of those that the person's pictures are owed."""


class ReviewState(rx.State):
    """What one tab that reviews has of the server."""

    email: str = ""
    loaded: bool = False
    language: str = ""
    """The first one of the person."""
    languages: list[LanguageChoice] = []
    rules: dict[str, str] = {}
    """What is wrong, in a sentence, by rule."""
    blind_share: int = 0
    second_share: int = 0
    agreement: str = ""
    news: dict[str, Any] = {"seq": 0, "ids": []}
    """Pictures that changed lately; none named: all may have. Set in the page only."""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email = viewer.email
        reviewing.add(self.router.session.client_token)
        async with failures_shown(self):
            said = await in_db(preferences.get_preferences, viewer.user_id)
            self.language = said.language or preferences.DEFAULT_LANGUAGE
            self.languages = choices([self.language, *said.further_languages])
            self.rules = {rule.id: rule.sentence for rule in RULES.values()}
            self.blind_share, self.second_share = said.review_blind_share, said.review_second_share
            self.loaded = True

    @handler
    async def set_share(self, name: str, share: int) -> None:
        user = current_viewer().user_id
        if name not in _SHARES:
            return
        edit = PreferencesEdit.model_validate({name: min(max(int(share), 0), 100)})
        async with failures_shown(self):
            said = await in_db(preferences.change_preferences, user, edit)
            self.blind_share, self.second_share = said.review_blind_share, said.review_second_share

    @handler
    async def read_agreement(self, language: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            said = await in_db(review.agreement, user, str(language)[:35])
            self.agreement = agreement_words(said)


def choices(owed: list[str]) -> list[LanguageChoice]:
    """All languages, those that are owed first, in their order."""
    known = preferences.languages()
    names = dict(known) | {tag: dict(preferences.languages(tag))[tag] for tag in owed}
    first = [LanguageChoice(tag, names[tag], owed=True) for tag in dict.fromkeys(owed)]
    return first + [LanguageChoice(tag, name, owed=False) for tag, name in known if tag not in owed]


def agreement_words(said: review.Agreement) -> str:
    """How often people agreed, as a sentence."""
    waiting = f" {said.waiting:,} wait for a second person." if said.waiting else ""
    if not said.looked_at:
        return f"No second person has looked at a text in this language yet.{waiting}"
    share = round(100 * said.agreed / said.looked_at)
    looked = "text" if said.looked_at == 1 else "texts"
    return (
        f"Of {said.looked_at:,} {looked} that a second person looked at, {said.agreed:,}"
        f" ({share} %) were approved unchanged.{waiting}"
    )
