"""Live cards: the page reads windows of a list, and a push carries only what changed.

Reflex sends a var whole whenever it changes, so each window is sent once, and changes travel in a
small var beside it, which the browser merges (`assets/gallery/live-list.js`). Patches are numbered:
a page that missed one notices the gap and asks for its list again, and a window that was read
before a patch and comes after it does not undo it.

A patch is nothing that the state of a tab has to keep: it goes straight to the websocket, and what
is known of the tab for it is in the memory of the process that has the websocket.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import reflex as rx
from reflex.state import StateUpdate
from reflex_base.constants import SocketEvent
from reflex_base.constants.state import FIELD_MARKER

from imgapp.services.library.image_query import ImageQuery
from imgapp.ui.shell.cards import Card
from imgapp.ui.shell.viewer_context import current_viewer

_KEPT_SECONDS = 0.05
_KEPT_CHANGES = 12


CardValues = dict[str, Any]
"""A card as it is sent."""


def values_of(card: Card) -> CardValues:
    """A card as it is sent. (`asdict` takes ten times as long: it looks into each text.)"""
    return dict(vars(card))


@dataclass
class CardChange:
    """One card that changed, or went (`card` is None), in which push, and when."""

    seq: int
    since: int
    """The push before it."""
    at: float
    id: str
    card: CardValues | None


@dataclass(frozen=True)
class ListChanges:
    """What changed of a list at once: cards that are in it now, and ids of those that are not."""

    cards: list[CardValues]
    gone: list[str]


Patch = dict[str, Any]
"""A batch as it is sent."""


@dataclass(eq=False)
class Patches:
    """The changes of a person's pictures, with one number for all lists that tabs of theirs show.

    The latest of each list are kept a moment, in case the browser draws two as one. Numbers are
    times in milliseconds, or one more than the last: a tab that connects to another process, and
    perhaps back to this one, goes on with larger ones.
    """

    seq: int = 0
    pushed: int = 0
    """The number of the last push."""
    recent: dict[ImageQuery, list[CardChange]] = field(default_factory=dict)

    def mark(self) -> int:
        """The number of a window that is read from now on: later pushes have larger ones."""
        self.seq = max(self.seq, _clock())
        return self.seq

    def leave_out(self) -> None:
        """As if a push had got lost: whoever gets the next one asks for its list."""
        self.seq = self.pushed = max(self.seq + 1, _clock())
        self.recent.clear()

    def push(self, batches: Mapping[ImageQuery, ListChanges]) -> dict[ImageQuery, Patch]:
        """Add what changed of each list and return the patches to send."""
        now, last = time.monotonic(), self.pushed
        self.seq = self.pushed = max(self.seq + 1, _clock())
        # Of a list that nobody shows any more, nothing is kept.
        before, self.recent = self.recent, {}
        return {
            wanted: self._patch(wanted, before.get(wanted, []), batch, last, now)
            for wanted, batch in batches.items()
        }

    def _patch(
        self,
        wanted: ImageQuery,
        recent: list[CardChange],
        batch: ListChanges,
        last: int,
        now: float,
    ) -> Patch:
        kept = [c for c in recent if now - c.at < _KEPT_SECONDS][-_KEPT_CHANGES:]
        kept = [c for c in kept if all(c.seq > d.seq for d in recent if d not in kept)]
        changed: list[tuple[str, CardValues | None]] = [(card["id"], card) for card in batch.cards]
        changed += [(image_id, None) for image_id in batch.gone]
        new = [CardChange(self.seq, last, now, image_id, card) for image_id, card in changed]
        self.recent[wanted] = kept + new
        latest = {change.id: change.card for change in self.recent[wanted]}
        return {
            "since": kept[0].since if kept else last,
            "seq": self.seq,
            "cards": [card for card in latest.values() if card is not None],
            "gone": [image_id for image_id, card in latest.items() if card is None],
        }


@dataclass
class LiveTab:
    """A tab that is connected to this process and shows a list."""

    patches: Patches
    wanted: ImageQuery = field(default_factory=ImageQuery)


live_tabs: dict[str, LiveTab] = {}
"""By the token of the tab."""
_patches: WeakValueDictionary[UUID, Patches] = WeakValueDictionary()
"""By person; they last as long as a tab of theirs does."""


def _clock() -> int:
    return time.time_ns() // 1_000_000


def patches_of(user_id: UUID) -> Patches:
    """The patches of all tabs that this person has open here."""
    patches = _patches.get(user_id)
    if patches is None:
        patches = _patches[user_id] = Patches()
    return patches


class LiveWindow(rx.State, mixin=True):
    """The part of a page's state that shows windows of a list of cards and keeps them live."""

    shown: dict[str, Any] = {"seq": 0, "edition": "", "query": "", "cards": []}
    """The window that was read last: a block of cards, and where in the list it begins. Another
    `edition` than before: what the page has of the list is to be read again."""
    patch: dict[str, Any] = {"since": 0, "seq": 0, "cards": [], "gone": []}
    """What changed since windows were read. Set in the page only."""
    total: int = 0
    """All pictures of the person, found or not."""

    def _live(self) -> LiveTab:
        token = self.router.session.client_token
        if token not in live_tabs:
            live_tabs[token] = LiveTab(patches_of(current_viewer().user_id))
        return live_tabs[token]

    def _show(
        self,
        cards: Iterable[Card],
        *,
        seq: int,
        start: int,
        count: int,
        wanted: ImageQuery | None = None,
        found: int | None = None,
    ) -> None:
        """Show a window, read after the patch `seq`; with `wanted` and `found`, the first of its
        list."""
        block = [values_of(card) for card in cards]
        window: dict[str, Any] = {"seq": seq, "start": start, "found": found, "cards": block}
        window["short"] = len(block) < count
        if wanted is not None:
            window |= {
                "edition": secrets.token_hex(4),
                "query": wanted.to_query(),
                "sort": wanted.sort.value,
            }
        self.shown = {**self.shown, **window}


async def set_in_pages(
    app: rx.App, tokens: Iterable[str], state: type[rx.State], **values: Any
) -> None:
    """Set vars of tabs in their pages, and there only: their state is neither read nor written."""
    namespace = app.event_namespace
    here = namespace._token_manager.token_to_socket if namespace else {}
    sockets = [here[token].sid for token in tokens if token in here]
    if namespace is None or not sockets:
        return
    delta = {state.get_full_name(): {name + FIELD_MARKER: v for name, v in values.items()}}
    # To all of them at once: the message is written once.
    await namespace.emit(str(SocketEvent.EVENT), StateUpdate(delta=delta), to=sockets)
