// Announcements: says things to a screen reader, politely, one at a time (ARIA live region).
//
// What comes at once is said together, and then nothing for a while. Of what is counted only the
// sum is said: `announceMany(2, (n) => `${n} pictures described`)` and one more make "3 pictures
// described". A message that is said already is not said again with it.

const GATHER = 150; // milliseconds: what comes together is said together
const PAUSE = 4_000; // milliseconds between two messages: a reader needs to finish the first

let waiting = []; // [{kind, count, words}]
let timer;
let lastSaid = -PAUSE;

export const announce = (text) => text && add(text, 0, () => text);

// `kind` tells apart what is counted apart; what `words` says of one is its kind otherwise.
export const announceMany = (count, words, kind = words(1)) =>
  count > 0 && add(kind, count, words);

function add(kind, count, words) {
  const same = waiting.find((one) => one.kind === kind);
  if (same) Object.assign(same, { count: same.count + count, words });
  else waiting.push({ kind, count, words });
  timer ??= setTimeout(say, Math.max(GATHER, lastSaid + PAUSE - performance.now()));
}

function say() {
  timer = undefined;
  lastSaid = performance.now();
  const text = waiting.map(({ count, words }) => words(count)).join(" ");
  waiting = [];
  const region = regionOf(document);
  if (!region) return;
  // The same text twice would be no change.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

// What is outside of an open modal dialog is not heard, so each has a region of its own.
function regionOf(page) {
  const inside = [...page.querySelectorAll("dialog:modal")].at(-1);
  if (!inside) return page.querySelector("[data-announcements]");
  const there = inside.querySelector(":scope > [data-announcements]");
  if (there) return there;
  const made = page.createElement("div");
  made.className = "sr-only";
  made.setAttribute("role", "status");
  made.dataset.announcements = "";
  inside.append(made);
  return made;
}
