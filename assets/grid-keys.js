// The keys of the grid, as people read them, for the sheet of shortcuts.

export const GRID_SHORTCUTS = [{ keys: ["Enter"], text: "Open the picture" }];
