// A sitting: what this tab keeps of its review over a reload: who it is, and how far it came.
//
// Kept when the page is left and taken out when it begins: a tab that is duplicated meanwhile is
// another reviewer, and does not get the same pictures.

const KEY = "imgapp-review";

// Also where the page is not secure, which `crypto.randomUUID` asks for.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export const nothingYet = () => ({ passed: 0, decided: 0, approved: 0 });

// {reviewer, query, from, passed, decided, approved}; counts are of a queue, and begin with another
// one. `at` is the place in the address: where it is the one that was left, the address had no time
// to follow, and what is kept goes before it.
export function takeUp(query, at) {
  let kept = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(KEY)) ?? {};
    sessionStorage.removeItem(KEY);
  } catch {
    // Storage may be blocked: then nothing is kept.
  }
  const same = kept.query === query;
  const { passed, decided, approved } = { ...nothingYet(), ...(same ? kept : {}) };
  const from = same && kept.at === at ? kept.from : at;
  return { reviewer: kept.reviewer ?? newId(), query, from, passed, decided, approved };
}

export function putDown(sitting, from, at) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...sitting, from, at }));
  } catch {
    // As above.
  }
}
