"""`/models`: the vision models that describe pictures, for administrators."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import reflex as rx

from imgapp.errors import NotFound
from imgapp.services.analysis import model_trials
from imgapp.services.analysis.model_trials import ModelOverview
from imgapp.services.common.byte_sizes import size_words
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import bundled_models, connected_models, model_pulls
from imgapp.services.installation.connected_models import ModelConnectionEdit
from imgapp.services.installation.model_pulls import BundledModelPublic
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


@dataclass
class BundledRow:
    """A model that imgapp can fetch and run by itself, in words."""

    name: str
    title: str
    about: str
    facts: str
    source: str
    button: str
    """What can be done about it; empty if nothing."""
    doing: str
    """What is being done about it; empty if nothing."""
    share: float
    """Of what is being done, 0 to 1."""
    problem: str


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
    bundled: list[BundledRow] = []
    runtime_problem: str = ""
    """Why no model can run on this machine; empty if one can."""

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

    @handler
    async def pull(self, name: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(model_pulls.want, user, str(name))
        await self._read()

    @handler
    async def discard_pull(self, name: str) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await in_db(model_pulls.unwant, user, str(name))
        await self._read()

    async def _read(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            try:
                found = await in_db(model_trials.overview, user)
                offered = await in_db(model_pulls.catalogue, user)
            except NotFound:
                self.missing, self.models, self.loaded = True, [], True
                return
            rows = [model_row(one) for one in found]
            if list(map(asdict, rows)) != list(map(asdict, self.models)):
                self.models = rows
            bundled = [bundled_row(one) for one in offered]
            if list(map(asdict, bundled)) != list(map(asdict, self.bundled)):
                self.bundled = bundled
            problem = await in_db(bundled_models.runtime_problem)
            self.runtime_problem = problem or ""
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


def bundled_row(one: BundledModelPublic) -> BundledRow:
    """A model of the catalogue in words."""
    idle = one.fetched is None or one.problem is not None
    begun = bool(one.fetched)
    return BundledRow(
        name=one.name,
        title=one.title,
        about=f"{one.about}.",
        facts=(
            f"{size_words(one.size)} to fetch, {size_words(one.memory)} of memory while it runs"
            f" · {one.languages} · {one.license}"
        ),
        source=one.source,
        button=""
        if one.connected or not idle
        else "Connect it"
        if one.here
        else "Go on"
        if begun
        else f"Fetch it, {size_words(one.size)}",
        doing="" if idle else _doing(one),
        share=(one.fetched or 0) / one.size,
        problem=one.problem or "",
    )


def _doing(one: BundledModelPublic) -> str:
    if one.checking:
        return "All has come, and is checked."
    if not one.fetched:
        return "A worker begins in a moment."
    return f"{size_words(one.fetched)} of {size_words(one.size)}"


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
