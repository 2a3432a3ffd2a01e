// The gallery's grid: as high as all pictures are, but only those near the screen are mounted. The
// server is asked for cards in blocks, one question at a time; how wide each picture is comes first
// (the timeline), so that nothing moves.

import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import * as address from "$/public/shell/address.js";
import { useNow } from "$/public/shell/clock.js";
import { dayKey, labelOf } from "$/public/shell/times.js";
import { styleOf } from "$/public/gallery/card-style.js";
import { FilePicture, useArriving } from "$/public/gallery/file-picture.jsx";
import { itemOf, layOut, measures, mounted, placesIn } from "$/public/gallery/grid-layout.js";
import { useGridKeys } from "$/public/gallery/grid-keyboard.js";
import { useLibrary } from "$/public/gallery/live-list.js";
import { mark } from "$/public/gallery/search-highlights.js";
import { useSelecting, useSelection } from "$/public/selection/selection-gestures.js";
import { selection } from "$/public/selection/selection.js";
import { Scrubber } from "$/public/gallery/scrubber.jsx";

const LEAST_MOUNTED = 60;
const OVERSCAN = 3;
const EAGER = 16;
const REST_MS = 60;

function useWidth(element, keepPlace) {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measure = () => {
      const now = element.current.clientWidth;
      setWidth((before) => {
        if (before && before !== now) keepPlace();
        return now;
      });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element, keepPlace]);
  return width;
}

// Keeps the first visible picture where it is when something comes or goes above it.
function useKeptPlace(canvas) {
  const place = useRef(null);
  const keep = useCallback(() => {
    if (place.current || window.scrollY < 8) return;
    for (const card of canvas.current.querySelectorAll("[data-image-id]")) {
      const { top, bottom } = card.getBoundingClientRect();
      if (bottom > 80) {
        place.current = { id: card.dataset.imageId, top };
        return;
      }
    }
  }, [canvas]);
  const restore = useCallback(
    (topOf) => {
      const kept = place.current;
      place.current = null;
      const top = kept && topOf(kept.id);
      if (top === null || top === undefined) return;
      const moved = canvas.current.getBoundingClientRect().top + top - kept.top;
      if (Math.abs(moved) > 1) window.scrollBy({ top: moved, behavior: "instant" });
    },
    [canvas],
  );
  return [keep, restore];
}

export function PictureGrid({ shown, patch, total, card: Card, onLook, onStale, children }) {
  const canvas = useRef(null);
  const [keepPlace, restorePlace] = useKeptPlace(canvas);
  const width = useWidth(canvas, keepPlace);
  const { list: listed, version, look, forget } = useLibrary({
    shown,
    patch,
    total,
    onLook,
    onStale,
    before: keepPlace,
  });
  const list = useArriving(listed, version, keepPlace);
  const m = useMemo(() => measures(width || 1200), [width]);
  const items = useMemo(
    () => (width ? layOut(list.ratios, list.days, m) : []),
    // The list changes in place; its version says when.
    [list, version, m, width],
  );

  // The virtualizer measures anew when it is given another function for keys.
  const keyOf = useCallback((index) => `${items[index].kind}${items[index].first}`, [items]);
  const [keyboard, setKeyboard] = useState(null); // the position that has the focus
  const held = keyboard === null || !items.length ? -1 : itemOf(items, keyboard);
  const virtualizer = useWindowVirtualizer({
    count: items.length,
    estimateSize: (index) => items[index].size,
    getItemKey: keyOf,
    overscan: OVERSCAN,
    scrollMargin: canvas.current?.offsetTop ?? 0,
    rangeExtractor: useCallback(
      (range) => {
        const indexes = mounted(range, items, LEAST_MOUNTED);
        if (held >= 0 && held < items.length && !indexes.includes(held)) indexes.push(held);
        return indexes.sort((a, b) => a - b);
      },
      [items, held],
    ),
  });
  const visible = virtualizer.getVirtualItems().filter(({ index }) => index < items.length);
  const topOf = (index) => visible.find((item) => item.index === index)?.start;

  useLayoutEffect(() => {
    restorePlace((id) => {
      const at = list.positionOf(id);
      if (at < 0) return null;
      const [start] = virtualizer.getOffsetForIndex(itemOf(items, at), "start") ?? [null];
      return start === null ? null : start - virtualizer.options.scrollMargin;
    });
  }, [items]);

  // The row that has the focus stays mounted wherever one is: where it stands alone, it is not what
  // is looked at, and what lies between it and the screen is not asked for.
  const near = visible.filter(
    ({ index }, at) =>
      index !== held || visible[at - 1]?.index === index - 1 || visible[at + 1]?.index === index + 1,
  );
  // Cards are asked for once the reader rests for a moment; flying over them asks for none.
  const first = near.length ? items[near[0].index].first : 0;
  const end = near.length ? items[near.at(-1).index].end : 0;
  useEffect(() => {
    const timer = setTimeout(() => {
      const [from, to] = list.inList(first, end);
      forget(from, to, keyboard && list.inList(keyboard, end)[0]);
      look(from, to);
    }, REST_MS);
    return () => clearTimeout(timer);
  }, [first, end, keyboard, version, list, look, forget]);

  useEffect(() => {
    mark(canvas.current, new URLSearchParams(list.query ?? "").get("q"));
  }, [first, end, version, list]);

  const goTo = useCallback(
    (position, align = "center") =>
      items.length && virtualizer.scrollToIndex(itemOf(items, position), { align }),
    [items, virtualizer],
  );
  useSelection();
  const selecting = useSelecting({ canvas, list, version });
  const keys = useGridKeys({ canvas, list, items, m, goTo, keyboard, setKeyboard, version });
  useReturn({ list, goTo, canvas, items });

  const current = keyboard ?? first;
  const today = useNow(() => dayKey(new Date()));
  return (
    <>
      <div
        ref={canvas}
        className={`days${m.columns ? " two" : ""}${selection.empty ? "" : " selecting"}`}
        style={{ height: virtualizer.getTotalSize() }}
        data-testid="grid"
        {...selecting}
        {...keys}
      >
        {width > 0 &&
          sections(items, visible).map(({ day, rows, head }) => (
            <Day
              key={list.days[day]?.key || "all"}
              day={list.days[day]}
              today={today}
              head={head}
              margin={virtualizer.options.scrollMargin}
            >
              {rows.flatMap(({ index, start }) =>
                placesIn(items[index], list.ratios, m).map(({ at, left, width: wide }) => {
                  const picture = list.slots[at];
                  const top = start - virtualizer.options.scrollMargin;
                  const place = { top, left, width: wide, "--height": `${items[index].height}px` };
                  if (!picture) return <li key={`at-${at}`} className="card to-come" style={place} aria-hidden="true" />;
                  const tab = at === current ? 0 : -1;
                  if (picture.local)
                    return <FilePicture key={picture.id} {...{ picture, at, tab }} style={place} of={list.length} />;
                  const src = list.fromFile?.get(picture.id);
                  const style = styleOf(picture, place, src);
                  return (
                    <Card
                      key={picture.id}
                      card={picture}
                      eager={at < EAGER}
                      tab={tab}
                      selected={selection.has(picture.id)}
                      data-selected={selection.has(picture.id)}
                      data-leaving={selection.isPending(picture.id)}
                      data-at={at}
                      data-from-file={src && ""}
                      aria-posinset={at + 1}
                      aria-setsize={list.length}
                      style={style}
                    />
                  );
                }),
              )}
            </Day>
          ))}
      </div>
      {list.edition && !list.length && children}
      <Scrubber days={list.days} today={today} items={items} virtualizer={virtualizer} goTo={goTo} />
    </>
  );
}

