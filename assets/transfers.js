// The files being sent and what became of them: a row for each, with its name, how far it is and how
// it ended. They go through the server or, where it takes them, straight to the bucket; the sender
// is loaded when it is first needed.

import { problemOf, refusal, result } from "$/public/outcomes.js";

const REDRAW_MS = 100;
const SENDERS = {
  server: () => import("$/public/sender.js"),
  direct: () => import("$/public/direct-sender.js"),
};

export const BUSY = new Set(["waiting", "sending", "saving"]);

export class Transfers {
  #senders = {};
  #loading = {};
  #blocked = false;
  #rows = new Map();
  #listeners = new Set();
  #snapshot = [];
  #redraw = null;
  #serial = 0;
  maxBytes = Infinity;
  direct = false; // whether the bucket takes files from this page

  add(files) {
    if (![...this.#rows.values()].some((row) => BUSY.has(row.state))) this.#rows.clear();
    const sendable = [];
    for (const file of files) {
      const id = `row-${++this.#serial}`;
      const reason = problemOf(file, this.maxBytes);
      const row = { id, file, name: file.name, size: file.size, progress: 0 };
      this.#rows.set(id, reason ? { ...row, state: "refused", reason } : { ...row, state: "waiting" });
      if (!reason) sendable.push(id);
    }
    this.#changed();
    this.#send(sendable);
  }

  cancel(id) {
    this.#rows.delete(id);
    this.#forget(id);
    this.#changed();
  }

  cancelAll() {
    for (const row of this.#snapshot) if (BUSY.has(row.state)) this.cancel(row.id);
  }

  retry(id) {
    this.#set(id, { state: "waiting", progress: 0, reason: undefined, again: false });
    this.#send([id]);
  }

  retryAll() {
    for (const row of this.#snapshot) if (row.again) this.retry(row.id);
  }

  clear() {
    this.cancelAll();
    this.#rows.clear();
    this.#changed();
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  rows = () => this.#snapshot;

  prepare(way = this.#way()) {
    this.#loading[way] ??= SENDERS[way]().then(({ createSender }) => {
      const sender = createSender();
      this.#senders[way] = sender;
      sender.on("upload-progress", (file, progress) => this.#progressed(file.id, progress));
      sender.on("upload-success", (file, { body }) => this.#end(file.id, result(body)));
      sender.on("upload-error", (file, _, request) => this.#end(file.id, refusal(request)));
      sender.on("direct-blocked", (file) => this.#sendThroughServer(file.id));
    });
    return this.#loading[way];
  }

  #way() {
    return this.direct && !this.#blocked ? "direct" : "server";
  }

  async #send(ids) {
    const way = this.#way();
    await this.prepare(way);
    const files = ids.map((id) => this.#rows.get(id)).filter(Boolean);
    this.#senders[way].addFiles(
      files.map(({ id, file }) => ({
        name: file.name,
        type: file.type,
        data: file,
        meta: { row: id },
      })),
    );
  }

  // The browser could not reach the bucket (its rules changed, a network that blocks it): from now
  // on everything goes the way that always works.
  #sendThroughServer(id) {
    this.#blocked = true;
    this.#forget(id);
    this.#set(id, { state: "waiting", progress: 0 });
    this.#send([id]);
  }

  #forget(id) {
    for (const sender of Object.values(this.#senders))
      if (sender.getFile(id)) sender.removeFile(id);
  }

  #progressed(id, { bytesUploaded, bytesTotal }) {
    const progress = bytesTotal ? bytesUploaded / bytesTotal : 0;
    this.#set(id, { progress, state: progress >= 1 ? "saving" : "sending" });
  }

  #end(id, outcome) {
    this.#set(id, { progress: 1, again: false, ...outcome });
    this.#forget(id);
  }

  #set(id, values) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#rows.set(id, { ...row, ...values });
    this.#changed();
  }

  // Two thousand files report often; the list is drawn ten times a second.
  #changed() {
    this.#redraw ??= setTimeout(() => {
      this.#redraw = null;
      this.#snapshot = [...this.#rows.values()];
      for (const listener of this.#listeners) listener();
    }, REDRAW_MS);
  }
}
