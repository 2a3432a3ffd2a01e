// The keys of the viewer. Each belongs to a button in it that names the key in its
// `aria-keyshortcuts`: pressing the key presses the button.

import { keyOf } from "../shell/keys.js";

// As people read them, for the sheet of shortcuts.
export const VIEWER_SHORTCUTS = [
  { keys: ["→", "j"], text: "Next picture" },
  { keys: ["←", "k"], text: "Previous picture" },
  { keys: ["Esc"], text: "Close the picture" },
  { keys: ["+"], text: "Zoom in" },
  { keys: ["-"], text: "Zoom out" },
  { keys: ["0"], text: "Show the whole picture" },
  { keys: ["e"], text: "Edit the alt text" },
  { keys: ["l"], text: "Texts in the next language" },
  { keys: ["a"], text: "Approve the texts" },
  { keys: ["r"], text: "Return the texts with a word why" },
  { keys: ["c"], text: "Copy the alt text" },
  { keys: ["i"], text: "Copy an HTML <img> tag" },
  { keys: ["m"], text: "Copy an image in Markdown" },
  { keys: ["Delete"], text: "Move the picture to the trash" },
];

// As `aria-keyshortcuts` names them (WAI-ARIA 1.2): "+" separates keys there.
const NAMES = { "+": "Plus", "=": "Plus", "-": "Minus", _: "Minus" };
const TYPING = "input, textarea, select, [contenteditable]";

// The button that a key presses, if any.
export function buttonOf(event, root) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return null;
  if (event.target.closest?.(TYPING)) return null;
  const name = NAMES[event.key] ?? keyOf(event);
  return root.querySelector(`[aria-keyshortcuts~="${CSS.escape(name)}"]:not(:disabled)`);
}