// What is mounted, by day.
function sections(items, visible) {
  const days = [];
  for (const { index, start } of visible) {
    const { day, kind } = items[index];
    if (days.at(-1)?.day !== day) days.push({ day, rows: [], head: null });
    if (kind === "day") days.at(-1).head = start;
    else days.at(-1).rows.push({ index, start });
  }
  return days;
}

function Day({ day, today, head, margin, children }) {
  if (!day?.key) return <ul className="grid">{children}</ul>;
  const label = labelOf(day.key, today);
  return (
    <section aria-label={label}>
      {head !== null && (
        <h2 className="day" style={{ top: head - margin }}>
          {label}
          <span className="day-count" aria-hidden="true">
            {day.count.toLocaleString()}
          </span>
        </h2>
      )}
      <ul className="grid">{children}</ul>
    </section>
  );
}

// Coming back to the page, or from a picture: to where one was.
function useReturn({ list, goTo, canvas, items }) {
  const wish = useRef(undefined); // null when it is fulfilled, or somebody went elsewhere
  const ready = items.length > 0;
  useEffect(() => {
    const giveUp = () => {
      wish.current = null;
    };
    const gestures = ["wheel", "touchmove", "keydown", "pointerdown"];
    gestures.forEach((name) => addEventListener(name, giveUp, { capture: true, passive: true }));
    return () => gestures.forEach((name) => removeEventListener(name, giveUp, { capture: true }));
  }, []);
  useEffect(() => {
    if (!ready) return;
    if (wish.current === undefined) wish.current = address.remembered("place") ?? null;
    const place = wish.current;
    if (place?.query === list.query && place.at < list.length) goTo(place.at, "start");
    // Until then the place of every picture is a guess.
    if (list.arranged || list.complete) wish.current = null;
  }, [ready, list, items, goTo]);
  useEffect(() => {
    if (!ready) return undefined;
    const note = () => {
      if (wish.current) return;
      const card = [...canvas.current.querySelectorAll("[data-at]")].find(
        (one) => one.getBoundingClientRect().bottom > 80,
      );
      const at = window.scrollY > 8 && card ? Number(card.dataset.at) : 0;
      address.remember({ place: { query: list.query, at } });
    };
    addEventListener("pagehide", note);
    return () => removeEventListener("pagehide", note);
  }, [ready, list, canvas]);
  useEffect(() => {
    let open = address.params().get("picture");
    return address.subscribe(() => {
      const now = address.params().get("picture");
      if (open && !now && list.positionOf(open) >= 0) goTo(list.positionOf(open), "auto");
      open = now;
    });
  }, [list, goTo]);
}
