// Keys: tells what a key event means on any keyboard layout, and keeps the keys with which words are
// composed from everybody (input methods).

const TEXT =
  "input:not([type=checkbox], [type=radio], [type=file], [type=button], [type=submit])," +
  "textarea, [contenteditable]:not([contenteditable=false])";

// Whether text can be typed there, or pasted.
export const takesText = (target) => Boolean(target.closest?.(TEXT));

// The key by its name in small letters, whatever Caps Lock says. A letter that is not Latin counts as
// the one in its place on a keyboard that has Latin ones: "ч" and "χ" are "x".
export function keyOf({ key = "", code = "" }) {
  const foreign = /^[\p{L}\p{M}]+$/u.test(key) && !/\p{Script=Latin}/u.test(key);
  const letter = foreign && /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return letter.toLowerCase();
  return key.length === 1 ? key.toLowerCase() : key;
}

// 229 (UI Events) is all that some browsers say of the Enter or Escape that ends a composition.
const composes = (event) => event.isComposing || event.keyCode === 229;

if (typeof window !== "undefined") {
  const keep = (event) => {
    if (!composes(event)) return;
    event.stopImmediatePropagation();
    // Nor for the browser: it would send the form, or empty the field of a search.
    if (event.key === "Enter" || event.key === "Escape") event.preventDefault();
  };
  // Before anybody else: this module is loaded with every page.
  addEventListener("keydown", keep, { capture: true });
}
