"""Bulk actions of the gallery: tag, analyse, approve, download and delete what is selected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import reflex as rx

from imgapp.errors import InvalidRequest
from imgapp.services.analysis import runs
from imgapp.services.analysis.options import AnalysisOptions
from imgapp.services.analysis.preferences import english_name
from imgapp.services.common.thread_pools import in_io
from imgapp.services.library import bulk
from imgapp.services.library.bulk import ImageSelection
from imgapp.services.library.image_query import ImageQuery
from imgapp.services.spending import budgets
from imgapp.services.texts import bulk_approval
from imgapp.ui.gallery.text_languages import TextLanguages
from imgapp.ui.shell.money_words import estimate_words
from imgapp.ui.shell.notices import (
    ApprovedTexts,
    Undo,
    failures_shown,
    fitting,
    id_of,
    say,
    with_those_left,
)
from imgapp.ui.shell.reason_words import pictures
from imgapp.ui.shell.reflex_types import Fires, Unbound, handler
from imgapp.ui.shell.viewer_context import current_viewer

MOST_UNDONE = 10_000
"""Pictures; of more, the trash and the tags are there to go back by hand."""


class SelectionState(rx.State):
    """Actions on many pictures, and how they ended."""

    failed: int = 0
    """Rises when pictures could not be moved to the trash."""
    cost: str = ""
    """What describing the selected pictures again would take."""

    @handler
    async def trash(self, chosen: dict[str, Any]) -> None:
        user = current_viewer().user_id
        async with failures_shown(self):
            outcome = await in_io(bulk.move_to_trash, user, chosen_of(chosen))
            undo = Undo(trashed=tuple(outcome.changed)) if _can_undo(outcome) else None
            await say(self, _told(outcome, "in the trash"), undo=undo)
            if not outcome.left:
                return
        self.failed += 1

    @handler
    async def tag(self, chosen: dict[str, Any], add: bool, tags: list[str]) -> None:
        user, change = current_viewer().user_id, bulk.add_tags if add else bulk.remove_tags
        async with failures_shown(self):
            outcome = await in_io(change, user, chosen_of(chosen), list(map(str, tags)))
            undo = Undo(tags=tuple(outcome.before)) if _can_undo(outcome) else None
            await say(self, _told(outcome, "changed"), undo=undo)

    @handler
    async def price(self, chosen: dict[str, Any]) -> AsyncIterator[None]:
        user, self.cost = current_viewer().user_id, ""
        yield
        async with failures_shown(self):
            self.cost = await in_io(_cost, user, chosen_of(chosen))

    @handler
    async def analyze(self, chosen: dict[str, Any], how: dict[str, Any]) -> None:
        """Describe again, or in a further language; in a run, as they may be many."""
        user = current_viewer().user_id
        named = {name: str(how[name]) for name in ("language", "made_from") if how.get(name)}
        wishes = await fitting(self, AnalysisOptions, named)
        if wishes is None:
            return
        async with failures_shown(self):
            outcome, _ = await in_io(runs.analyze, user, chosen_of(chosen), wishes)
            again = f"in {english_name(wishes.language)}" if wishes.language else "again"
            await say(self, f"{pictures(len(outcome.changed))} will be described {again}")

    @handler
    async def approve(self, chosen: dict[str, Any], language: str) -> None:
        """What is said in a language; "" is each picture's own text."""
        user, tag = current_viewer().user_id, str(language) or None
        async with failures_shown(self):
            outcome = await in_io(bulk_approval.approve, user, chosen_of(chosen), tag)
            undo = None
            if _can_undo(outcome):
                until = await in_io(bulk_approval.database_time, user)
                undo = Undo(approved=ApprovedTexts(tuple(outcome.changed), tag, until))
            done = f"approved in {english_name(tag)}" if tag else "approved"
            await say(self, _told(outcome, done), undo=undo)


def chosen_of(said: object) -> ImageSelection:
    """What the browser says is selected. Raises InvalidRequest, NotFound (an id that is none)."""
    if not isinstance(said, dict):
        raise InvalidRequest("Nothing is selected")
    if "query" in said:
        ids = said.get("except") or []
        wanted = ImageQuery.from_query(str(said["query"]))
    else:
        ids, wanted = said.get("images") or [], None
    if not isinstance(ids, list) or len(ids) > bulk.MOST_NAMED:
        raise InvalidRequest(f"At most {bulk.MOST_NAMED:,} pictures can be named at once")
    return ImageSelection(tuple(map(id_of, ids)), wanted)


def _can_undo(outcome: bulk.BulkResult) -> bool:
    return 0 < len(outcome.changed) <= MOST_UNDONE


def _told(outcome: bulk.BulkResult, done: str) -> str:
    count = len(outcome.changed)
    return with_those_left(f"{pictures(count)} {'is' if count == 1 else 'are'} {done}", outcome)


def _cost(user_id: UUID, chosen: ImageSelection) -> str:
    count = len(chosen.resolve(user_id))
    return estimate_words(budgets.estimate(user_id, count))


class SelectionBar(rx.Component):
    """The bar that appears when something is selected."""

    library = "$/public/selection/selection-bar.jsx"
    tag = "SelectionBar"
    found: rx.Var[int]
    query: rx.Var[str]
    failed: rx.Var[int]
    cost: rx.Var[str]
    on_trash: Fires[dict[str, Any]]
    on_tag: Fires[dict[str, Any], bool, list[str]]
    languages: rx.Var[list[str]]
    on_analyze: Fires[dict[str, Any], dict[str, Any]]
    on_approve: Fires[dict[str, Any], str]
    on_languages: Fires[()]
    """A language is about to be chosen."""
    on_price: Fires[dict[str, Any]]
    on_print: Fires[dict[str, Any]]


def selection_bar(*, found: int, query: str, on_print: Unbound[dict[str, Any]]) -> rx.Component:
    """The bar at the bottom of the gallery."""
    return SelectionBar.create(
        found=found,
        query=query,
        failed=SelectionState.failed,
        cost=SelectionState.cost,
        on_trash=SelectionState.trash,
        on_tag=SelectionState.tag,
        languages=TextLanguages.tags,
        on_analyze=SelectionState.analyze,
        on_approve=SelectionState.approve,
        on_languages=TextLanguages.look,
        on_price=SelectionState.price,
        on_print=on_print,
    )


def select_box(name: str, selected: bool, tab: int) -> rx.Component:
    """The box with which a card is selected; `selection-gestures.js` hears its clicks."""
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            checked=selected,
            read_only=True,
            tab_index=tab,
            aria_label=f"Select {name}",
        ),
        class_name="select-box",
    )
