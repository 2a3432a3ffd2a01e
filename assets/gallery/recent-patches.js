// Recent patches: remembers which cards changed lately, for windows that were read before (cache).
const MOST_REMEMBERED = 500;

// What changed lately, by id: after which patch, and the card, or null where it went. A window that
// was read before a patch may come after it.
export class Recent {
  #changes = new Map();

  note({ seq, cards, gone }) {
    for (const card of cards) this.#set(card.id, { seq, card });
    for (const id of gone) this.#set(id, { seq, card: null });
    for (const id of this.#changes.keys()) {
      if (this.#changes.size <= MOST_REMEMBERED) break;
      this.#changes.delete(id);
    }
  }

  // The window with what is newer, and whether something of it is gone.
  renew(window) {
    const newer = (id) => {
      const change = this.#changes.get(id);
      return change && change.seq > window.seq ? change : null;
    };
    const gone = window.cards.some(({ id }) => newer(id)?.card === null);
    return { gone, window: { ...window, cards: window.cards.map((card) => newer(card.id)?.card ?? card) } };
  }

  // What changed after a window was read, as a patch: it came before the window, and to another list.
  since(seq) {
    const newer = [...this.#changes].filter(([, change]) => change.seq > seq);
    return {
      cards: newer.map(([, { card }]) => card).filter(Boolean),
      gone: newer.filter(([, { card }]) => !card).map(([id]) => id),
    };
  }

  #set(id, change) {
    this.#changes.delete(id);
    this.#changes.set(id, change);
  }
}
