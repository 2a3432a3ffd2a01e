// The list of uploads: mounts the rows in view, and keeps the focus when its row goes (virtualised).

"use no memo"; // the virtualizer changes what it returns without changing itself

import { useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { Row } from "$/public/uploads/upload-row.jsx";
import { count } from "$/public/uploads/upload-words.js";

const ROW_HEIGHT = 57;

// Whoever pressed a button of a row that went stays in the list, at the next button.
function useKeptFocus(list) {
  const had = useRef(false);
  const wanted = useRef(null);
  useEffect(() => {
    const element = list.current;
    const into = () => {
      had.current = true;
    };
    const out = ({ relatedTarget }) => {
      if (relatedTarget && !element.contains(relatedTarget)) had.current = false;
    };
    element.addEventListener("focusin", into);
    element.addEventListener("focusout", out);
    return () => {
      element.removeEventListener("focusin", into);
      element.removeEventListener("focusout", out);
    };
  }, [list]);
  useLayoutEffect(() => {
    if (!had.current || document.activeElement !== document.body) return;
    const rows = [...list.current.querySelectorAll(".upload-row")];
    const from = rows.findIndex((row) => row.ariaPosInSet - 1 >= (wanted.current ?? 0));
    const button = [...rows.slice(from), ...rows].find((row) => row.querySelector("button"));
    (button?.querySelector("button") ?? list.current).focus({ preventScroll: true });
  });
  return useCallback((place) => {
    wanted.current = place;
  }, []);
}

export function UploadList({ rows, transfers }) {
  "use no memo";
  const list = useRef(null);
  const onGone = useKeptFocus(list);
  const virtual = useVirtualizer({
    count: rows,
    getScrollElement: () => list.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => transfers.idAt(index) ?? index,
    overscan: 4,
  });
  return (
    <div
      className="upload-list"
      ref={list}
      role="list"
      tabIndex={0}
      aria-label={count(rows, "file", "files")}
    >
      <div className="upload-rows" role="presentation" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => (
          <div
            key={key}
            ref={virtual.measureElement}
            data-index={index}
            role="presentation"
            className="upload-place"
            style={{ transform: `translateY(${start}px)` }}
          >
            <Row id={transfers.idAt(index)} place={index} of={rows} transfers={transfers} onGone={onGone} />
          </div>
        ))}
      </div>
    </div>
  );
}
