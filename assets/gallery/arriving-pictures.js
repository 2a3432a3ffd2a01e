// Arriving pictures: puts those that are being sent before a list, newest first, each where its card
// will be. A card that came takes the place of its file, whichever of them came first.

import { byteOf, ratioOf } from "./grid-layout.js";
import { dayKey } from "../shell/times.js";

// The list as it is shown: `places` of local-pictures.js first, where it is the list that they will
// come into, at the top of it.
export function withArriving(list, places, today = dayKey(new Date())) {
  const shown = places.length && list.edition && list.sort === "newest" && !list.query;
  return shown ? new Arriving(list, places, today) : list;
}

// Has of a PictureList what is read of it. A slot of it may be `{local: place, id}`.
class Arriving {
  #list;
  #front; // how many stand in front
  #cards; // where in the list those cards are that stand in front, ascending

  constructor(list, places, today) {
    this.#list = list;
    const { slots, ratios } = list;
    this.#cards = places
      .map(({ imageId }) => (imageId ? list.positionOf(imageId) : -1))
      .filter((at) => at >= 0)
      .sort((a, b) => a - b);
    const front = places.map((place) => {
      const at = place.imageId ? list.positionOf(place.imageId) : -1;
      return at < 0
        ? { slot: { local: place, id: place.id }, ratio: ratioOf(byteOf(place.width, place.height)) }
        : { slot: slots[at], ratio: ratios[at], place };
    });
    this.#front = front.length;
    this.slots = [...front.map(({ slot }) => slot), ...this.#without(slots)];
    this.ratios = [...front.map(({ ratio }) => ratio), ...this.#without(ratios)];
    // What a card has from its file, until its own picture is there.
    const came = front.filter(({ place }) => place?.src);
    this.fromFile = new Map(came.map(({ slot, place }) => [slot.id, place.src]));
    this.days = this.#dated(list.days, front.length - this.#cards.length, today);
    this.at = new Map(front.map(({ slot }, at) => [slot.id, at]));
  }

  get length() {
    return this.slots.length;
  }
  get query() {
    return this.#list.query;
  }
  get edition() {
    return this.#list.edition;
  }
  get arranged() {
    return this.#list.arranged;
  }
  get complete() {
    return this.#list.complete;
  }

  // All of them came, in the order that the list has.
  get settled() {
    const front = this.slots.slice(0, this.#front);
    return front.every((slot, at) => slot === this.#list.slots[at]);
  }

  positionOf(id) {
    if (this.at.has(id)) return this.at.get(id);
    const at = this.#list.positionOf(id);
    return at < 0 ? -1 : at + this.#front - this.#cards.filter((card) => card < at).length;
  }

  // From positions as they are shown to those of the list, end exclusive.
  inList(first, end) {
    const listed = (at) => this.#cards.reduce((to, card) => (card <= to ? to + 1 : to), at);
    return [
      first < this.#front ? 0 : listed(first - this.#front),
      end <= this.#front ? this.#cards.length : listed(end - 1 - this.#front) + 1,
    ];
  }

  #without(values) {
    const parts = [];
    let from = 0;
    for (const at of this.#cards) {
      parts.push(values.slice(from, at));
      from = at + 1;
    }
    return [].concat(...parts, values.slice(from)); // gaps stay gaps
  }

  #dated(days, count, today) {
    if (!count) return days;
    if (days[0]?.key !== today) return [{ key: today, count }, ...days];
    return days.with(0, { ...days[0], count: days[0].count + count });
  }
}
