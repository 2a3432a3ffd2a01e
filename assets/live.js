// The window of cards that a page shows, kept up to date by small patches.
//
// The server sends a window once, `{seq, more, newer, cards}`, and then patches `{since, seq, cards, gone}`: all
// that changed after `since` up to `seq`. Cards are put in their place, newest first.

import { useEffect, useRef } from "react";

const newestFirst = (a, b) =>
  a.uploaded_at === b.uploaded_at
    ? b.id.localeCompare(a.id)
    : b.uploaded_at.localeCompare(a.uploaded_at);

function merged(cards, patch, { more, newer }) {
  const byId = new Map(cards.map((card) => [card.id, card]));
  const [first, last] = [cards.at(0), cards.at(-1)];
  let moved = false;
  for (const card of patch.cards) {
    const known = byId.has(card.id);
    // A picture beyond the end of the window belongs to a part that is not loaded yet.
    if (!known && more && last && newestFirst(card, last) > 0) continue;
    // Nor does one above a window that does not start with the newest.
    if (!known && newer && first && newestFirst(card, first) < 0) continue;
    moved ||= !known;
    byId.set(card.id, card);
  }
  for (const id of patch.gone) byId.delete(id);
  const result = [...byId.values()];
  return moved ? result.sort(newestFirst) : result;
}

export function useLiveCards(shown, patch) {
  const live = useRef({ shown: null, seq: -1, cards: [] });
  if (live.current.shown !== shown) {
    live.current = { shown, seq: shown.seq, cards: shown.cards };
  }
  if (patch.seq > live.current.seq) {
    live.current = {
      shown,
      seq: patch.seq,
      cards: merged(live.current.cards, patch, shown),
    };
  }
  return live.current.cards;
}

// Renders nothing; asks for the window again when a patch was missed.
export function PatchGap({ shown, patch, onGap }) {
  const seen = useRef({ shown: null, seq: -1 });
  useEffect(() => {
    if (seen.current.shown !== shown) seen.current = { shown, seq: shown.seq };
    if (patch.seq <= seen.current.seq) return;
    const missed = patch.since > seen.current.seq;
    seen.current = { shown, seq: patch.seq };
    if (missed) onGap();
  }, [shown, patch, onGap]);
  return null;
}
