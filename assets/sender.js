// Uppy, set up for this server: one request per file, three at a time.

import { Uppy } from "@uppy/core";
import XHRUpload from "@uppy/xhr-upload";
import { AT_ONCE, obeyRetryAfter, worthAnotherTry } from "$/public/tries.js";

const ENDPOINT = "/api/upload";

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
    shouldRetry: worthAnotherTry,
    onAfterResponse: obeyRetryAfter,
  });
}
