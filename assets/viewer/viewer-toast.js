// Toasts of the viewer: short confirmations, said politely, seen for a moment.

const listeners = new Set();
let said = { text: "", serial: 0 };

export function say(text) {
  said = { text, serial: said.serial + 1 };
  listeners.forEach((listener) => listener());
}

export const lastSaid = () => said;

export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
