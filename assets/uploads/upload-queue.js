// The upload queue: sends files and keeps what became of them, a row for each, with its name, how
// far it is and how it ended. Thousands of rows are no different from ten: whatever changes costs
// what it changes.

import { failure, picture, problemOf } from "$/public/uploads/outcomes.js";
import { localPictures } from "$/public/uploads/local-pictures.js";
import { canHash, lookUp } from "$/public/uploads/known-files.js";
import { AT_ONCE } from "$/public/uploads/retry.js";
import { Tally } from "$/public/uploads/upload-tally.js";
import { Order } from "$/public/uploads/upload-order.js";
import { keyOf, UploadMemory } from "$/public/uploads/upload-store.js";

const REDRAW_MS = 200;
const LOOKED_UP_AT_ONCE = 50;
const LOOKED_UP_AHEAD = 100;
const SENDERS = {
  server: () => import("$/public/uploads/tus-sender.js"),
  direct: () => import("$/public/uploads/s3-sender.js"),
};

export const BUSY = new Set(["waiting", "sending", "saving"]);
const ARRIVED = new Set(["done", "duplicate"]);

export class Transfers {
  #rows = new Map();
  #order = new Order();
  #tally = new Tally();
  #memory = new UploadMemory();
  #missed = new Map(); // ids of rows whose files are to be picked again, by key
  #unchecked = [];
  #ready = [];
  #running = new Map(); // what ends a row that is being sent
  #checking = false;
  #blocked = false;
  #senders = {};
  #serial = 0;
  #whose = null; // resolved once it is known, and what they left is here
  #known = new Promise((resolve) => {
    this.#whose = resolve;
  });
  #redraw = null;
  #dirty = new Set();
  #listeners = new Set();
  #rowListeners = new Map();
  #view = null;
  maxBytes = Infinity;
  direct = false; // whether the bucket takes files from this page
  person = "";

  // Whose page this is; rows of theirs that were left when it was closed come back.
  open(person) {
    if (this.person) return;
    this.person = person;
    this.#memory.open(person).then(({ arrived, files }) => {
      for (const { key, ...left } of files) {
        if (this.#missed.has(key)) continue;
        const id = this.#newId();
        // Its file is gone with the page.
        const state = left.state === "refused" ? "refused" : "missed";
        this.#insert({ ...left, id, key, file: null, state });
        this.#missed.set(key, id);
      }
      if (files.length) this.#tally.arrivedBefore = arrived;
      this.#changed();
      this.#whose();
    });
  }

  async add(files) {
    await this.#known;
    const left = this.#tally.busy || this.#tally.of("missed") || this.#tally.of("failed");
    if (!left) this.#forgetAll();
    const added = [];
    for (const file of files) {
      const id = this.#newId();
      const key = keyOf(file);
      const before = this.#takeMissed(key);
      const reason = problemOf(file, this.maxBytes);
      const state = reason ? "refused" : "waiting";
      const row = { id, key, file, name: file.name, size: file.size, sent: 0, state, reason };
      this.#insert({ ...row, url: before?.url, sentSha256: before?.sha256 });
      this.#remember(this.row(id));
      if (reason) continue;
      this.#unchecked.push(id);
      added.push(row);
    }
    localPictures.add(added);
    this.#changed();
    this.#check();
  }

  cancel(id) {
    const row = this.row(id);
    if (!row) return;
    this.#remove(id);
    const running = this.#running.get(id);
    if (running) running.abort(new DOMException("Cancelled", "AbortError"));
    else if (row.url) this.#giveUp(row);
    this.#changed();
    this.#pump();
  }

  cancelAll() {
    this.#unchecked = [];
    this.#ready = [];
    for (const row of [...this.#rows.values()]) if (BUSY.has(row.state)) this.cancel(row.id);
  }

  retry(id) {
    const again = { state: "waiting", reason: undefined, again: false, signedOut: false };
    this.#set(id, again);
    localPictures.add([this.row(id)]);
    this.#ready.push(id);
    this.#pump();
  }

  retryAll() {
    for (const row of [...this.#rows.values()]) if (row.again) this.retry(row.id);
  }

  clear() {
    this.cancelAll();
    this.#forgetAll();
    this.#changed();
  }

  row = (id) => this.#rows.get(id);
  idAt = (index) => this.#order.at(index);

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  subscribeRow = (id, listener) => {
    this.#rowListeners.set(id, listener);
    return () => this.#rowListeners.get(id) === listener && this.#rowListeners.delete(id);
  };

  // What the panel says of all rows together; the same object until something changed.
  view = () => (this.#view ??= { ...this.#tally.summary(), rows: this.#order.size });

  get busy() {
    return this.#tally.busy > 0;
  }

  prepare() {
    return this.#sender(this.#way());
  }

  // Before they are sent, a few at a time: does the person have them already?
  async #check() {
    if (this.#checking) return;
    this.#checking = true;
    let most = AT_ONCE;
    while (this.#unchecked.length && this.#ready.length < LOOKED_UP_AHEAD) {
      const ids = this.#unchecked.splice(0, canHash() ? most : Infinity);
      const rows = ids.map(this.row).filter(Boolean);
      most = LOOKED_UP_AT_ONCE;
      if (canHash()) await this.#lookUp(rows);
      else this.#ready.push(...rows.map(({ id }) => id));
      this.#pump();
    }
    this.#checking = false;
  }

  async #lookUp(rows) {
    const { hashes, pictures } = await lookUp(rows, this.person);
    for (const { id, sentSha256 } of rows) {
      const sha256 = hashes.get(id);
      const known = sha256 && pictures.get(sha256);
      // What went on under the same name would be a mixture of two files.
      const begunAnew = sentSha256 && sentSha256 !== sha256 ? { url: undefined } : {};
      this.#set(id, { sha256, ...begunAnew });
      if (known) this.#end(id, picture({ ...known, duplicate: true }));
      else this.#ready.push(id);
    }
  }

  #pump() {
    while (this.#running.size < AT_ONCE && this.#ready.length) {
      const row = this.row(this.#ready.shift());
      if (row?.state === "waiting" && !this.#running.has(row.id)) this.#send(row);
    }
    if (this.#ready.length < AT_ONCE && this.#unchecked.length) this.#check();
  }

  async #send(row) {
    const { id } = row;
    const way = this.#way();
    const control = new AbortController();
    this.#running.set(id, control);
    localPictures.begin(id);
    try {
      const sender = await this.#sender(way);
      this.#end(id, await sender.send(this.row(id) ?? row, this.#ears(id, control.signal)));
    } catch (error) {
      if (!control.signal.aborted) this.#failed(id, error);
    } finally {
      this.#running.delete(id);
      this.#pump();
    }
  }

  #ears(id, signal) {
    return {
      person: this.person,
      signal,
      heard: (why) => {
        const waits = why ?? undefined;
        if (this.row(id)?.waits !== waits) this.#set(id, { waits });
      },
      onUrl: (url) => {
        this.#set(id, { url });
        if (this.row(id)) this.#remember(this.row(id));
      },
      onSent: (sent) => this.#progressed(id, sent),
    };
  }

  // The browser could not reach the bucket (its rules changed, a network that blocks it): from now
  // on everything goes the way that always works.
  #failed(id, error) {
    if (!error.blocked) return this.#end(id, failure(error));
    this.#blocked = true;
    this.#set(id, { state: "waiting", sent: 0, url: undefined, waits: undefined });
    this.#ready.unshift(id);
  }

  #way() {
    return this.direct && !this.#blocked ? "direct" : "server";
  }

  #sender(way) {
    this.#senders[way] ??= SENDERS[way]().catch((error) => {
      delete this.#senders[way]; // the connection was lost just then
      throw Object.assign(error, { status: 0 });
    });
    return this.#senders[way];
  }

  // An upload that is not being sent just now has bytes on the server all the same.
  #giveUp({ url }) {
    if (!url.includes("/api/tus/")) return;
    const headers = { "Tus-Resumable": "1.0.0", "Imgapp-Person": this.person };
    fetch(url, { method: "DELETE", keepalive: true, headers }).catch(() => {});
  }

  #progressed(id, sent) {
    const row = this.row(id);
    if (!row) return;
    const state = sent >= row.size ? "saving" : "sending";
    this.#set(id, { ...this.#tally.speedOf(row, sent), sent, state });
  }

  #end(id, outcome) {
    const row = this.row(id);
    if (!row) return;
    if (outcome.state === "done") localPictures.arrive(id, outcome.imageId);
    else localPictures.drop(id);
    this.#set(id, { sent: row.size, again: false, waits: undefined, speed: undefined, ...outcome });
    this.#remember(this.row(id));
    const left = this.#tally.busy || this.#tally.of("failed") || this.#tally.of("missed");
    if (!left) this.#memory.clear();
  }

  #remember({ key, name, size, sent, state, reason, sha256, url }) {
    if (ARRIVED.has(state)) this.#memory.drop(key, { arrived: true });
    else this.#memory.keep(key, { name, size, sent, state, reason, sha256, url });
  }

  #takeMissed(key) {
    const id = this.#missed.get(key);
    const row = id && this.row(id);
    if (row) this.#remove(id, { forget: false });
    this.#missed.delete(key);
    return row;
  }

  #newId() {
    this.#serial += 1;
    return `row-${this.#serial}`;
  }

  #insert(row) {
    this.#rows.set(row.id, row);
    this.#order.add(row.id, row.state);
    this.#tally.add(row);
  }

  #remove(id, { forget = true } = {}) {
    const row = this.row(id);
    this.#rows.delete(id);
    if (!ARRIVED.has(row.state)) localPictures.drop(id);
    this.#order.remove(id, row.state);
    this.#tally.remove(row);
    this.#missed.delete(row.key);
    if (forget) this.#memory.drop(row.key);
  }

  #forgetAll() {
    this.#rows.clear();
    this.#order.clear();
    this.#tally = new Tally();
    this.#missed.clear();
    this.#memory.clear();
  }

  #set(id, values) {
    const before = this.row(id);
    if (!before) return;
    const after = { ...before, ...values };
    this.#rows.set(id, after);
    this.#order.move(id, before.state, after.state);
    this.#tally.change(before, after);
    this.#dirty.add(id);
    this.#changed();
  }

  // Many files report often; what changed is drawn five times a second.
  #changed() {
    this.#redraw ??= setTimeout(() => {
      this.#redraw = null;
      this.#view = null;
      for (const id of this.#dirty) this.#rowListeners.get(id)?.();
      this.#dirty.clear();
      for (const listener of this.#listeners) listener();
    }, REDRAW_MS);
  }
}
