// Calls of Review: asks the API for what is next, and tells it what was decided.

const LEAVES_WITHIN_MS = 250;
const UNREACHED = "imgapp cannot be reached.";

// What went wrong, in a sentence for people, with the status of the answer (0: there was none).
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

async function call(path, { method = "GET", body, headers = {} } = {}) {
  const request = { method, headers: { ...headers }, keepalive: method === "POST" };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(path, request).catch(async () => {
    // A page that is left cuts what was asked, though it may well arrive: that is no refusal.
    await new Promise((resolve) => setTimeout(resolve, LEAVES_WITHIN_MS));
    throw new Refusal(0, UNREACHED);
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, reason(answer.status, said));
  return { said, etag: answer.headers.get("ETag")?.replaceAll('"', "") ?? null };
}

function reason(status, said) {
  if (status === 401) return "You are signed out. Sign in again in another tab.";
  if (status === 404) return "The picture is not here any more.";
  if (status === 412) return "Meanwhile somebody else changed the text.";
  return said.detail || "That did not work.";
}

// `query` is that of the page's address, without the place.
export async function readQueue(query, { reviewer, from, limit }) {
  const wanted = new URLSearchParams(query);
  wanted.set("reviewer", reviewer);
  wanted.set("limit", limit);
  if (from) wanted.set("from", from);
  return (await call(`/api/review?${wanted}`)).said;
}

// Others get at once what this page had; not what the one has that comes in its place.
export function giveBack({ reviewer, until }) {
  const left = new URLSearchParams({ reviewer, until });
  fetch(`/api/review?${left}`, { method: "DELETE", keepalive: true }).catch(() => {});
}

export async function decide(item, body) {
  const version = item.etag ? { "If-Match": `"${item.etag}"` } : { "If-None-Match": "*" };
  const path = `/api/review/${item.image_id}/${encodeURIComponent(item.language)}`;
  return (await call(path, { method: "POST", body, headers: version })).said;
}

// What is said now, by somebody else perhaps: {text, etag}, both null where nothing is.
export async function readText(item) {
  const path = `/api/images/${item.image_id}/texts/${encodeURIComponent(item.language)}`;
  try {
    const { said, etag } = await call(path);
    return { text: said, etag };
  } catch (error) {
    if (error.status === 404) return { text: null, etag: null };
    throw error;
  }
}
