// Sends files, one request each, three at a time, and keeps a row for each: what it is called, how
// far it is, how it ended. Uppy does the sending; what the answers mean is decided here.

import { Uppy } from "@uppy/core";
import XHRUpload from "@uppy/xhr-upload";

const ENDPOINT = "/api/upload";
const AT_ONCE = 3;
const REDRAW_MS = 100;
const WORTH_ANOTHER_TRY = new Set([0, 429, 502, 503, 504]);
const LONGEST_WAIT_MS = 15_000;

export const BUSY = new Set(["waiting", "sending", "saving"]);

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function parsed(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

// How a refusal reads. `again` says whether trying once more makes sense.
export function refusal(request) {
  const body = request ? parsed(request) : {};
  const status = request?.status ?? 0;
  const said = body.rejected?.[0]?.detail ?? body.detail;
  if (status === 401)
    return { state: "failed", reason: "You are signed out. Sign in again.", signedOut: true };
  if (status === 413) return { state: "refused", reason: said ?? "The file is too large" };
  if (status === 422) return { state: "refused", reason: said ?? "The file was not accepted" };
  if (status === 429) return { state: "failed", reason: "Too many at once. Try again.", again: true };
  if (status === 0)
    return { state: "failed", reason: "The connection was lost. Try again.", again: true };
  return { state: "failed", reason: said ?? `The server answered ${status}`, again: true };
}

// How an answer with status 202 reads.
export function result(body) {
  const image = body?.images?.[0];
  if (!image) {
    const reason = body?.rejected?.[0]?.detail ?? "The file was not accepted";
    return { state: "refused", reason };
  }
  return {
    state: image.duplicate ? "duplicate" : "done",
    imageId: image.id,
    thumb: image.urls?.thumbnail,
  };
}

// What is wrong with a file before it is sent.
export function problemOf(file, maxBytes) {
  if (file.size === 0) return "The file is empty";
  if (file.size > maxBytes) return `Larger than ${Math.round(maxBytes / 1024 / 1024)} MB`;
  return null;
}

export class Transfers {
  #rows = new Map();
  #listeners = new Set();
  #snapshot = [];
  #redraw = null;
  #serial = 0;
  maxBytes = Infinity;

  constructor() {
    this.#uppy = new Uppy({
      autoProceed: true,
      logger: { debug() {}, warn() {}, error() {} },
      onBeforeFileAdded: (file) => ({ ...file, id: file.meta.row }),
    }).use(XHRUpload, {
      endpoint: ENDPOINT,
      fieldName: "files",
      allowedMetaFields: [],
      limit: AT_ONCE,
      timeout: 0,
      shouldRetry: (request) => WORTH_ANOTHER_TRY.has(request.status),
      onAfterResponse: (request) => this.#obeyRetryAfter(request),
    });
    this.#uppy.on("upload-progress", (file, progress) => this.#progressed(file.id, progress));
    this.#uppy.on("upload-success", (file, response) => this.#end(file.id, result(response.body)));
    this.#uppy.on("upload-error", (file, _error, request) => this.#end(file.id, refusal(request)));
  }

  #uppy;

  add(files) {
    if (![...this.#rows.values()].some((row) => BUSY.has(row.state))) this.#rows.clear();
    const sendable = [];
    for (const file of files) {
      const id = `row-${++this.#serial}`;
      const reason = problemOf(file, this.maxBytes);
      const row = { id, file, name: file.name, size: file.size, progress: 0 };
      this.#rows.set(id, reason ? { ...row, state: "refused", reason } : { ...row, state: "waiting" });
      if (!reason) sendable.push(this.#described(id, file));
    }
    this.#changed();
    if (sendable.length) this.#uppy.addFiles(sendable);
  }

  cancel(id) {
    this.#rows.delete(id);
    if (this.#uppy.getFile(id)) this.#uppy.removeFile(id);
    this.#changed();
  }

  cancelAll() {
    for (const row of this.#snapshot) if (BUSY.has(row.state)) this.cancel(row.id);
  }

  retry(id) {
    const row = this.#rows.get(id);
    this.#set(id, { state: "waiting", progress: 0, reason: undefined });
    this.#uppy.addFiles([this.#described(id, row.file)]);
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

  #described(id, file) {
    return { name: file.name, type: file.type, data: file, meta: { row: id } };
  }

  #progressed(id, { bytesUploaded, bytesTotal }) {
    const progress = bytesTotal ? bytesUploaded / bytesTotal : 0;
    this.#set(id, { progress, state: progress >= 1 ? "saving" : "sending" });
  }

  #end(id, outcome) {
    this.#set(id, { progress: 1, again: false, ...outcome });
    if (this.#uppy.getFile(id)) this.#uppy.removeFile(id);
  }

  #set(id, values) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#rows.set(id, { ...row, ...values });
    this.#changed();
  }

  async #obeyRetryAfter(request) {
    if (request.status !== 429 && request.status !== 503) return;
    const seconds = Number(request.getResponseHeader("Retry-After")) || 0;
    await sleep(Math.min(seconds * 1000, LONGEST_WAIT_MS));
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
