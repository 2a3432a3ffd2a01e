"""Live cards: the page reads windows of a list, and a push carries only what changed.

Reflex sends a var whole whenever it changes, so each window is sent once, and changes travel in a
small var beside it, which the browser merges (`assets/library.js`). Patches are numbered: a page
that missed one notices the gap and asks for its list again, and a window that was read before a
patch and comes after it does not undo it.

A patch is nothing that the state of a tab has to keep: it goes straight to the websocket, and what
is known of the tab for it is in the memory of the process that has the websocket.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import reflex as rx
from reflex.state import StateUpdate
from reflex_base.constants.state import FIELD_MARKER

from imgapp.services.wanted import Wanted
from imgapp.ui.cards import Card

_KEPT_SECONDS = 0.05
_KEPT_CHANGES = 12


CardValues = dict[str, Any]
"""A card as it is sent."""


def values_of(card: Card) -> CardValues:
    """A card as it is sent. (`asdict` takes ten times as long: it looks into each text.)"""
    return dict(vars(card))


@dataclass
class Change:
    """One card that changed, or went (`card` is None), and when."""

    seq: int
    at: float
    id: str
    card: CardValues | None


@dataclass
class Patches:
    """The changes of a tab; the latest are kept a moment, in case the browser draws two as one."""

    seq: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    """Begins at the time, and so later where a tab connects to another process."""
    recent: list[Change] = field(default_factory=list)

    def push(self, cards: Iterable[CardValues], gone: Iterable[str]) -> dict[str, Any]:
        """Add changes and return the patch to send."""
        now = time.monotonic()
        self.seq += 1
        kept = [c for c in self.recent if now - c.at < _KEPT_SECONDS][-_KEPT_CHANGES:]
        kept = [c for c in kept if all(c.seq > d.seq for d in self.recent if d not in kept)]
        new = [Change(self.seq, now, card["id"], card) for card in cards]
        new += [Change(self.seq, now, image_id, None) for image_id in gone]
        since = (kept[0].seq if kept else self.seq) - 1
        self.recent = kept + new
        latest = {change.id: change.card for change in self.recent}
        return {
            "since": since,
            "seq": self.seq,
            "cards": [card for card in latest.values() if card is not None],
            "gone": [image_id for image_id, card in latest.items() if card is None],
        }


@dataclass
class LiveTab:
    """A tab that is connected to this process and shows a list."""

    wanted: Wanted = field(default_factory=Wanted)
    patches: Patches = field(default_factory=Patches)


live_tabs: dict[str, LiveTab] = {}
"""By the token of the tab."""


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
        return live_tabs.setdefault(self.router.session.client_token, LiveTab())

    def _show(
        self,
        cards: Iterable[Card],
        *,
        seq: int,
        start: int,
        count: int,
        wanted: Wanted | None = None,
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


async def set_in_page(app: rx.App, token: str, state: type[rx.State], **values: Any) -> None:
    """Set vars of a tab in its page, and there only: its state is neither read nor written."""
    delta = {state.get_full_name(): {name + FIELD_MARKER: v for name, v in values.items()}}
    if app.event_namespace is not None:
        await app.event_namespace.emit_update(StateUpdate(delta=delta), token)
