// The picture list: a person's pictures as the page knows them, how many there are on which day and
// how wide each is (the timeline), and the cards of some parts of it. Cards come in blocks and
// change by patches.

import { byteOf, ratioOf } from "./grid-layout.js";
import { dateOf, dayKey } from "../shell/times.js";

const BLOCK = 60;
const MOST_ASKED = 120;
const MOST_KEPT = 600;

const compare = (a, b) =>
  a.uploaded_at === b.uploaded_at
    ? a.id < b.id ? -1 : a.id > b.id ? 1 : 0
    : a.uploaded_at < b.uploaded_at ? -1 : 1;

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// Which comes first, where that can be told from two cards.
const orders = { newest: (a, b) => compare(b, a), oldest: compare };

export class PictureList {
  slots = []; // the card at a position, or undefined
  ratios = []; // width by height at a position
  days = []; // {key, count}, in the order of the list; what is of no day has no key
  stale = new Set(); // ids of cards to be read again before they are relied on
  sort = "newest";
  edition = null;
  query = null;
  sized = false; // whether its length is known
  arranged = false; // whether the width of every picture is known
  #at = new Map();

  get length() {
    return this.slots.length;
  }

  // Whether every card is here, and it is known that there are no more.
  get complete() {
    return this.sized && this.#at.size === this.slots.length;
  }

  positionOf(id) {
    return this.#at.get(id) ?? -1;
  }

  // As in arriving-pictures.js, where it stands for a list with something in front of it.
  inList(first, end) {
    return [first, end];
  }

