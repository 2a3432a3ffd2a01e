// The way in for pictures: drop anywhere, click, paste, whole folders; and a panel that shows how
// each file fares. Anything with data-pick="files" or data-pick="folder" opens a file dialog.

import { useEffect, useRef, useState } from "react";
import { ImageUp } from "lucide-react";
import { takesText } from "$/public/shell/keys.js";
import { Transfers } from "$/public/uploads/upload-queue.js";
import { UploadPanel } from "$/public/uploads/upload-panel.jsx";
import { carriesFiles, droppedFiles, pastedFiles, picturesOf } from "$/public/uploads/picked-files.js";

const PREPARE_AFTER_MS = 2000;

function useDrop(onFiles) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    // A picture of this page that is dragged is a file, too. Whatever was dragged is gone when the
    // pointer moves again, also if what it was dragged out of went meanwhile.
    let ours = false;
    const start = () => {
      ours = true;
    };
    const end = () => {
      ours = false;
    };
    const comes = (event) => !ours && carriesFiles(event);
    const enter = (event) => {
      if (!comes(event)) return;
      event.preventDefault();
      depth += 1;
      setOver(true);
    };
    const leave = (event) => {
      if (!comes(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const hover = (event) => {
      if (!comes(event)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
    };
    const drop = (event) => {
      if (!comes(event)) return;
      event.preventDefault();
      depth = 0;
      setOver(false);
      droppedFiles(event.dataTransfer).then(onFiles);
    };
    const ends = { dragend: end, pointermove: end };
    const listeners = { dragstart: start, ...ends, dragenter: enter, dragleave: leave, dragover: hover, drop };
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener);
    };
  }, [onFiles]);
  return over;
}

function usePaste(onFiles) {
  useEffect(() => {
    const paste = (event) => {
      const files = takesText(event.target) ? [] : pastedFiles(event.clipboardData);
      if (files.length) onFiles(files);
    };
    addEventListener("paste", paste);
    return () => removeEventListener("paste", paste);
  }, [onFiles]);
}

function usePickers(inputs) {
  useEffect(() => {
    const click = (event) => {
      const kind = event.target.closest?.("[data-pick]")?.dataset.pick;
      inputs.current[kind]?.click();
    };
    addEventListener("click", click);
    return () => removeEventListener("click", click);
  }, [inputs]);
}

function FileInput({ inputs, kind, label, onFiles, ...props }) {
  return (
    <input
      ref={(element) => {
        inputs.current[kind] = element;
      }}
      type="file"
      multiple
      className="sr-only"
      tabIndex={-1}
      aria-label={label}
      onChange={(event) => {
        onFiles([...event.target.files]);
        event.target.value = "";
      }}
      {...props}
    />
  );
}

// Whoever is about to leave is asked first: what is under way would stop.
function useWarning(transfers) {
  useEffect(() => {
    const leave = (event) => {
      if (transfers?.busy) event.preventDefault();
    };
    addEventListener("beforeunload", leave);
    return () => removeEventListener("beforeunload", leave);
  }, [transfers]);
}

export function Uploader({ live, person, maxMb, direct }) {
  const [transfers] = useState(() => (typeof window === "undefined" ? null : new Transfers()));
  const [ready, setReady] = useState(false);
  const inputs = useRef({});
  const [add] = useState(() => (files) => files.length && transfers?.add(files));
  const over = useDrop(add);
  usePaste(add);
  usePickers(inputs);
  useWarning(transfers);
  useEffect(() => {
    if (transfers && maxMb) transfers.maxBytes = maxMb * 1024 * 1024;
    if (transfers) transfers.direct = direct;
  }, [transfers, maxMb, direct]);
  useEffect(() => {
    if (!live || !person) return undefined;
    transfers.open(person);
    setReady(true);
    const timer = setTimeout(() => transfers.prepare().catch(() => {}), PREPARE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [live, person, transfers]);

  return (
    <>
      {ready && (
        <>
          <FileInput
            inputs={inputs}
            kind="files"
            label="Choose pictures to upload"
            onFiles={add}
            accept="image/*,.heic,.heif,.avif,.tif,.tiff"
          />
          <FileInput
            inputs={inputs}
            kind="folder"
            label="Choose a folder to upload"
            onFiles={(files) => add(picturesOf(files))}
            // A property in some libraries and an attribute in others: true in both.
            webkitdirectory="true"
          />
        </>
      )}
      {over && (
        <div className="drop-overlay" aria-hidden="true">
          <div className="drop-target">
            <ImageUp size={44} strokeWidth={1.5} />
            <p>Drop to add to your library</p>
          </div>
        </div>
      )}
      <UploadPanel transfers={transfers} />
    </>
  );
}
