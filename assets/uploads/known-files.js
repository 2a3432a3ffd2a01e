// Known files: looks up by SHA-256 which are pictures of the person already, and need not be sent.

const MOST_HASHED_BYTES = 64 * 1024 * 1024;

// Browsers hash on secure pages only; elsewhere the server finds what it has once it is sent.
export const canHash = () => Boolean(globalThis.crypto?.subtle);

async function hashOf(file) {
  if (file.size > MOST_HASHED_BYTES) return undefined;
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  } catch {
    return undefined; // it cannot be read: sending it says why
  }
}

// Gives each row its `sha256` as far as that can be; the pictures that are there, by it.
export async function lookUp(rows, person) {
  const hashes = new Map();
  for (const row of rows) {
    const sha256 = await hashOf(row.file);
    if (sha256) hashes.set(row.id, sha256);
  }
  if (!hashes.size) return { hashes, pictures: new Map() };
  return { hashes, pictures: await find([...new Set(hashes.values())], person) };
}

async function find(sha256, person) {
  try {
    const answer = await fetch("/api/images/by-hash", {
      method: "POST",
      headers: { "Content-Type": "application/json", "Imgapp-Person": person },
      body: JSON.stringify({ sha256 }),
    });
    const { items = [] } = answer.ok ? await answer.json() : {};
    return new Map(items.map((image) => [image.sha256, image]));
  } catch {
    return new Map(); // they are sent, and found then
  }
}
