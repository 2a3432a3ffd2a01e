// Uppy, set up for this server: one request per file, three at a time.

import { Uppy } from "@uppy/core";
import XHRUpload from "@uppy/xhr-upload";

const ENDPOINT = "/api/upload";
const AT_ONCE = 3;
const WORTH_ANOTHER_TRY = new Set([0, 429, 502, 503, 504]);
const LONGEST_WAIT_MS = 15_000;

async function obeyRetryAfter(request) {
  if (request.status !== 429 && request.status !== 503) return;
  const seconds = Number(request.getResponseHeader("Retry-After")) || 0;
  const wait = Math.min(seconds * 1000, LONGEST_WAIT_MS);
  await new Promise((done) => setTimeout(done, wait));
}

export function createSender() {
  return new Uppy({
    autoProceed: true,
    logger: { debug() {}, warn() {}, error() {} },
    // Rows have ids of their own: the same file may be sent again.
    onBeforeFileAdded: (file) => ({ ...file, id: file.meta.row }),
  }).use(XHRUpload, {
    endpoint: ENDPOINT,
    fieldName: "files",
    allowedMetaFields: [],
    limit: AT_ONCE,
    timeout: 0,
    shouldRetry: (request) => WORTH_ANOTHER_TRY.has(request.status),
    onAfterResponse: obeyRetryAfter,
  });
}
