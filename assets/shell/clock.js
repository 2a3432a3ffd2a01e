// The clock: draws again what depends on now, once it is another (hook).

import { useSyncExternalStore } from "react";

const MINUTE_MS = 60_000;

const listeners = new Set();
let timer;

// On every minute, of which midnight is one, and when a page that slept is looked at again.
function tick() {
  clearTimeout(timer);
  timer = setTimeout(tick, MINUTE_MS - (Date.now() % MINUTE_MS));
  for (const listener of listeners) listener();
}

function subscribe(listener) {
  listeners.add(listener);
  if (listeners.size === 1) {
    document.addEventListener("visibilitychange", tick);
    tick();
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size) return;
    document.removeEventListener("visibilitychange", tick);
    clearTimeout(timer);
  };
}

// What `say` says now: a text, or anything else that is the same while nothing changes.
export const useNow = (say) => useSyncExternalStore(subscribe, say, say);
