"""`/descriptions`: how one's pictures are described, and with what prompt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx
from pydantic import ValidationError

from imgapp.services.analysis import preferences
from imgapp.services.analysis.preferences import PreferencesEdit, PreferencesPublic
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import vision_models
from imgapp.ui.shell.notices import failures_shown, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

_BASIC = "basic-1"


@dataclass
class SelectOption:
    """Something to choose."""

    value: str
    name: str


class DescriptionsState(rx.State):
    """What a person has said of all their pictures."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    language: str = ""
    languages: list[SelectOption] = []
    context: str = ""
    glossary: str = ""
    vocabulary: str = ""
    """One tag a line."""
    never_cloud: bool = False
    paused: bool = False
    paused_at: str = ""
    server: str = ""
    """Who describes pictures, in words."""
    is_elsewhere: bool = False
    """Whether pictures are sent to a model elsewhere."""

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin = viewer.email, viewer.is_admin
        async with failures_shown(self):
            model = await in_db(vision_models.model_asked)
            self.server, self.is_elsewhere = server_words(
                model, stays=await in_db(vision_models.is_local)
            )
            self._show(await in_db(preferences.get_preferences, viewer.user_id))
            self.loaded = True

    @handler
    async def save(self, said: dict[str, Any]) -> None:
        current_viewer()
        await self._change("Saved. It goes for what is described from now on.", **edit_of(said))

    @handler
    async def set_never_cloud(self, never: bool) -> None:
        current_viewer()
        done = "not sent to a model elsewhere any more" if never is True else "sent to the model"
        await self._change(f"From now on your pictures are {done}.", never_cloud=never is True)

    @handler
    async def set_paused(self, paused: bool) -> None:
        current_viewer()
        done = "Paused: your pictures wait." if paused is True else "Your pictures go on."
        await self._change(done, paused=paused is True)

    async def _change(self, done: str, **changes: Any) -> None:
        user = current_viewer().user_id
        try:
            edit = PreferencesEdit(**changes)
        except ValidationError as error:
            await say(self, problem_words(error), is_error=True)
            return
        async with failures_shown(self):
            self._show(await in_db(preferences.change_preferences, user, edit))
            await say(self, done)

    def _show(self, said: PreferencesPublic) -> None:
        self.language = said.language or preferences.DEFAULT_LANGUAGE
        known = preferences.languages(said.language)
        self.languages = [SelectOption(value=tag, name=name) for tag, name in known]
        self.context, self.glossary = said.context or "", said.glossary or ""
        self.vocabulary = "\n".join(said.vocabulary)
        self.never_cloud, self.paused = said.never_cloud, said.paused
        self.paused_at = said.paused_at.isoformat() if said.paused_at else ""


def edit_of(said: dict[str, Any]) -> dict[str, Any]:
    """What the form says, as the service takes it; what is not in it stays as it is."""
    names = [name for name in ("language", "context", "glossary") if name in said]
    texts: dict[str, Any] = {name: str(said[name]) for name in names}
    if "vocabulary" in said:
        words = str(said["vocabulary"]).replace(",", "\n").split("\n")
        texts["vocabulary"] = [word for word in map(str.strip, words) if word]
    return texts


def problem_words(error: ValidationError) -> str:
    """The first thing that does not fit, as a sentence."""
    first = error.errors()[0]
    name = str(first["loc"][0])
    limit = (first.get("ctx") or {}).get("max_length")
    what = _NAMES.get(name, name)
    if first["type"] == "too_long" and limit is not None:
        return f"{what}: no more than {limit:,} words."
    if limit is not None:
        return f"{what}: no more than {limit:,} characters."
    return f"{what}: {first['msg'].removeprefix('Value error, ')}."


def server_words(model: str, *, stays: bool) -> tuple[str, bool]:
    """Who describes pictures, and whether that is somewhere else."""
    if model == _BASIC:
        return (
            "No vision model is connected: imgapp says what it measures itself. An administrator "
            "connects one on the page Models.",
            False,
        )
    if stays:
        return (
            f"Pictures are described by {model}, on this installation's own machines.",
            False,
        )
    return (
        f"Pictures are described by {model}. A copy of at most 1,024 pixels, "
        "without position, camera or file name, is sent there.",
        True,
    )


_NAMES = {
    "language": "First language",
    "context": "What the pictures are for",
    "glossary": "Names and terms",
    "vocabulary": "Tags of your own",
}
