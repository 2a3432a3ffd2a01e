// Storage: lends the page some where the browser keeps none, as with cookies blocked. What relies on
// it works then, and is forgotten with the page.
for (const name of ["localStorage", "sessionStorage"]) {
  try {
    if (window[name]) continue;
  } catch {
    // Even looking at it is refused.
  }
  const kept = new Map();
  const storage = {
    getItem: (key) => kept.get(String(key)) ?? null,
    setItem: (key, value) => void kept.set(String(key), String(value)),
    removeItem: (key) => void kept.delete(String(key)),
    clear: () => kept.clear(),
    key: (at) => [...kept.keys()][at] ?? null,
    get length() {
      return kept.size;
    },
  };
  Object.defineProperty(window, name, { configurable: true, value: storage });
}
