// The upload panel shows all uploads of this page: how far they are together, what can be done with
// all of them, and a row for each.

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { ChevronDown, FolderUp, RotateCw, Upload, X } from "lucide-react";
import { UploadList } from "$/public/uploads/upload-list.jsx";
import { announcement, pace, summary } from "$/public/uploads/upload-words.js";

const NOTHING = { all: 0, rows: 0 };
const nothing = () => NOTHING;

function Interrupted() {
  return (
    <div className="upload-interrupted">
      <p>
        The page was left while pictures were being uploaded. Choose the same files again: only what
        is missing is sent.
      </p>
      <div className="upload-again">
        <button type="button" className="button small" data-pick="files">
          <Upload size={15} aria-hidden /> Choose files
        </button>
        <button type="button" className="button small" data-pick="folder">
          <FolderUp size={15} aria-hidden /> Choose the folder
        </button>
      </div>
    </div>
  );
}

export function UploadPanel({ transfers }) {
  const view = useSyncExternalStore(
    transfers?.subscribe ?? (() => () => {}),
    transfers?.view ?? nothing,
    nothing,
  );
  const [open, setOpen] = useState(true);
  const toggle = useRef(null);
  const shown = view.rows > 0;
  const busy = view.busy > 0;
  const text = shown ? summary(view) : "";
  const wasShown = useRef(false);
  useEffect(() => {
    if (shown) setOpen(window.matchMedia("(min-width: 40rem)").matches);
    // Whoever closed the panel goes on where files are chosen.
    else if (wasShown.current && document.activeElement === document.body)
      document.querySelector('[data-pick="files"]')?.focus({ preventScroll: true });
    wasShown.current = shown;
  }, [shown]);
  // A button that goes when it is pressed leaves the focus at the one beside it.
  const act = (what) => () => {
    what();
    toggle.current?.focus();
  };

  return (
    <>
      <p className="sr-only" role="status">
        {announcement(view)}
      </p>
      {shown && (
        <section className="upload-panel" aria-label="Uploads" data-busy={busy}>
          <header className="upload-head">
            <button
              type="button"
              ref={toggle}
              className="upload-toggle"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
            >
              <ChevronDown size={18} aria-hidden className={open ? "" : "flipped"} />
              <span className="upload-said">
                <span>{text}</span>
                {busy && <span className="upload-pace">{pace(view)}</span>}
              </span>
            </button>
            {view.again > 1 && (
              <button
                type="button"
                className="button small"
                onClick={act(() => transfers.retryAll())}
              >
                <RotateCw size={15} aria-hidden /> Retry all failed
              </button>
            )}
            {busy ? (
              <button
                type="button"
                className="button small"
                aria-label="Cancel all uploads"
                onClick={act(() => transfers.cancelAll())}
              >
                Cancel
              </button>
            ) : (
              <button
                type="button"
                className="button ghost icon small"
                aria-label="Close the list of uploads"
                onClick={() => transfers.clear()}
              >
                <X size={18} aria-hidden />
              </button>
            )}
          </header>
          {busy && (
            <progress className="upload-total" max="1" value={view.progress} aria-label="All uploads" />
          )}
          {view.missed > 0 && !busy && <Interrupted />}
          {open && <UploadList rows={view.rows} transfers={transfers} />}
        </section>
      )}
    </>
  );
}
