// Local pictures: small pictures of files that are being sent, from the files themselves, newest
// first (store). The gallery shows them where their cards will be, the panel in its rows.

import { headOf } from "./picture-head.js";

const HEAD_BYTES = 128 * 1024;
const READ_AT_ONCE = 32;
const MOST_PLACED = 600; // what would be further down comes with its card
// What the browser is given to decode itself.
const MOST_BYTES = 40 * 1024 * 1024;
const MOST_PIXELS = 100_000_000;

const decodable = ({ size }, { width = 0, height = 0 }) =>
  size <= MOST_BYTES && width * height <= MOST_PIXELS;

async function read({ id, name, file }) {
  const place = { id, name, imageId: null, width: 3, height: 2, src: null };
  try {
    const head = headOf(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
    if (head.width > 0 && head.height > 0)
      Object.assign(place, { width: head.width, height: head.height });
    const picture = head.thumbnail ? new Blob([head.thumbnail], { type: "image/jpeg" }) : file;
    place.whole = !head.thumbnail; // the browser decodes it once it is on the screen
    if (head.thumbnail || decodable(file, head)) place.src = URL.createObjectURL(picture);
  } catch {
    // It cannot be read: sending it says why.
  }
  return place;
}

const release = ({ src }) => src && URL.revokeObjectURL(src);

export class LocalPictures {
  #places = [];
  #begun = new Set(); // ids of rows that are being sent
  #coming = new Set(); // ids of rows that have no place yet, and are to get one
  #turn = Promise.resolve();
  #batch = 0;
  #listeners = new Set();

  // {id, name, imageId, width, height, src, whole}, newest first; `imageId` once it is a picture.
  // Another array whenever something changed.
  places = () => this.#places;
  of = (id) => this.#places.find((place) => place.id === id);

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  // Rows {id, name, file}, in the order in which they will be sent.
  add(rows) {
    const newest = rows.slice(-MOST_PLACED).reverse();
    for (const { id } of newest) this.#coming.add(id);
    const batch = (this.#batch += 1);
    this.#turn = this.#turn.then(() => this.#place(newest, batch));
    return this.#turn;
  }

  // From the top: what has a place keeps it, and the next come below.
  async #place(rows, batch) {
    this.settle();
    for (let at = 0; at < rows.length; at += READ_AT_ONCE) {
      const some = rows.slice(at, at + READ_AT_ONCE).filter(({ id }) => this.#coming.has(id));
      const found = (await Promise.all(some.map(read))).map((place) => ({ ...place, batch }));
      const still = found.filter((place) => this.#coming.delete(place.id) || release(place));
      const below = this.#places.findIndex((place) => place.batch !== batch);
      this.#set(this.#places.toSpliced(below < 0 ? this.#places.length : below, 0, ...still));
    }
    for (const { id } of rows) this.#coming.delete(id);
  }

  // It is being sent from now on.
  begin(id) {
    this.#begun.add(id);
  }

  // It is a picture, and keeps its place.
  arrive(id, imageId) {
    this.#coming.delete(id);
    this.#begun.delete(id);
    if (this.of(id)?.imageId === imageId) return;
    const taken = this.#places.find((place) => place.imageId === imageId && place.id !== id);
    // Its card was taken for that of another file with the same name.
    if (taken) this.#change(taken.id, { imageId: this.of(id)?.imageId ?? null });
    this.#change(id, { imageId });
  }

  // Cards that came, before the answers perhaps: whose they are can be told by their names.
  claim(cards) {
    for (const { id, filename } of cards) {
      const fits = (place) => this.#begun.has(place.id) && !place.imageId && place.name === filename;
      const place = this.#places.findLast(fits);
      if (place && !this.#places.some(({ imageId }) => imageId === id))
        this.#change(place.id, { imageId: id });
    }
  }

  // It does not become a new picture.
  drop(id) {
    this.#coming.delete(id);
    this.#begun.delete(id);
    const place = this.of(id);
    if (!place) return;
    release(place);
    this.#set(this.#places.filter((other) => other !== place));
  }

  // These pictures were removed from the list: their files stand there no more, either.
  leave(imageIds) {
    for (const imageId of imageIds) {
      const place = this.#places.find((one) => one.imageId === imageId);
      if (place) this.drop(place.id);
    }
  }

  // Pictures that came stand where the list has them from now on.
  settle() {
    const [settled, left] = [[], []];
    for (const place of this.#places) (place.imageId ? settled : left).push(place);
    if (!settled.length) return;
    settled.forEach(release);
    this.#set(left);
  }

  #change(id, values) {
    const at = this.#places.findIndex((place) => place.id === id);
    if (at >= 0) this.#set(this.#places.with(at, { ...this.#places[at], ...values }));
  }

  #set(places) {
    this.#places = places;
    for (const listener of this.#listeners) listener();
  }
}

// Those of this page.
export const localPictures = new LocalPictures();
