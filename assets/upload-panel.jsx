// One row per file: its name, how far it is, how it ended, and what can be done about it.

import { memo, useEffect, useState } from "react";
import { Check, ChevronDown, Copy, Image, RotateCw, TriangleAlert, X } from "lucide-react";
import { BUSY } from "$/public/transfers.js";

const SAID = {
  waiting: "Waiting",
  sending: "Uploading",
  saving: "Saving",
  done: "Added",
  duplicate: "Already in your library",
};

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

function sizeText(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} kB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export function summary(rows) {
  const of = (state) => rows.filter((row) => row.state === state).length;
  const busy = rows.filter((row) => BUSY.has(row.state)).length;
  if (busy) return `Uploading ${rows.length - busy + 1} of ${rows.length}`;
  const parts = [];
  if (of("done")) parts.push(`${of("done")} added`);
  if (of("duplicate")) parts.push(`${of("duplicate")} already there`);
  if (of("refused")) parts.push(`${of("refused")} not accepted`);
  if (of("failed")) parts.push(`${of("failed")} failed`);
  return parts.join(", ") || "Nothing to upload";
}

function totalProgress(rows) {
  const all = rows.reduce((sum, row) => sum + row.size, 0);
  const sent = rows.reduce((sum, row) => sum + row.size * (row.progress ?? 0), 0);
  return all ? sent / all : 1;
}

function Mark({ row }) {
  if (row.thumb) return <img src={row.thumb} alt="" width="40" height="40" loading="lazy" />;
  if (row.state === "refused" || row.state === "failed")
    return <TriangleAlert size={18} aria-hidden />;
  return <Image size={18} aria-hidden />;
}

function Outcome({ row }) {
  if (row.state === "sending" && row.progress < 1)
    return <>{`${Math.floor(row.progress * 100)} % of ${sizeText(row.size)}`}</>;
  return (
    <>
      {row.reason ?? SAID[row.state]}
      {row.signedOut && (
        <>
          {" "}
          <a href="/sign-in">Sign in</a>
        </>
      )}
    </>
  );
}

const Row = memo(function Row({ row, transfers }) {
  const busy = BUSY.has(row.state);
  return (
    <li className="upload-row" data-state={row.state}>
      <span className="upload-mark">
        <Mark row={row} />
      </span>
      <span className="upload-what">
        <span className="upload-name" title={row.name}>
          {row.name}
        </span>
        <span className="upload-outcome">
          <Outcome row={row} />
        </span>
      </span>
      {busy && (
        <button
          type="button"
          className="button ghost icon small"
          aria-label={`Cancel ${row.name}`}
          onClick={() => transfers.cancel(row.id)}
        >
          <X size={16} aria-hidden />
        </button>
      )}
      {row.again && (
        <button
          type="button"
          className="button ghost icon small"
          aria-label={`Try ${row.name} again`}
          onClick={() => transfers.retry(row.id)}
        >
          <RotateCw size={16} aria-hidden />
        </button>
      )}
      {row.state === "done" && <Check size={18} className="upload-done" aria-hidden />}
      {row.state === "duplicate" && <Copy size={16} className="upload-same" aria-hidden />}
      {busy && (
        <span className="upload-bar" style={{ "--done": row.progress ?? 0 }} aria-hidden="true" />
      )}
    </li>
  );
});

// Troubles first, then what is under way, then what is done.
const ORDER = { failed: 0, refused: 0, sending: 1, saving: 1, waiting: 2, duplicate: 3, done: 4 };

export function UploadPanel({ rows, transfers }) {
  const [open, setOpen] = useState(true);
  const shown = rows.length > 0;
  const busy = rows.some((row) => BUSY.has(row.state));
  const failed = rows.filter((row) => row.again).length;
  const text = shown ? summary(rows) : "";
  useEffect(() => {
    if (shown) setOpen(window.matchMedia("(min-width: 40rem)").matches);
  }, [shown]);

  return (
    <>
      <p className="sr-only" role="status">
        {shown && !busy ? `Upload finished: ${text}` : shown ? "Uploading" : ""}
      </p>
      {shown && (
        <section className="upload-panel" aria-label="Uploads" data-busy={busy}>
          <header className="upload-head">
            <button
              type="button"
              className="upload-toggle"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
            >
              <ChevronDown size={18} aria-hidden className={open ? "" : "flipped"} />
              <span>{text}</span>
            </button>
            {failed > 1 && (
              <button type="button" className="button small" onClick={() => transfers.retryAll()}>
                Try all again
              </button>
            )}
            {busy ? (
              <button type="button" className="button small" onClick={() => transfers.cancelAll()}>
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
            <progress className="upload-total" max="1" value={totalProgress(rows)} aria-label={text} />
          )}
          {open && (
            <ul className="upload-list" aria-label={count(rows.length, "file", "files")}>
              {[...rows]
                .sort((a, b) => ORDER[a.state] - ORDER[b.state])
                .map((row) => (
                  <Row key={row.id} row={row} transfers={transfers} />
                ))}
            </ul>
          )}
        </section>
      )}
    </>
  );
}
