// Which pictures are selected: some, by their ids, or all that match what is looked for but some. No
// page in it: the grid, the bar and the keyboard call it and are told of changes.

class Selection {
  #ids = new Set();
  #everything = false; // then the ids are those that are left out
  #pending = new Set(); // pictures that are on their way out of the list
  #listeners = new Set();
  #version = 0;
  anchor = null; // where a range begins

  has = (id) => this.#ids.has(id) !== this.#everything;
  isPending = (id) => this.#pending.has(id);
  size = (total) => (this.#everything ? Math.max(0, total - this.#ids.size) : this.#ids.size);

  get empty() {
    return !this.#everything && !this.#ids.size;
  }

  get all() {
    return this.#everything;
  }

  // What a server is told: {images} or {query, except}.
  chosen = (query) =>
    this.#everything ? { query, except: [...this.#ids] } : { images: [...this.#ids] };

  toggle(id) {
    if (!this.#ids.delete(id)) this.#ids.add(id);
    this.anchor = id;
    this.#changed();
  }

  add(ids) {
    for (const id of ids) this.#everything ? this.#ids.delete(id) : this.#ids.add(id);
    this.#changed();
  }

  remove(ids) {
    for (const id of ids) this.#everything ? this.#ids.add(id) : this.#ids.delete(id);
    this.#changed();
  }

  // They are not in the list any more. Of everything, what is left out stays so if it comes back.
  forget(ids) {
    if (this.#everything) return;
    let known = false;
    for (const id of ids) known = this.#ids.delete(id) || known;
    if (known) this.#changed();
  }

  everything() {
    this.#ids.clear();
    this.#everything = true;
    this.#changed();
  }

  clear() {
    if (this.empty) return;
    this.#ids.clear();
    this.#everything = false;
    this.anchor = null;
    this.#changed();
  }

  // Pictures vanish at once, and come back if what was to be done with them fails.
  hide(ids) {
    for (const id of ids) this.#pending.add(id);
    this.#changed();
  }

  // The list changed: what left it may come back one day, and is then to be seen.
  settle(isThere) {
    for (const id of this.#pending) if (!isThere(id)) this.#pending.delete(id);
  }

  show() {
    if (!this.#pending.size) return;
    this.#pending.clear();
    this.#changed();
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  snapshot = () => this.#version;

  #changed() {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}

export const selection = new Selection();

// The ids from one picture to another, by their positions, as far as they are loaded; and whether
// that is all of them.
export function idsBetween(slots, from, to) {
  const ids = [];
  let whole = true;
  for (let at = Math.min(from, to); at <= Math.max(from, to); at += 1) {
    if (slots[at]?.local) continue; // it is still being sent
    if (slots[at]) ids.push(slots[at].id);
    else whole = false;
  }
  return { ids, whole };
}
