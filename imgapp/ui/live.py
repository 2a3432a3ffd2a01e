"""Live cards: the page reads windows of a list, and a push carries only what changed.

Reflex sends a var whole whenever it changes, so each window is sent once, and changes travel in a
small var beside it, which the browser merges (`assets/library.js`). Patches are numbered: a page
that missed one notices the gap and asks for its list again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import reflex as rx

from imgapp.services.wanted import Wanted
from imgapp.ui.cards import Card

_KEPT_SECONDS = 0.05
_KEPT_CHANGES = 12


@dataclass
class Change:
    """One card that changed, or went (`card` is None), and when."""

    seq: int
    at: float
    id: str
    card: dict[str, Any] | None


@dataclass
class Patches:
    """What changed lately. Kept a moment, in case the browser draws two pushes as one."""

    seq: int = 0
    recent: list[Change] = field(default_factory=list)

    def push(self, cards: Iterable[Card], gone: Iterable[str]) -> dict[str, Any]:
        """Add changes and return the patch to send."""
        now = time.monotonic()
        self.seq += 1
        kept = [c for c in self.recent if now - c.at < _KEPT_SECONDS][-_KEPT_CHANGES:]
        kept = [c for c in kept if all(c.seq > d.seq for d in self.recent if d not in kept)]
        new = [Change(self.seq, now, card.id, asdict(card)) for card in cards]
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


class LiveWindow(rx.State, mixin=True):
    """The part of a page's state that shows windows of a list of cards and keeps them live."""

    shown: dict[str, Any] = {"seq": 0, "edition": "", "query": "", "cards": []}
    """The window that was read last: a block of cards, and where in the list it begins. Another
    `edition` than before: what the page has of the list is to be read again."""
    patch: dict[str, Any] = {"since": 0, "seq": 0, "cards": [], "gone": []}
    """What changed since windows were read."""
    total: int = 0
    """All pictures of the person, found or not."""
    _patches: Patches = Patches()

    def _show(
        self,
        cards: Iterable[Card],
        *,
        start: int,
        count: int,
        wanted: Wanted | None = None,
        found: int | None = None,
    ) -> None:
        """Show a window that was just read; with `wanted` and `found`, the first of its list."""
        block = [asdict(card) for card in cards]
        window: dict[str, Any] = {
            "seq": self._patches.seq,
            "start": start,
            "found": found,
            "cards": block,
        }
        window["short"] = len(block) < count
        if wanted is not None:
            window |= {
                "edition": secrets.token_hex(4),
                "query": wanted.to_query(),
                "sort": wanted.sort.value,
            }
        self.shown = {**self.shown, **window}

    def _apply_changes(self, cards: Iterable[Card], gone: Iterable[str], total: int | None) -> None:
        """Push changed cards and the ids of those that are gone; `total` where it changed."""
        self.patch = self._patches.push(cards, gone)
        if total is not None:
            self.total = total

    def _ask_to_reload(self) -> None:
        """Changes were missed on the way here: skip a number, so that the page asks again."""
        self._patches.seq += 1
        self._apply_changes([], [], None)


searches: dict[str, Wanted] = {}
"""What the tabs that are connected to this process look for, where that is not all pictures."""


def look_for(token: str, wanted: Wanted) -> None:
    """Note what a tab looks for, so that it is told of what comes into its list or leaves it."""
    if wanted.filtered:
        searches[token] = wanted
    else:
        searches.pop(token, None)
