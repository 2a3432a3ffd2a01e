// Shortcuts of the grid (grid-keyboard.js), for the sheet of shortcuts.

export const GRID_SHORTCUTS = [
  { keys: ["←", "→", "↑", "↓"], text: "Go from picture to picture" },
  { keys: ["Home", "End"], text: "Go to the first or the last picture" },
  { keys: ["Page Up", "Page Down"], text: "Go a screen up or down" },
  { keys: ["/"], text: "Search" },
  { keys: ["Enter"], text: "Open the picture" },
];
