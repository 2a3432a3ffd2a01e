// Picture edits: send changes of texts to the API, and tell whoever types what became of them.

const UNREACHED = "imgapp cannot be reached. Try again in a moment.";
const MOST_TRIES = 3;

// Somebody else changed what is being written over: `text` is what it says now, null if nothing is
// said any more.
export class Changed extends Error {
  constructor(text) {
    super("it was changed meanwhile.");
    this.text = text;
  }
}

async function ask(method, path, body, headers = {}) {
  const request = { method, headers };
  if (body) {
    request.headers = { "Content-Type": "application/json", ...headers };
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(path, request).catch(() => {
    throw new Error(UNREACHED);
  });
  return [answer, await answer.json().catch(() => ({}))];
}

const pathOf = (imageId) => `/api/images/${encodeURIComponent(imageId)}`;

// The picture as it is then. Throws an Error with a sentence for people.
export async function save(imageId, changes) {
  const [answer, said] = await ask("PATCH", pathOf(imageId), changes);
  if (!answer.ok) throw new Error(reason(answer.status, said));
  return said;
}

// The newest version that is known of a text, by what was saved here; versions are times. That of
// nothing is empty.
const versions = new Map();
const timeOf = (version) => (version ? parseInt(version, 16) : 0);

function newest(path, shown) {
  const own = versions.get(path);
  return own !== undefined && timeOf(own) > timeOf(shown) ? own : shown;
}

// What is said then in a language, of which `version` is shown. Throws an Error with a sentence for
// people, and Changed if somebody else changed what is written over: unless `holds` says of the text
// as it is now (null is none) that the changes still fit.
export async function saveText(imageId, language, version, changes, holds) {
  const path = `${pathOf(imageId)}/texts/${encodeURIComponent(language)}`;
  let required = newest(path, version);
  for (let tries = 0; ; tries += 1) {
    const [answer, said] = await ask("PUT", path, changes, { "If-Match": `"${required}"` });
    if (answer.ok) {
      versions.set(path, tagOf(answer));
      return said;
    }
    if (answer.status !== 412) throw new Error(reason(answer.status, said));
    const [found, text] = await ask("GET", path);
    if (!found.ok && found.status !== 404) throw new Error(reason(found.status, text));
    const now = found.ok ? text : null;
    required = found.ok ? tagOf(found) : "";
    versions.set(path, required);
    if (tries >= MOST_TRIES || !holds(now)) throw new Changed(now);
  }
}

const tagOf = (answer) => (answer.headers.get("ETag") ?? "").replaceAll('"', "");

function reason(status, said) {
  if (status === 401) return "You are signed out. Sign in again in another tab, then save.";
  if (status === 404) return "This picture is not here any more.";
  return said.detail || "That did not work. Try again in a moment.";
}
