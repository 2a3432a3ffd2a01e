// The theme: set before the first paint, so that a chosen one does not flash.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.style.colorScheme = chosen;
  }
} catch {
  // Storage may be blocked; the system's preference applies.
}
