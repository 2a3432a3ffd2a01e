// An Uppy plugin: each file is announced to our server, sent straight to the bucket with the
// presigned requests of its answer, and completed. Uppy's own plugin for S3 wants to create, list
// and complete uploads in parts itself; here the server does, and looks at what arrived.

import { BasePlugin, EventManager } from "@uppy/core";
import {
  fetcher,
  filterFilesToEmitUploadStarted,
  filterFilesToUpload,
  TaskQueue,
} from "@uppy/core/utils";
import { AT_ONCE, obeyRetryAfter, worthAnotherTry } from "$/public/tries.js";

const ENDPOINT = "/api/uploads";
const MOST_HASHED_BYTES = 64 * 1024 * 1024;
// Answers of our server after which the way through it is taken.
const NOT_DIRECT = new Set(["direct_uploads_unavailable", "too_many_uploads"]);

class Blocked extends Error {}

function codeOf(request) {
  try {
    return JSON.parse(request.responseText).code;
  } catch {
    return undefined;
  }
}

async function ask(method, path, { signal, body } = {}) {
  const answer = await fetcher(`${ENDPOINT}${path}`, {
    method,
    signal,
    body: body === undefined ? null : JSON.stringify(body),
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    timeout: 0,
    shouldRetry: worthAnotherTry,
    onAfterResponse: obeyRetryAfter,
  });
  return { status: answer.status, body: answer.responseText ? JSON.parse(answer.responseText) : null };
}

async function put(url, data, headers, onSent, signal) {
  try {
    await fetcher(url, {
      method: "PUT",
      body: data,
      headers,
      signal,
      timeout: 0,
      shouldRetry: worthAnotherTry,
      onAfterResponse: obeyRetryAfter,
      onUploadProgress: (event) => onSent(event.loaded),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Blocked("The bucket did not take the file", { cause: error });
  }
}

// What the person has already need not be sent. Browsers hash on secure pages only.
async function hashOf(data) {
  if (!globalThis.crypto?.subtle || data.size > MOST_HASHED_BYTES) return undefined;
  const digest = await crypto.subtle.digest("SHA-256", await data.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class DirectUpload extends BasePlugin {
  #queue = new TaskQueue({ concurrency: AT_ONCE });
  #unfinished = new Map(); // upload ids of rows whose completion is to be tried again

  constructor(uppy, options) {
    super(uppy, options);
    this.id = "DirectUpload";
    this.type = "uploader";
  }

  install() {
    this.uppy.addUploader(this.#uploadAll);
  }

  uninstall() {
    this.uppy.removeUploader(this.#uploadAll);
  }

  #uploadAll = async (ids) => {
    const files = filterFilesToUpload(this.uppy.getFilesByIds(ids));
    this.uppy.emit("upload-start", filterFilesToEmitUploadStarted(files));
    await Promise.allSettled(files.map((file) => this.#upload(file)));
  };

  async #upload(file) {
    const events = new EventManager(this.uppy);
    const removed = new AbortController();
    events.onFileRemove(file.id, () => removed.abort());
    events.onCancelAll(file.id, () => removed.abort());
    try {
      const body = await this.#queue.add((signal) =>
        this.#carry(file, AbortSignal.any([signal, removed.signal])),
      );
      this.uppy.emit("upload-success", this.uppy.getFile(file.id), { status: 200, body });
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error instanceof Blocked || NOT_DIRECT.has(codeOf(error.request)))
        this.uppy.emit("direct-blocked", file);
      else this.uppy.emit("upload-error", this.uppy.getFile(file.id), error, error.request);
    } finally {
      events.remove();
    }
  }

  async #carry(file, signal) {
    signal.throwIfAborted();
    const begun = (await this.#resume(file, signal)) ?? (await this.#begin(file, signal));
    if (begun.images) return begun;
    try {
      await this.#send(file, begun, signal);
    } catch (error) {
      this.#abandon(file, begun.id);
      throw error;
    }
    this.#unfinished.set(file.id, begun.id);
    const { body } = await ask("POST", `/${begun.id}/complete`, { signal });
    this.#unfinished.delete(file.id);
    return body;
  }

  async #begin(file, signal) {
    const sha256 = await hashOf(file.data);
    signal.throwIfAborted();
    const { status, body } = await ask("POST", "", {
      signal,
      body: { filename: file.name, size: file.data.size, sha256 },
    });
    return status === 200 ? { images: [body] } : body;
  }

  // Only what is missing of an upload that was not completed; null if there is none.
  async #resume(file, signal) {
    const id = this.#unfinished.get(file.id);
    if (!id) return null;
    try {
      const { body: upload } = await ask("GET", `/${id}`, { signal });
      const numbers = upload.parts.filter((part) => !part.arrived).map((part) => part.number);
      if (upload.state !== "open" || !numbers.length) return { id, parts: [] };
      return (await ask("POST", `/${id}/parts`, { signal, body: { numbers } })).body;
    } catch (error) {
      if (error.request?.status !== 404) throw error;
      this.#unfinished.delete(file.id);
      return null;
    }
  }

  async #send(file, begun, signal) {
    const total = file.data.size;
    const report = (bytesUploaded) =>
      this.uppy.getFile(file.id) &&
      this.uppy.emit("upload-progress", this.uppy.getFile(file.id), {
        uploadStarted: file.progress.uploadStarted ?? 0,
        bytesUploaded,
        bytesTotal: total,
      });
    if (begun.url) await put(begun.url, file.data, begun.headers, report, signal);
    let sent = total - begun.parts.reduce((sum, part) => sum + part.size, 0);
    for (const part of begun.parts) {
      const start = (part.number - 1) * begun.part_size;
      const data = file.data.slice(start, start + part.size);
      const before = sent;
      await put(part.url, data, begun.headers, (loaded) => report(before + loaded), signal);
      sent += part.size;
    }
    report(total);
  }

  // Also when it was cancelled: the server removes what arrived. It would by itself after a day.
  #abandon(file, id) {
    this.#unfinished.delete(file.id);
    fetch(`${ENDPOINT}/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});
  }
}
