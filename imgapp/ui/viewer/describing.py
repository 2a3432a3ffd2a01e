"""The viewer's analysis part: by whom, in what language and for what a picture is described."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx

from imgapp.models import ImageEdit
from imgapp.services.analysis import describe, preferences
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import vision_models
from imgapp.services.installation.vision_models import VisionModels
from imgapp.services.library import images
from imgapp.ui.shell.notices import failures_shown, fitting, id_of, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer


@dataclass
class DescribingOption:
    """Something to choose."""

    value: str
    name: str


class Describing(rx.State, mixin=True):
    """The part of the viewer's state about how one picture is described."""

    models: list[DescribingOption] = []
    languages: list[DescribingOption] = []
    describing_open: bool = False

    @handler
    async def toggle_describing(self) -> None:
        current_viewer()
        self.describing_open = not self.describing_open
        async with failures_shown(self):
            self.models = model_options(await in_db(vision_models.offered))
            known = preferences.languages()
            self.languages = [
                DescribingOption("", "As always"),
                *(DescribingOption(*one) for one in known),
            ]

    @handler
    async def describe_like_this(self, said: dict[str, Any]) -> None:
        user, image = current_viewer().user_id, id_of(self._shown_id())
        named = {name: said[name] for name in AnalysisOptions.model_fields if said.get(name)}
        wishes = await fitting(self, AnalysisOptions, named)
        if wishes is None:
            return
        async with failures_shown(self):
            await in_db(describe.request_analysis, user, image, wishes)
            self.describing_open = False
            await self._look_again()

    @handler
    async def save_context(self, said: dict[str, Any]) -> None:
        current_viewer()
        text = {"context": str(said.get("context", "")) or None}
        await self._edit(text, "Saved. It goes for the next description.")

    @handler
    async def set_never_cloud(self, never: bool) -> None:
        current_viewer()
        stays = "stays here" if never is True else "may be sent to the model"
        await self._edit({"never_cloud": never is True}, f"This picture {stays} from now on.")

    async def _edit(self, changes: dict[str, Any], done: str) -> None:
        user, image = current_viewer().user_id, id_of(self._shown_id())
        edit = await fitting(self, ImageEdit, changes)
        if edit is None:
            return
        async with failures_shown(self):
            await in_db(images.edit_image, user, image, edit)
            await say(self, done)
            await self._look_again()

    def _shown_id(self) -> str:
        """The picture that is open."""
        raise NotImplementedError

    async def _look_again(self) -> None:
        """Show the picture as it is now."""
        raise NotImplementedError


def model_options(offered: VisionModels) -> list[DescribingOption]:
    """What can be asked, the usual one first."""
    usual = DescribingOption("", f"{offered.default} (as always)")
    others = [name for name in offered.models if name != offered.default]
    return [usual, *(DescribingOption(name, _NAMES.get(name, name)) for name in others)]


_NAMES = {"basic-1": "basic-1 (reads only, no model)"}
