// A small picture of a file on this machine, for rows in view only: one is decoded at a time, off
// the main thread, and none that was scrolled past.

import { useEffect, useRef, useState } from "react";

const SETTLE_MS = 150;
const WIDTH = 96;
const MOST_BYTES = 40 * 1024 * 1024;

let turn = Promise.resolve();

function draw(file, canvas, job) {
  turn = turn.then(async () => {
    if (job.ended) return;
    try {
      const options = { resizeWidth: WIDTH, resizeQuality: "medium" };
      const bitmap = await createImageBitmap(file, options);
      if (job.ended) return bitmap.close();
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
      job.onDrawn();
    } catch {
      // A format that the browser cannot show; the icon stays.
    }
  });
}

export function LocalThumbnail({ file, children }) {
  const canvas = useRef(null);
  const [drawn, setDrawn] = useState(false);
  useEffect(() => {
    if (file.size > MOST_BYTES) return undefined;
    const job = { ended: false, onDrawn: () => setDrawn(true) };
    const timer = setTimeout(() => draw(file, canvas.current, job), SETTLE_MS);
    return () => {
      job.ended = true;
      clearTimeout(timer);
    };
  }, [file]);
  return (
    <>
      <canvas ref={canvas} width="1" height="1" hidden={!drawn} aria-hidden="true" />
      {!drawn && children}
    </>
  );
}
