// The address of the page: what is looked for and which picture is open are parameters of it, so
// that it can be reloaded, shared and gone back to. The page stays as it is.

const listeners = new Set();
const tell = () => listeners.forEach((listener) => listener());
let leaving = false;

function goneTo() {
  leaving = false;
  tell();
}

if (typeof window !== "undefined") {
  addEventListener("popstate", goneTo);
  // The browser may keep the page as it was, and show it again.
  addEventListener("pageshow", () => {
    leaving = false;
  });
}

export const params = () => new URLSearchParams(location.search);

// Set parameters (null removes one). With `push`, Back leads to the address as it was.
export function change(changes, { push = false } = {}) {
  const next = params();
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of [value].flat()) if (one !== null && one !== "") next.append(name, one);
  }
  const query = next.toString();
  if (query === params().toString()) return;
  const address = `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  if (push)
    history.pushState(
      { ...history.state, imgapp: {}, pushed: Object.keys(changes) },
      "",
      address,
    );
  else history.replaceState(history.state, "", address);
  tell();
}

// Undo a `change` with `push` of one parameter: back to the address before it, if there is one.
// The browser goes back later: until then a second Escape would lead out of the page.
export function leave(name) {
  if (leaving) return;
  leaving = Boolean(history.state?.pushed?.includes(name));
  if (leaving) history.back();
  else change({ [name]: null });
}

// `listener` is called after each change of the address, by `change` or by going back and forth.
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// What to find again when somebody comes back to this entry of the history.
export function remember(values) {
  history.replaceState({ ...history.state, imgapp: { ...history.state?.imgapp, ...values } }, "");
}

export const remembered = (name) => history.state?.imgapp?.[name];