  // A window as the server reads it: {edition, query, sort, start, found, cards}.
  take(window) {
    if (window.query !== this.query) this.#clear(window);
    if (window.edition !== this.edition) for (const id of this.#at.keys()) this.stale.add(id);
    this.edition = window.edition;
    if (window.found !== null) this.sized = true;
    if (window.found !== null && window.found !== this.length) this.#resize(window.found);
    this.#put(window.start, window.cards);
    // The server reads to the end: there is nothing after what it sent short.
    if (window.short) {
      this.sized = true;
      this.#resize(window.start + window.cards.length);
    }
    this.#nameDays();
  }

  // The timeline: {total, days: [{date, count}], ratios: base64}.
  arrange({ total, days, ratios }) {
    const known = this.sized;
    this.sized = true;
    this.arranged = true;
    const bytes = Uint8Array.from(atob(ratios), (character) => character.charCodeAt(0));
    if (total !== this.length) {
      this.#resize(total);
      if (known) for (const id of this.#at.keys()) this.stale.add(id);
    }
    this.ratios = Array.from(bytes, ratioOf);
    this.days = days.map(({ date, count }) => ({ key: date ? dayKey(dateOf(date)) : "", count }));
    this.#index();
  }

  // {cards, gone}: what changed. Says whether the list as a whole has to be read again, since
  // something came or went at a place that is not known here.
  patch({ cards, gone }, { counted = false } = {}) {
    let unsure = false;
    for (const card of cards) {
      const at = this.positionOf(card.id);
      if (at >= 0) {
        // Patches repeat what came lately; what is the same is not drawn again.
        if (!same(this.slots[at], card)) this.slots[at] = card;
        this.stale.delete(card.id);
      } else unsure = !this.#insert(card) || unsure;
    }
    for (const id of gone) {
      const at = this.positionOf(id);
      if (at >= 0) this.#remove(at);
      else unsure = true;
    }
    return unsure && (counted || !this.complete);
  }

  // The next block to ask for, for the positions from `first` to `end`: {start, count}, or null.
  wanted(first, end) {
    const missing = (at) => {
      const card = this.slots[at];
      return card === undefined || this.stale.has(card.id);
    };
    let from = Math.max(0, first);
    const to = Math.min(end, this.length);
    while (from < to && !missing(from)) from += 1;
    if (from >= to) return null;
    const start = Math.floor(from / BLOCK) * BLOCK;
    let last = to - 1;
    while (last > from && !missing(last)) last -= 1;
    const count = Math.min(MOST_ASKED, Math.ceil((last + 1 - start) / BLOCK) * BLOCK);
    return { start, count };
  }

  // Forget cards that are far from the positions that are looked at, but not the one at `held`.
  forget(first, end, held = null) {
    if (this.#at.size <= MOST_KEPT) return;
    const middle = (first + end) / 2;
    const far = [...this.#at]
      .filter(([, at]) => at !== held)
      .sort((a, b) => Math.abs(b[1] - middle) - Math.abs(a[1] - middle));
    for (const [id, at] of far.slice(0, this.#at.size - MOST_KEPT)) {
      this.slots[at] = undefined;
      this.#at.delete(id);
      this.stale.delete(id);
    }
  }

  remove(ids) {
    for (const id of ids) if (this.positionOf(id) >= 0) this.#remove(this.positionOf(id));
  }

  #clear({ query, sort }) {
    Object.assign(this, { slots: [], ratios: [], days: [], query, sort, sized: false, arranged: false });
    this.stale.clear();
    this.#at.clear();
  }

  #resize(total) {
    const before = this.length;
    for (let at = total; at < before; at += 1) {
      const card = this.slots[at];
      if (card) this.#at.delete(card.id);
    }
    this.slots.length = total;
    this.ratios.length = total;
  }

  #put(start, cards) {
    for (const [index, card] of cards.entries()) {
      const at = start + index;
      const before = this.positionOf(card.id);
      if (before >= 0 && before !== at) this.slots[before] = undefined;
      const other = this.slots[at];
      if (other && other.id !== card.id) this.#at.delete(other.id);
      this.slots[at] = card;
      this.ratios[at] = ratioOf(byteOf(card.width, card.height));
      this.#at.set(card.id, at);
      this.stale.delete(card.id);
    }
  }

  // Says whether it is known where the card goes (or that it goes beyond what there is).
  #insert(card) {
    const order = orders[this.sort];
    if (!order) return false;
    let at = 0;
    while (at < this.length && this.slots[at] && order(this.slots[at], card) < 0) at += 1;
    if (at < this.length && !this.slots[at]) return false;
    this.slots.splice(at, 0, card);
    this.ratios.splice(at, 0, ratioOf(byteOf(card.width, card.height)));
    this.#count(card, at);
    this.#index();
    return true;
  }

  #remove(at) {
    let first = 0;
    const day = this.days.findIndex(({ count }) => (first += count) > at);
    if (day >= 0) {
      const { count } = this.days[day];
      this.days = this.days.with(day, { ...this.days[day], count: count - 1 });
      if (count === 1) this.days = this.days.toSpliced(day, 1);
    }
    this.stale.delete(this.slots[at]?.id);
    this.slots.splice(at, 1);
    this.ratios.splice(at, 1);
    this.#index();
  }

  #count(card, at) {
    const key = dayKey(new Date(card.uploaded_at));
    const known = this.days.findIndex((day) => day.key === key);
    if (known >= 0) {
      const day = this.days[known];
      this.days = this.days.with(known, { ...day, count: day.count + 1 });
      return;
    }
    let first = 0;
    let before = 0;
    while (before < this.days.length && first < at) first += this.days[before++].count;
    this.days = this.days.toSpliced(before, 0, { key, count: 1 });
  }

  // Until the timeline is there: days from the cards, and what is not known yet after them.
  #nameDays() {
    const counted = this.days.reduce((sum, { count }) => sum + count, 0);
    if (counted === this.length && !this.complete) return;
    const days = [];
    let known = 0;
    for (; known < this.length && this.slots[known]; known += 1) {
      const key = orders[this.sort] ? dayKey(new Date(this.slots[known].uploaded_at)) : "";
      if (days.at(-1)?.key !== key) days.push({ key, count: 0 });
      days.at(-1).count += 1;
    }
    if (known < this.length) {
      const rest = this.length - known;
      if (days.length) days.at(-1).count += rest;
      else days.push({ key: "", count: rest });
    }
    this.days = days;
  }

  #index() {
    this.#at.clear();
    this.slots.forEach((card, at) => card && this.#at.set(card.id, at));
  }
}
