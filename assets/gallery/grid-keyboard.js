// The keyboard in the grid: arrows go from picture to picture, as they lie on the page.

import { useCallback, useEffect, useLayoutEffect, useRef } from "react";
import { itemOf, placesIn } from "$/public/gallery/grid-layout.js";

// The picture in the row above or below whose middle is nearest.
export function vertical(items, ratios, m, position, step) {
  let at = itemOf(items, position) + step;
  while (items[at]?.kind === "day") at += step;
  const [from, to] = [items[itemOf(items, position)], items[at]];
  if (!to) return position;
  const here = placesIn(from, ratios, m).find((place) => place.at === position);
  const middle = here.left + here.width / 2;
  const off = (place) => Math.abs(place.left + place.width / 2 - middle);
  return placesIn(to, ratios, m).reduce((best, place) => (off(place) < off(best) ? place : best)).at;
}

function target({ key, items, list, m, position, screen }) {
  const last = list.length - 1;
  const rows = (count, step) => {
    let at = position;
    for (let n = 0; n < count; n += 1) at = vertical(items, list.ratios, m, at, step);
    return at;
  };
  switch (key) {
    case "ArrowLeft":
      return Math.max(0, position - 1);
    case "ArrowRight":
      return Math.min(last, position + 1);
    case "ArrowUp":
      return rows(1, -1);
    case "ArrowDown":
      return rows(1, 1);
    case "PageUp":
      return rows(screen, -1);
    case "PageDown":
      return rows(screen, 1);
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return null;
  }
}

// Handlers for the grid's element, and the position that has the focus in `keyboard`.
export function useGridKeys({ canvas, list, items, m, goTo, keyboard, setKeyboard, version }) {
  const wanted = useRef(null); // the position that is to get the focus once it is mounted

  const focus = useCallback(() => {
    const button = canvas.current?.querySelector(`[data-at="${wanted.current}"] .picture`);
    if (!button) return;
    wanted.current = null;
    button.focus({ preventScroll: true });
  }, [canvas]);
  // Before the next key, which goes on from there.
  useLayoutEffect(() => {
    if (wanted.current !== null) focus();
  });

  // The picture that has the focus went: the one in its place gets it.
  const focused = useRef(null);
  useEffect(() => {
    if (focused.current === null || document.activeElement !== document.body) return;
    if (list.positionOf(focused.current) >= 0 || !list.length) return;
    focused.current = null;
    wanted.current = Math.min(keyboard ?? 0, list.length - 1);
    setKeyboard(wanted.current);
    focus();
  }, [version, list, keyboard, setKeyboard, focus]);

  return {
    onFocus: (event) => {
      const card = event.target.closest("[data-at]");
      focused.current = card?.dataset.imageId ?? card?.dataset.local ?? null;
      if (card) setKeyboard(Number(card.dataset.at));
    },
    onBlur: (event) => {
      if (event.relatedTarget) focused.current = null;
      if (!event.currentTarget.contains(event.relatedTarget)) wanted.current = null;
    },
    onKeyDown: (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || !event.target.matches(".picture")) return;
      const position = Number(event.target.closest("[data-at]").dataset.at);
      const screen = Math.max(1, Math.floor(window.innerHeight / (m.rowHeight + m.textHeight)));
      const to = target({ key: event.key, items, list, m, position, screen });
      if (to === null) return;
      event.preventDefault();
      if (to === position) return;
      wanted.current = to;
      setKeyboard(to);
      goTo(to, "auto");
      focus();
    },
  };
}
