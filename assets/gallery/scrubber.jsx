// A scale of months beside a long list: shows where one is, and leads anywhere in it.

import { useEffect, useMemo, useRef, useState } from "react";
import { dateOf, labelOf } from "$/public/shell/times.js";

const SCREENS = 4; // shorter lists need no scale
const APART = 0.035; // of the height of the scale

const month = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });
const year = new Intl.DateTimeFormat(undefined, { year: "numeric" });

const FEW = 3;

// {at, label, day} for each month (each day, where there are few months), where `at` is how far down
// the list it begins (0 to 1); years are named where there is room.
function marksOf(days, starts, height, today) {
  const months = marksBy(days, starts, height, ({ key }) => month.format(dateOf(key)));
  if (months.length >= FEW) return named(months);
  return marksBy(days, starts, height, ({ key }) => labelOf(key, today));
}

function marksBy(days, starts, height, nameOf) {
  const marks = [];
  for (const [index, day] of days.entries()) {
    if (!day.key) return [];
    const name = nameOf(day);
    const place = { at: starts[index] / height, year: year.format(dateOf(day.key)), day: index };
    if (marks.at(-1)?.label !== name) marks.push({ ...place, label: name });
  }
  return marks;
}

function named(marks) {
  let last = { year: "", at: -1 };
  for (const mark of marks) {
    mark.named = mark.year !== last.year && mark.at - last.at > APART;
    if (mark.named) last = mark;
  }
  return marks;
}

const bar = () => document.querySelector(".bar")?.offsetHeight ?? 0;

export function Scrubber({ days, today, items, virtualizer, goTo }) {
  const rail = useRef(null);
  const [dragging, setDragging] = useState(false);
  const [scroll, setScroll] = useState(0);
  const height = virtualizer.getTotalSize();
  const long = height > SCREENS * (virtualizer.scrollRect?.height || 800);

  const starts = useMemo(() => {
    let top = 0;
    const found = [];
    for (const { kind, day, size } of items) {
      if (kind === "day" || found.length <= day) found[day] ??= top;
      top += size;
    }
    return found;
  }, [items]);
  const marks = useMemo(() => marksOf(days, starts, height || 1, today), [days, starts, height, today]);

  useEffect(() => {
    if (!long) return undefined;
    const note = () => {
      const most = document.documentElement.scrollHeight - window.innerHeight;
      setScroll(most > 0 ? Math.min(1, window.scrollY / most) : 0);
    };
    note();
    addEventListener("scroll", note, { passive: true });
    return () => removeEventListener("scroll", note);
  }, [long, height]);

  if (!long || marks.length < 2) return null;
  const here = marks.findLast((mark) => mark.at <= scroll + 1e-6) ?? marks[0];
  const index = marks.indexOf(here);

  const scrollTo = (fraction) => {
    const most = document.documentElement.scrollHeight - window.innerHeight;
    window.scrollTo({ top: fraction * most, behavior: "instant" });
  };
  const fromPointer = (event) => {
    const { top, height: all } = rail.current.getBoundingClientRect();
    scrollTo(Math.min(1, Math.max(0, (event.clientY - top) / all)));
  };
  const toMark = (number) => {
    const mark = marks[Math.min(marks.length - 1, Math.max(0, number))];
    const first = items.find((item) => item.day === mark.day)?.first ?? 0;
    goTo(first, "start");
  };
  const onKeyDown = (event) => {
    const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 12, PageUp: -12 };
    if (event.key in steps) toMark(index + steps[event.key]);
    else if (event.key === "Home") scrollTo(0);
    else if (event.key === "End") scrollTo(1);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={rail}
      className={dragging ? "scrubber dragging" : "scrubber"}
      role="slider"
      tabIndex={0}
      aria-label="Date"
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={marks.length - 1}
      aria-valuenow={index}
      aria-valuetext={here.label}
      style={{ "--bar-height": `${bar()}px` }}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        event.preventDefault();
        rail.current.focus({ preventScroll: true });
        rail.current.setPointerCapture(event.pointerId);
        setDragging(true);
        fromPointer(event);
      }}
      onPointerMove={(event) => dragging && fromPointer(event)}
      onPointerUp={() => setDragging(false)}
      onPointerCancel={() => setDragging(false)}
    >
      {marks.map((mark) => (
        <span
          key={mark.day}
          className={mark.named ? "scrubber-year" : "scrubber-month"}
          style={{ top: `${mark.at * 100}%` }}
          aria-hidden="true"
        >
          {mark.named ? mark.year : ""}
        </span>
      ))}
      <span className="scrubber-here" style={{ top: `${scroll * 100}%` }} aria-hidden="true">
        <span>{here.label}</span>
      </span>
    </div>
  );
}
