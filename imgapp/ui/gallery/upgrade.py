"""The upgrade offer: describe again what no vision model has seen, and show how far that is."""

from __future__ import annotations

from uuid import UUID

import reflex as rx

from imgapp.services.analysis import runs
from imgapp.services.analysis.run_schemas import NewRun, RunFilter, RunPreview, RunPublic
from imgapp.services.common.thread_pools import in_db, in_io
from imgapp.services.installation.vision_models import offered
from imgapp.ui.shell.client_components import LookAgain
from imgapp.ui.shell.money_words import about
from imgapp.ui.shell.notices import failures_shown, id_of
from imgapp.ui.shell.reflex_types import Action, handler
from imgapp.ui.shell.viewer_context import current_viewer

BASIC = "basic-1"
LOOK_SECONDS = 2
UPGRADE = NewRun(filter=RunFilter(model_version=BASIC))


class UpgradeState(rx.State):
    """What `basic` described, and the run that describes it again."""

    offer: str = ""
    """What could be done, in words; empty if there is nothing."""
    progress: str = ""
    """How far the run is; empty without one."""
    active: bool = False
    takes: str = ""
    """By whom it can be done, and for how much."""
    put_off: bool = False
    _run: str = ""

    @handler
    async def load(self) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            await self._read(user)

    @handler
    async def look(self) -> None:
        """Where the run is."""
        user = current_viewer().user_id
        if not self._run:
            return
        async with failures_shown(self):
            self._show_run(await in_db(runs.get_run, user, id_of(self._run)))

    @handler
    async def start(self) -> None:
        user = current_viewer().user_id
        if self.active:
            return
        async with failures_shown(self):
            made = await in_io(runs.create_run, user, UPGRADE)
            self.offer, self._run = "", str(made.id)
            self._show_run(made)

    @handler
    async def stop(self) -> None:
        user = current_viewer().user_id
        if not self._run:
            return
        async with failures_shown(self):
            self._show_run(await in_io(runs.cancel_run, user, id_of(self._run)))
            await self._read(user)

    @handler
    async def put_aside(self) -> None:
        current_viewer()
        self.put_off, self.progress = True, ""

    async def _read(self, user: UUID) -> None:
        """What there is to do, or is being done; from any tab or program."""
        models = await in_db(offered)
        if not models.configured:
            self.offer = self.progress = self._run = ""
            self.active = False
            return
        if not self.active and (going := await in_db(_under_way, user)):
            self._run = str(going.id)
            self._show_run(going)
        if self.active:
            self.offer = ""
            return
        found = await in_db(runs.preview_run, user, UPGRADE)
        self.offer, self.takes = offer_words(found.total), takes_words(found)

    def _show_run(self, run: RunPublic) -> None:
        self.active = run.finished_at is None
        self.progress = run_words(run)


def upgrade_hint() -> rx.Component:
    """Shown while there is something to offer, or a run to follow."""
    state = UpgradeState
    return rx.fragment(
        rx.cond(
            state.progress != "",
            _hint(
                rx.el.span(state.progress, role="status"),
                rx.cond(
                    state.active,
                    _button("Stop", state.stop),
                    _button("Done", state.put_aside),
                ),
            ),
            rx.cond(
                (state.offer != "") & ~state.put_off,
                _hint(
                    rx.el.span(rx.el.strong(state.offer), " ", state.takes),
                    _button("Describe them again", state.start, primary=True),
                    _button("Not now", state.put_aside),
                ),
            ),
        ),
        rx.cond(state.active, LookAgain.create(seconds=LOOK_SECONDS, on_look=state.look)),
    )


def _hint(*content: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.icon("sparkles", size=16, aria_hidden="true"),
        *content,
        class_name="hint upgrade",
        role="region",
        aria_label="Pictures without a model's description",
    )


def _button(words: str, action: Action, *, primary: bool = False) -> rx.Component:
    return rx.el.button(
        words,
        type="button",
        class_name="button small primary" if primary else "button small",
        on_click=action,
    )


def offer_words(pictures: int) -> str:
    """What could be described again; nothing if there is nothing."""
    if not pictures:
        return ""
    if pictures == 1:
        return "1 picture was described without a vision model."
    return f"{pictures:,} pictures were described without a vision model."


def takes_words(found: RunPreview) -> str:
    """By whom it can be done, and for how much where a price is known."""
    cost = found.estimate.cost
    price = f", for {about(cost)}" if cost else ""
    return f"{found.estimate.model} can do it now{price}."


def run_words(run: RunPublic) -> str:
    """How far a run is, as a sentence; nothing if it had nothing to do."""
    came = run.pictures
    done = came.completed + came.reused
    failed = f" {came.failed:,} failed." if came.failed else ""
    if not run.total:
        return ""
    if run.finished_at is None and run.cancelled_at is None:
        return f"Describing again: {done:,} of {run.total:,} done.{failed}"
    if run.finished_at is None:
        return f"Stopping: {done:,} of {run.total:,} done.{failed}"
    ended = "Stopped" if run.cancelled_at else "Described again"
    return f"{ended}: {done:,} of {run.total:,} done.{failed}"


def _under_way(user: UUID) -> RunPublic | None:
    """The upgrade that is not finished, if there is one."""
    newest = runs.list_runs(user, limit=runs.MOST_OPEN).items
    return next(
        (run for run in newest if not run.finished_at and run.filter == UPGRADE.filter), None
    )
