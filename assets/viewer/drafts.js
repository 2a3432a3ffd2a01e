// Drafts: keep what is typed and not saved yet, by picture and text, while the page is open.

const drafts = new Map();
const keyOf = (imageId, field) => `${imageId}:${field}`;

const warn = (event) => event.preventDefault();

export const draftOf = (imageId, field) => drafts.get(keyOf(imageId, field));

// `draft` is {text, base}; null forgets it.
export function keepDraft(imageId, field, draft) {
  if (draft) drafts.set(keyOf(imageId, field), draft);
  else drafts.delete(keyOf(imageId, field));
  if (drafts.size) addEventListener("beforeunload", warn);
  else removeEventListener("beforeunload", warn);
}

// Whether something of this picture is not saved yet.
export const keptDrafts = (imageId) =>
  [...drafts.keys()].some((key) => key.startsWith(`${imageId}:`));
