"""`/models`: the vision models that describe pictures, for administrators."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import reflex as rx

from imgapp.errors import NotFound
from imgapp.services.analysis import model_trials
from imgapp.services.analysis.model_trials import ModelOverview
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import connected_models
from imgapp.services.installation.connected_models import ModelConnectionEdit
from imgapp.settings import get_settings
from imgapp.ui.shell.notices import failures_shown, say
from imgapp.ui.shell.reason_words import duration_words
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

_ROLES = {"default": "default", "fallback": "fall-back"}


@dataclass
class ModelRow:
    """A model in words."""

    name: str
    where: str
    """The kind of server, its host, and what the server calls the model if that differs."""
    pace: str
    """How long a picture takes and how many are described at once, as far as it is known."""
    role: str
    ours: bool
    """Whether it can be changed here: those of the environment cannot."""
    local: bool
    trouble: str
    said: str
    """By the server itself."""
    since: str
    takes: str


class ModelsState(rx.State):
    """What one tab shows of the models."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    missing: bool = False
    """Whether this page is not there for whoever looks."""
    models: list[ModelRow] = []
    environment: str = ""
    """What the environment says about it; empty if nothing."""
    kinds: list[dict[str, Any]] = []

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin, self.missing = viewer.email, viewer.is_admin, False
        self.kinds = [kind.model_dump() for kind in connected_models.kinds()]
        await self._read()

    @handler
    async def look(self) -> None:
        current_viewer()
        await self._read()

    @handler
    async def set_role(self, name: str, role: str) -> None:
        chosen = str(role)
        user, edit = (
            current_viewer().user_id,
            ModelConnectionEdit(
                role="default"
                if chosen == "default"
                else "fallback"
                if chosen == "fallback"
                else None
            ),
        )
        async with failures_shown(self):
            await in_db(connected_models.change, user, str(name), edit)
            await say(self, "Saved. It holds from now on.")
        await self._read()

    @handler
    async def disconnect(self, name: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(connected_models.disconnect, user, str(name))
            await say(self, f"{str(name)[:200]} is disconnected.")
        await self._read()

    async def _read(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            try:
                found = await in_db(model_trials.overview, user)
            except NotFound:
                self.missing, self.models, self.loaded = True, [], True
                return
            rows = [model_row(one) for one in found]
            if list(map(asdict, rows)) != list(map(asdict, self.models)):
                self.models = rows
            self.environment = environment_words(found)
            self.loaded = True


def model_row(one: ModelOverview) -> ModelRow:
    """A model in words."""
    called = "" if one.model == one.name else f"{one.model} at "
    trouble = one.trouble
    return ModelRow(
        name=one.name,
        where=f"{called}{one.title} · {one.host}",
        pace=pace_words(one.seconds_each, one.at_once),
        role=_ROLES.get(one.role or "", ""),
        ours=not one.from_environment,
        local=one.local,
        trouble=key_words(one) or (trouble_words(trouble.message) if trouble else ""),
        said=trouble.said or "" if trouble else "",
        since=trouble.since.isoformat() if trouble else "",
        takes=" ".join(one.takes),
    )


def pace_words(seconds: float | None, at_once: int | None) -> str:
    """How long a picture takes, and how many are described at once."""
    each = f"About {duration_words(max(1, round(seconds)))} a picture" if seconds else ""
    together = f"{at_once} at once" if at_once else ""
    return ", ".join(filter(None, [each, together]))


def trouble_words(message: str) -> str:
    """What is wrong, said to an administrator."""
    return connected_models.for_administrators(message)


def key_words(one: ModelOverview) -> str:
    """That its key cannot be read, if it cannot."""
    if one.key_readable:
        return ""
    return "Its key was kept under another IMGAPP_SECRET_KEY: connect it again."


def environment_words(found: list[ModelOverview]) -> str:
    """What the environment decides, whatever is connected here."""
    settings = get_settings()
    if settings.vision == "basic":
        return "IMGAPP_VISION is basic: no model is asked, whatever is connected here."
    if any(one.from_environment for one in found):
        return (
            "The environment (OPENAI_API_KEY or OPENAI_BASE_URL) goes first: its model is the "
            "default. What is connected here may be chosen, and can be the fall-back."
        )
    return ""
