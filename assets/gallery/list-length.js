// The list's length: the grid keeps it up to date, the bars around it say it (store).

import { useSyncExternalStore } from "react";

let known = { query: null, length: 0 };
const listeners = new Set();

export function note(query, length) {
  if (known.query === query && known.length === length) return;
  known = { query, length };
  for (const listener of listeners) listener();
}

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
const now = () => known;

// For `query`; `counted` until the grid knows.
export function useListed(query, counted) {
  const listed = useSyncExternalStore(subscribe, now, now);
  return listed.query === query ? listed.length : counted;
}
