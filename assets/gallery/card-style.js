// A card's style: where it is, and what stands in its place until its thumbnail is there.

import { placeholder } from "./placeholders.js";

const known = new WeakMap();

// The same object until something in it changed (memo): a card is drawn again only when it changes.
// `src` is the card's picture from its file, where this page has that.
export function styleOf(card, place, src) {
  const ground = src ? `url("${src}")` : placeholder(card.placeholder);
  const style = { ...place, "--placeholder": ground };
  const before = known.get(card);
  if (before && Object.keys(style).every((name) => style[name] === before[name])) return before;
  known.set(card, style);
  return style;
}
