"""Live cards: the page holds a window of them, and a push carries only what changed.

Reflex sends a var whole whenever it changes, so the window is sent once and changes travel in a
small var beside it, which the browser merges (`assets/live.js`). Patches are numbered: a page that
missed one notices the gap and asks for its window again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import reflex as rx
from reflex.vars import VarData
from reflex.vars.base import Var

from imgapp.ui.cards import Card

_MODULE = "$/public/live.js"
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
    """The part of a page's state that shows a window of cards and keeps it live."""

    shown: dict[str, Any] = {"seq": 0, "more": False, "cards": []}
    """The window as last read: cards, newest first, and whether there are older ones."""
    patch: dict[str, Any] = {"since": 0, "seq": 0, "cards": [], "gone": []}
    """What changed since the window was read."""
    total: int = 0
    _patches: Patches = Patches()

    def _show(self, cards: Iterable[Card], *, more: bool, total: int) -> None:
        """Show a window that was just read from the database."""
        cards_as_dicts = [asdict(card) for card in cards]
        self.shown = {"seq": self._patches.seq, "more": more, "cards": cards_as_dicts}
        self.total = total

    def _apply_changes(self, cards: Iterable[Card], gone: Iterable[str], total: int | None) -> None:
        """Push changed cards and the ids of those that are gone; `total` where it changed."""
        self.patch = self._patches.push(cards, gone)
        if total is not None:
            self.total = total

    def _ask_to_reload(self) -> None:
        """Changes were missed on the way here: skip a number, so that the page asks again."""
        self._patches.seq += 1
        self._apply_changes([], [], None)


def live_cards(window: Var, patch: Var) -> Var[list[Card]]:
    """The cards of the window with the patches merged in: a Var for `rx.foreach`."""
    hook = f"const liveCards = useLiveCards({window!s}, {patch!s});"
    return Var(
        _js_expr="liveCards",
        _var_type=list[Card],
        _var_data=VarData.merge(
            window._get_all_var_data(),
            patch._get_all_var_data(),
            VarData(imports={_MODULE: rx.ImportVar(tag="useLiveCards")}, hooks={hook: None}),
        ),
    )


class PatchGap(rx.Component):
    """Fires `on_gap` when the page missed a patch."""

    library = _MODULE
    tag = "PatchGap"
    shown: rx.Var[dict]
    patch: rx.Var[dict]
    on_gap: rx.EventHandler[rx.event.no_args_event_spec]
