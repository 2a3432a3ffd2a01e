// Whoever signs in next in this browser learns nothing of what was being uploaded.
addEventListener("submit", (event) => {
  const where = new URL(event.target.action, location.href).pathname;
  if (where !== "/api/sign-out" && where !== "/api/account/delete") return;
  try {
    indexedDB.deleteDatabase("imgapp-uploads");
  } catch {
    // Storage may be blocked; then nothing was kept.
  }
});
