"""`/descriptions`, languages and rules: what pictures are owed, and what is looked for in texts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import reflex as rx

from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import (
    DEFAULT_LANGUAGE,
    PreferencesEdit,
    PreferencesPublic,
    full_name,
)
from imgapp.services.common.thread_pools import in_db
from imgapp.ui.settings.descriptions import SelectOption
from imgapp.ui.shell.doubt_words import RuleSource, sentences, sources_of
from imgapp.ui.shell.notices import failures_shown, fitting, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer


@dataclass
class OwedLanguage:
    """A language in which pictures get texts."""

    tag: str
    name: str
    is_first: bool
    glossary: str
    """Of this language alone."""


@dataclass
class RuleRow:
    """A rule, and whether its doubts are shown."""

    id: str
    sentence: str
    is_on: bool
    sources: list[RuleSource] = dataclasses.field(default_factory=list)


class TextRulesState(rx.State):
    """The languages of a person's texts, and what is looked for in them."""

    known: bool = False
    owed: list[OwedLanguage] = []
    others: list[SelectOption] = []
    """Languages that can be added."""
    approve_own: bool = False
    rules: list[RuleRow] = []

    @handler
    async def load(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            self._show(await in_db(preferences.get_preferences, user))
            self.known = True

    @handler
    async def add_language(self, said: dict[str, Any]) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            now = await in_db(preferences.get_preferences, user)
            tag = str(said.get("further", ""))
            await self._change(
                f"Pictures are owed a text in {full_name(tag)}.",
                further_languages=[*now.further_languages, tag],
            )

    @handler
    async def remove_language(self, tag: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            now = await in_db(preferences.get_preferences, user)
            left = [one for one in now.further_languages if one != tag]
            done = "Removed. What is said in it stays with the pictures."
            await self._change(done, further_languages=left)

    @handler
    async def save_glossary(self, said: dict[str, Any]) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            now = await in_db(preferences.get_preferences, user)
            words = {str(said.get("tag", "")): str(said.get("words", ""))}
            done = "Saved. It goes for what is described from now on."
            await self._change(done, glossaries=now.glossaries | words)

    @handler
    async def set_approve_own(self, approve: bool) -> None:
        current_viewer()
        done = "approved at once" if approve is True else "a draft until it is approved"
        await self._change(f"What you write is {done}.", approve_own=approve is True)

    @handler
    async def set_rule(self, rule: str, on: bool) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            now = await in_db(preferences.get_preferences, user)
            off = {one for one in now.rules_off if one in sentences() and one != rule}
            if on is not True and rule in sentences():
                off.add(rule)
            done = (
                "Doubts of this rule are shown." if on is True else "They are not shown any more."
            )
            await self._change(done, rules_off=sorted(off))

    async def _change(self, done: str, **changes: Any) -> None:
        user = current_viewer().user_id
        edit = await fitting(self, PreferencesEdit, changes)
        if edit is None:
            return
        async with failures_shown(self):
            self._show(await in_db(preferences.change_preferences, user, edit))
            await say(self, done)

    def _show(self, said: PreferencesPublic) -> None:
        first = said.language or DEFAULT_LANGUAGE
        tags = list(dict.fromkeys([first, *said.further_languages]))
        self.owed = [
            OwedLanguage(tag, full_name(tag), tag == first, said.glossaries.get(tag, ""))
            for tag in tags
        ]
        self.others = [
            SelectOption(value=tag, name=name)
            for tag, name in preferences.languages()
            if tag not in tags
        ]
        self.approve_own, off = said.approve_own, set(said.rules_off)
        self.rules = [
            RuleRow(name, sentence, name not in off, sources_of(name))
            for name, sentence in sentences().items()
        ]
