// An upload's row: picture, progress, outcome, and what can be done about it.

import { memo, useCallback, useSyncExternalStore } from "react";
import { Check, Copy, Image, RotateCw, TriangleAlert, WifiOff, X } from "lucide-react";
import { BUSY } from "$/public/uploads/upload-queue.js";
import { localPictures } from "$/public/uploads/local-pictures.js";
import { SAID, sizeText, speedText } from "$/public/uploads/upload-words.js";

function Mark({ row }) {
  if (row.state === "refused" || row.state === "failed")
    return <TriangleAlert size={18} aria-hidden />;
  const src = localPictures.of(row.id)?.src ?? row.thumb;
  if (!src) return <Image size={18} aria-hidden />;
  return <img src={src} alt="" width="40" height="40" loading="lazy" decoding="async" />;
}

function Outcome({ row }) {
  if (row.waits)
    return (
      <>
        <WifiOff size={13} aria-hidden /> {row.waits}
      </>
    );
  if (row.state === "sending") {
    const done = Math.floor((row.sent / row.size) * 100);
    const speed = row.speed ? ` · ${speedText(row.speed)}` : "";
    return <>{`${done} % of ${sizeText(row.size)}${speed}`}</>;
  }
  const stopped = row.state === "missed" && row.sent > 0 && row.url;
  return (
    <>
      {row.reason ?? SAID[row.state]}
      {stopped && `: ${sizeText(row.sent)} of ${sizeText(row.size)} are there`}
      {row.signedOut && (
        <>
          {" "}
          <a href="/sign-in">Sign in</a>
        </>
      )}
    </>
  );
}

function RowButton({ label, icon: Icon, onClick }) {
  return (
    <button type="button" className="button ghost icon small" aria-label={label} onClick={onClick}>
      <Icon size={16} aria-hidden />
    </button>
  );
}

export const Row = memo(function Row({ id, place, of, transfers, onGone }) {
  const subscribe = useCallback((heard) => transfers.subscribeRow(id, heard), [transfers, id]);
  const row = useSyncExternalStore(subscribe, () => transfers.row(id));
  if (!row) return null;
  const busy = BUSY.has(row.state);
  const gone = (act) => () => {
    onGone(place);
    act(id);
  };
  return (
    <div
      className="upload-row"
      role="listitem"
      aria-posinset={place + 1}
      aria-setsize={of}
      data-state={row.state}
      data-waits={Boolean(row.waits)}
    >
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
      {row.again && (
        <RowButton
          label={`Try ${row.name} again`}
          icon={RotateCw}
          onClick={gone((one) => transfers.retry(one))}
        />
      )}
      {busy && (
        <RowButton
          label={`Cancel ${row.name}`}
          icon={X}
          onClick={gone((one) => transfers.cancel(one))}
        />
      )}
      {row.state === "done" && <Check size={18} className="upload-done" aria-hidden />}
      {row.state === "duplicate" && <Copy size={16} className="upload-same" aria-hidden />}
      {(row.state === "sending" || row.state === "saving") && (
        <progress
          className="upload-bar"
          aria-label={`Uploading ${row.name}`}
          max={row.size}
          value={row.sent}
        />
      )}
    </div>
  );
});
