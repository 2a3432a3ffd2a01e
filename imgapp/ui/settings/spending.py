"""`/usage`: one's own tokens and cost; administrators' part is in `spending_administration`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import reflex as rx
from pydantic import TypeAdapter, ValidationError

from imgapp.services.common.thread_pools import in_db
from imgapp.services.installation import vision_models
from imgapp.services.spending import budgets, usage
from imgapp.ui.shell.money_words import (
    SpentRow,
    StandView,
    estimate_words,
    month_words,
    spent_row,
    stand_view,
)
from imgapp.ui.shell.notices import failures_shown, say
from imgapp.ui.shell.reflex_types import handler
from imgapp.ui.shell.viewer_context import current_viewer

_PICTURES = TypeAdapter(budgets.Pictures)


class UsageState(rx.State):
    """What one tab shows of its person's spending."""

    email: str = ""
    is_admin: bool = False
    loaded: bool = False
    stand: StandView = StandView()
    earlier: list[SpentRow] = []
    models: list[str] = []
    """Those that may be asked, the default first."""
    estimated: str = ""
    _shown: dict[str, Any] = {}

    @handler
    async def load(self) -> None:
        viewer = current_viewer()
        self.email, self.is_admin = viewer.email, viewer.is_admin
        self.estimated = ""
        async with failures_shown(self):
            self.models = (await in_db(vision_models.offered)).models
        await self._read()

    @handler
    async def look(self) -> None:
        current_viewer()
        await self._read()

    @handler
    async def estimate(self, said: dict[str, Any]) -> None:
        user = current_viewer().user_id
        model = str(said.get("model") or "")[:200] or None
        try:
            many = _PICTURES.validate_python(str(said.get("pictures") or "").strip())
        except ValidationError:
            await say(self, "Say how many pictures: a whole number.", is_error=True)
            return
        async with failures_shown(self):
            found = await in_db(budgets.estimate, user, many, model)
            self.estimated = estimate_words(found)

    async def _read(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            months = await in_db(usage.list_months, user)
            stand = stand_view(await in_db(budgets.get_budget, user), months[0])
            earlier = [spent_row(month_words(one.month), one) for one in months[1:]]
            shown = {"stand": asdict(stand), "earlier": [asdict(row) for row in earlier]}
            if shown != self._shown:
                self.stand, self.earlier, self._shown = stand, earlier, shown
            self.loaded = True
