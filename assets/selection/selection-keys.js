// The keys for several pictures at once, as people read them, for the sheet of shortcuts.

export const SELECTION_SHORTCUTS = [
  { keys: ["x"], text: "Select the picture" },
  { keys: ["Shift+Click"], text: "Select from the last one to this one" },
  { keys: ["Ctrl+a"], text: "Select all" },
  { keys: ["t"], text: "Tags of the selected pictures" },
  { keys: ["Ctrl+p"], text: "Print the selected pictures with their texts" },
  { keys: ["Delete"], text: "Move the selected pictures to the trash" },
  { keys: ["Esc"], text: "Select none" },
];
