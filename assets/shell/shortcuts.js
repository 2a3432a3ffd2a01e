// The shortcuts of the page: what the sheet lists, and whether single letters do anything.
//
// Of the `keys` of a shortcut each does it; those that go together are one, as "Ctrl+a".
//
// Single characters can be turned off (WCAG 2.1.4): people who speak to their computer would press
// them by talking. What is off reaches no listener, so nobody needs to ask; who shows a shortcut
// beside a button may ask `shortcutsOn()`.

import { keyOf } from "./keys.js";
import { GRID_SHORTCUTS } from "../gallery/grid-keys.js";
import { REVIEW_SHORTCUTS } from "../review/review-keys.js";
import { SELECTION_SHORTCUTS } from "../selection/selection-keys.js";
import { VIEWER_SHORTCUTS } from "../viewer/viewer-keys.js";

const OFF = "imgapp-shortcuts-off";
const TYPING = "input, textarea, select, [contenteditable]";

const listeners = new Set();
let kept;

export const GROUPS = [
  {
    title: "Everywhere",
    shortcuts: [
      { keys: ["?"], text: "This list" },
      { keys: ["Tab"], text: "To the next thing that can be used" },
      { keys: ["Esc"], text: "Close what is open" },
    ],
  },
  { title: "Pictures", shortcuts: GRID_SHORTCUTS },
  { title: "Several pictures", shortcuts: SELECTION_SHORTCUTS },
  { title: "An open picture", shortcuts: VIEWER_SHORTCUTS },
  { title: "Review", shortcuts: REVIEW_SHORTCUTS },
].filter((group) => group.shortcuts.length > 0);

// The keys that are pressed together; "+" alone is a key.
export const together = (keys) => keys.split(/(?<=.)\+(?=.)/);

export function shortcutsOn() {
  if (kept === undefined) {
    try {
      kept = localStorage.getItem(OFF) === null;
    } catch {
      kept = true; // Storage may be blocked: then it holds for this page.
    }
  }
  return kept;
}

export function setShortcuts(on) {
  kept = on;
  try {
    if (on) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  } catch {
    // As above.
  }
  for (const listener of listeners) listener();
}

// `listener` is called after each change.
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// Whether a key event is a single character meant as a shortcut, and not as text.
export function isCharacter(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || keyOf(event).length !== 1) return false;
  return event.key !== " " && !event.target.closest?.(TYPING);
}

if (typeof window !== "undefined") {
  const stop = (event) => {
    if (isCharacter(event) && !shortcutsOn()) event.stopImmediatePropagation();
  };
  // Before anybody else: this module is loaded with every page.
  addEventListener("keydown", stop, { capture: true });
  // Another tab changed it.
  addEventListener("storage", (event) => {
    if (event.key !== OFF && event.key !== null) return;
    kept = undefined;
    for (const listener of listeners) listener();
  });
}
