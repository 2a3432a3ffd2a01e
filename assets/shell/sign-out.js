// Sign-out: forgets what was being uploaded, so that whoever signs in next learns nothing of it.
addEventListener("submit", (event) => {
  const where = new URL(event.target.action, location.href).pathname;
  if (where !== "/api/sign-out" && where !== "/api/account/delete") return;
  try {
    indexedDB.deleteDatabase("imgapp-uploads");
  } catch {
    // Storage may be blocked; then nothing was kept.
  }
});
