// The upload store: keeps what was being sent in the browser's database (IndexedDB). After a reload
// the page says what had not arrived, and a half-sent file goes on. Of one person only: what
// another left is removed, not shown.

const NAME = "imgapp-uploads"; // also in sign-out.js
const KEPT_MS = 7 * 24 * 3600 * 1000;
const WRITE_MS = 250;
const LOCK = "imgapp-uploads:";

const asked = (request) =>
  new Promise((done, fail) => {
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });

const settled = (transaction) =>
  new Promise((done, fail) => {
    transaction.oncomplete = done;
    transaction.onerror = transaction.onabort = () => fail(transaction.error);
  });

function openDatabase() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    // A page that sends files has a line in `pages`, and in `files` one for each that is not there yet.
    request.result.createObjectStore("pages", { keyPath: "page" });
    const files = request.result.createObjectStore("files", { keyPath: ["page", "key"] });
    files.createIndex("page", "page");
  };
  return asked(request);
}

// The same file picked again has the same key.
export const keyOf = (file) => `${file.name}|${file.size}|${file.lastModified}`;

// Other tabs that are open hold a lock each; without locks, none is known to be.
async function openPages() {
  try {
    const { held } = await navigator.locks.query();
    return new Set(held.map(({ name }) => name).filter((name) => name.startsWith(LOCK)));
  } catch {
    return new Set();
  }
}

export class UploadMemory {
  #page = globalThis.crypto?.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
  #person = "";
  #arrived = 0;
  #pending = new Map();
  #timer = null;
  #database = null;

  // What pages of this person that are closed left: how many files had arrived, and the others.
  async open(person) {
    this.#person = person;
    try {
      this.#database = await openDatabase();
      this.#database.onversionchange = () => this.#close();
      navigator.locks?.request(`${LOCK}${this.#page}`, () => new Promise(() => {}));
      return await this.#takeOver();
    } catch {
      this.#database = null; // a private window, or no room: nothing is remembered
      return { arrived: 0, files: [] };
    }
  }

  // A file is under way, refused or failed.
  keep(key, values) {
    this.#note(key, { ...values, key, page: this.#page });
  }

  // It arrived, or is not wanted any more.
  drop(key, { arrived = false } = {}) {
    if (arrived) this.#arrived += 1;
    this.#note(key, null);
  }

  // All is done.
  clear() {
    this.#pending.clear();
    this.#arrived = 0;
    this.#write((pages, files) => {
      pages.delete(this.#page);
      files.delete(IDBKeyRange.bound([this.#page], [this.#page, []]));
    });
  }

  #note(key, record) {
    this.#pending.set(key, record);
    this.#timer ??= setTimeout(() => this.flush(), WRITE_MS);
  }

  flush() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#pending.size) return;
    const changed = [...this.#pending];
    this.#pending.clear();
    this.#write((pages, files) => {
      pages.put({ page: this.#page, person: this.#person, arrived: this.#arrived, at: Date.now() });
      for (const [key, record] of changed) {
        if (record) files.put(record);
        else files.delete([this.#page, key]);
      }
    });
  }

  #write(change) {
    try {
      const transaction = this.#database?.transaction(["pages", "files"], "readwrite");
      if (transaction) change(transaction.objectStore("pages"), transaction.objectStore("files"));
    } catch {
      this.#close();
    }
  }

  #close() {
    this.#database?.close();
    this.#database = null;
  }

  async #takeOver() {
    const alive = await openPages();
    const transaction = this.#database.transaction(["pages", "files"], "readwrite");
    const done = settled(transaction);
    const [pages, files] = ["pages", "files"].map((name) => transaction.objectStore(name));
    const found = { arrived: 0, files: [] };
    for (const left of await asked(pages.getAll())) {
      const ours = left.person === this.#person;
      if (ours && (alive.has(LOCK + left.page) || left.page === this.#page)) continue;
      if (ours && Date.now() - left.at < KEPT_MS) {
        found.arrived += left.arrived;
        found.files.push(...(await asked(files.index("page").getAll(left.page))));
      }
      pages.delete(left.page);
      files.delete(IDBKeyRange.bound([left.page], [left.page, []]));
    }
    if (found.files.length) {
      this.#arrived = found.arrived;
      const line = { page: this.#page, person: this.#person, arrived: found.arrived };
      pages.put({ ...line, at: Date.now() });
      for (const record of found.files) files.put({ ...record, page: this.#page });
    }
    await done;
    return found;
  }
}
