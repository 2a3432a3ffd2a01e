// The files being sent and what became of them: a row for each, with its name, how far it is and how
// it ended. The sender is loaded when it is first needed.

import { problemOf, refusal, result } from "$/public/outcomes.js";

const REDRAW_MS = 100;

export const BUSY = new Set(["waiting", "sending", "saving"]);

export class Transfers {
  #sender = null;
  #loading = null;
  #rows = new Map();
  #listeners = new Set();
  #snapshot = [];
  #redraw = null;
  #serial = 0;
  maxBytes = Infinity;

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
    if (this.#sender?.getFile(id)) this.#sender.removeFile(id);
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

  prepare() {
    this.#loading ??= import("$/public/sender.js").then(({ createSender }) => {
      this.#sender = createSender();
      this.#sender.on("upload-progress", (file, progress) => this.#progressed(file.id, progress));
      this.#sender.on("upload-success", (file, { body }) => this.#end(file.id, result(body)));
      this.#sender.on("upload-error", (file, _, request) => this.#end(file.id, refusal(request)));
    });
    return this.#loading;
  }

  async #send(ids) {
    await this.prepare();
    const files = ids.map((id) => this.#rows.get(id)).filter(Boolean);
    this.#sender.addFiles(
      files.map(({ id, file }) => ({
        name: file.name,
        type: file.type,
        data: file,
        meta: { row: id },
      })),
    );
  }

  #progressed(id, { bytesUploaded, bytesTotal }) {
    const progress = bytesTotal ? bytesUploaded / bytesTotal : 0;
    this.#set(id, { progress, state: progress >= 1 ? "saving" : "sending" });
  }

  #end(id, outcome) {
    this.#set(id, { progress: 1, again: false, ...outcome });
    if (this.#sender.getFile(id)) this.#sender.removeFile(id);
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
