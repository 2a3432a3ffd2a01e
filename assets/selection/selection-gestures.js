// Selection gestures: select pictures in the grid by their box, by click with Shift or Ctrl, by
// `x`, by a long press, and by dragging a frame over them.

import { useEffect, useRef, useSyncExternalStore } from "react";
import { keyOf } from "$/public/shell/keys.js";
import { idsBetween, selection } from "$/public/selection/selection.js";

const LONG_PRESS_MS = 450;
const MOVED = 10;
const EDGE = 60;

export const useSelection = () =>
  useSyncExternalStore(selection.subscribe, selection.snapshot, () => 0);

async function addBetween(list, query, anchor, id) {
  const [from, to] = [list.positionOf(anchor), list.positionOf(id)];
  if (from >= 0 && to >= 0) {
    const { ids, whole } = idsBetween(list.slots, from, to);
    selection.add(ids);
    if (whole) return;
  }
  const separator = query ? "&" : "";
  const answer = await fetch(`/api/images/ids?${query}${separator}from=${anchor}&to=${id}`).catch(() => null);
  const { ids } = answer?.ok ? await answer.json() : { ids: [] };
  // None where the range begins at a picture that is gone: then this one is meant, at least.
  selection.add(ids.length ? ids : [id]);
}

const touched = (event) => event.pointerType === "touch" || event.pointerType === "pen";

// Handlers for the grid's element.
export function useSelecting({ canvas, list, version }) {
  const press = useRef(null);
  const pressed = useRef(false);

  const choose = (id, shift) => {
    if (shift && selection.anchor !== null) addBetween(list, list.query ?? "", selection.anchor, id);
    else selection.toggle(id);
  };

  useEffect(() => {
    const key = (event) => {
      const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog, [popover], [contenteditable]");
      if (typing || document.querySelector("dialog:modal") || event.defaultPrevented) return;
      if ((event.ctrlKey || event.metaKey) && keyOf(event) === "a" && list.length) {
        event.preventDefault();
        selection.everything();
      } else if (event.key === "Escape") selection.clear();
      else if (keyOf(event) === "x" && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const id = event.target.closest("[data-image-id]")?.dataset.imageId;
        if (id) selection.toggle(id);
      }
    };
    // A frame begins wherever the page is empty.
    const down = (event) => {
      const empty = event.target.matches?.("#main, .days, .days .grid, .days section");
      if (empty && event.button === 0 && event.pointerType === "mouse") dragFrame(event, canvas.current);
    };
    addEventListener("keydown", key);
    addEventListener("pointerdown", down);
    return () => {
      removeEventListener("keydown", key);
      removeEventListener("pointerdown", down);
    };
  }, [list, canvas]);

  // Another list: what was selected in the one before is not meant any more.
  const query = list.query;
  useEffect(() => () => selection.clear(), [query]);

  useEffect(() => selection.settle((id) => list.positionOf(id) >= 0), [list, version]);

  return {
    onClickCapture: (event) => {
      const id = event.target.closest("[data-image-id]")?.dataset.imageId;
      if (!id) return;
      const box = event.target.closest(".select-box");
      const onPicture = event.target.closest(".picture");
      const asked = event.shiftKey || event.ctrlKey || event.metaKey || !selection.empty;
      if (!box && !(onPicture && (asked || pressed.current))) return;
      event.stopPropagation();
      event.nativeEvent.stopImmediatePropagation();
      // A click on the label around the box would click the box once more.
      if (!box || !event.target.matches("input")) event.preventDefault();
      if (!pressed.current) choose(id, event.shiftKey);
      pressed.current = false;
    },
    onPointerDown: (event) => {
      pressed.current = false;
      const card = event.target.closest("[data-image-id]");
      if (touched(event) && card) {
        const [x, y] = [event.clientX, event.clientY];
        press.current = {
          x,
          y,
          timer: setTimeout(() => {
            pressed.current = true;
            selection.toggle(card.dataset.imageId);
          }, LONG_PRESS_MS),
        };
      }
    },
    onPointerMove: (event) => {
      const held = press.current;
      if (held && Math.hypot(event.clientX - held.x, event.clientY - held.y) > MOVED)
        clearTimeout(held.timer);
    },
    onPointerUp: () => clearTimeout(press.current?.timer),
    onPointerCancel: () => clearTimeout(press.current?.timer),
    onContextMenu: (event) => pressed.current && event.preventDefault(),
  };
}

// A frame from where the mouse went down: what it touches is selected, also what scrolled away since.
function dragFrame(event, canvas) {
  const start = { x: event.pageX, y: event.pageY };
  const before = new Set(
    [...canvas.querySelectorAll("[data-image-id]")].map((card) => card.dataset.imageId).filter(selection.has),
  );
  const hit = new Set();
  let frame = null;
  let last = event;
  let scrolling = 0;

  const draw = () => {
    const [x, y] = [last.clientX + window.scrollX, last.clientY + window.scrollY];
    const [left, top] = [Math.min(x, start.x), Math.min(y, start.y)];
    const [right, bottom] = [Math.max(x, start.x), Math.max(y, start.y)];
    Object.assign(frame.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${right - left}px`,
      height: `${bottom - top}px`,
    });
    for (const card of canvas.querySelectorAll("[data-image-id]")) {
      const box = card.getBoundingClientRect();
      const inside =
        box.left + window.scrollX < right &&
        box.right + window.scrollX > left &&
        box.top + window.scrollY < bottom &&
        box.bottom + window.scrollY > top;
      const id = card.dataset.imageId;
      if (inside && !selection.has(id)) {
        hit.add(id);
        selection.add([id]);
      } else if (!inside && hit.has(id) && !before.has(id)) {
        hit.delete(id);
        selection.remove([id]);
      }
    }
  };
  const scroll = () => {
    const down = last.clientY > window.innerHeight - EDGE ? 14 : last.clientY < EDGE + 60 ? -14 : 0;
    if (down) {
      window.scrollBy(0, down);
      draw();
    }
    scrolling = requestAnimationFrame(scroll);
  };
  const move = (moved) => {
    last = moved;
    if (!frame) {
      if (Math.hypot(moved.pageX - start.x, moved.pageY - start.y) < MOVED) return;
      frame = document.createElement("div");
      frame.className = "select-frame";
      document.body.append(frame);
      scrolling = requestAnimationFrame(scroll);
    }
    moved.preventDefault();
    draw();
  };
  const end = () => {
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
    cancelAnimationFrame(scrolling);
    frame?.remove();
  };
  event.preventDefault();
  document.activeElement?.blur?.();
  addEventListener("pointermove", move);
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
}
