// The keys of Review, for the sheet of shortcuts. Each but the last three belongs to a button on the
// page that names it in its `aria-keyshortcuts` (viewer-keys.js).

export const REVIEW_SHORTCUTS = [
  { keys: ["a"], text: "Approve the text" },
  { keys: ["e"], text: "Edit it" },
  { keys: ["d"], text: "The picture is decorative" },
  { keys: ["r"], text: "Return it, with a word why" },
  { keys: ["s"], text: "Skip the picture" },
  { keys: ["t"], text: "Show the model's text, where it waits" },
  { keys: ["→", "j"], text: "Next picture" },
  { keys: ["←", "k"], text: "Previous picture" },
  { keys: ["u", "Ctrl+z"], text: "Take the last decision back" },
  { keys: ["Ctrl+Enter"], text: "Editing: save and approve" },
  { keys: ["Esc"], text: "Editing: leave it as it was" },
];
