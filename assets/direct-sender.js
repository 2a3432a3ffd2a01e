// Uppy, set up for a bucket that takes files from this page.

import { Uppy } from "@uppy/core";
import { DirectUpload } from "$/public/direct-upload.js";

export function createSender() {
  return new Uppy({
    autoProceed: true,
    logger: { debug() {}, warn() {}, error() {} },
    // Rows have ids of their own: the same file may be sent again.
    onBeforeFileAdded: (file) => ({ ...file, id: file.meta.row }),
  }).use(DirectUpload);
}
