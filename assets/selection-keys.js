// The keys for several pictures at once, as people read them, for the sheet of shortcuts.

export const SELECTION_SHORTCUTS = [];
