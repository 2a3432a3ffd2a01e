// Typed words: the texts as an editor has them, and what of them differs from what is said now.
//
// A draft is {words, base}: what is typed, and what stood there when typing began. What somebody else
// changed meanwhile stays, but where it was typed over.

export const plain = (text) => ({
  alt_text: text?.alt_text ?? "",
  description: text?.description ?? "",
  tags: (text?.tags ?? []).join(", "),
});

const tagsOf = (typed) => typed.split(/[,;\n]/).map((tag) => tag.trim()).filter(Boolean);

// What an editor shows, of a draft or of none.
export function shownWords(draft, now) {
  if (!draft) return now;
  const { words, base } = draft;
  const pick = (name) => (words[name] === base[name] ? now[name] : words[name]);
  return Object.fromEntries(Object.keys(now).map((name) => [name, pick(name)]));
}

// What differs, as the API takes it.
export function changesOf(shown, now) {
  const changes = {};
  // Without an alt text nobody has said anything; a description may well be empty.
  if (shown.alt_text.trim() !== now.alt_text) changes.alt_text = shown.alt_text.trim() || null;
  if (shown.description.trim() !== now.description) changes.description = shown.description.trim();
  if (shown.tags !== now.tags) changes.tags = tagsOf(shown.tags);
  return changes;
}
