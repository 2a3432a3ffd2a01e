// Sends files straight to the bucket: each is announced to our server, sent with the presigned
// requests of its answer, and completed. After a lost connection only the parts go that are missing.

import { result, picture } from "$/public/uploads/outcomes.js";
import { isThere, parsed, persist, Refused, Unreadable } from "$/public/uploads/retry.js";
import { sendBody } from "$/public/uploads/send-body.js";

const ENDPOINT = "/api/uploads";
const MARK = "direct:";
// Answers of our server after which the way through it is taken.
const NOT_DIRECT = new Set(["direct_uploads_unavailable", "too_many_uploads"]);
const MOST_BUCKET_FAILURES = 2;

// The browser does not reach the bucket, or the server does not let it.
class Blocked extends Error {
  blocked = true;
}
class BucketFailed extends Error {}

async function ask(method, path, { person, signal, body } = {}) {
  let answer;
  try {
    answer = await fetch(`${ENDPOINT}${path}`, {
      method,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: {
        "Imgapp-Person": person,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
    });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused({ status: 0 });
  }
  const said = parsed(await answer.text());
  if (answer.ok) return { status: answer.status, body: said };
  if (NOT_DIRECT.has(said.code)) throw new Blocked(said.code);
  const refused = new Refused({ status: answer.status, body: said });
  refused.retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  throw refused;
}

async function put(url, data, headers, onSent, signal) {
  const { status } = await sendBody("PUT", url, data, { headers, onSent, signal });
  if (!status || status >= 300) throw new BucketFailed(status ? String(status) : "no answer");
}

// Resolves with how the row ends. Rejects with Blocked, Refused, Unreadable, or the reason of `signal`.
export async function send(row, { person, signal, heard, onUrl, onSent }) {
  const { file } = row;
  let id = row.url?.startsWith(MARK) ? row.url.slice(MARK.length) : null;
  let most = 0;
  let bucketFailures = 0;
  const call = (method, path, body) => ask(method, path, { person, signal, body });
  const sent = (bytes) => {
    if (bytes > most) heard(null);
    most = Math.max(most, bytes);
    onSent(bytes);
  };
  const abandon = () => {
    if (!id) return;
    const options = { method: "DELETE", keepalive: true, headers: { "Imgapp-Person": person } };
    fetch(`${ENDPOINT}/${id}`, options).catch(() => {});
  };

  async function begin() {
    const { status, body } = await call("POST", "", {
      filename: row.name,
      size: file.size,
      sha256: row.sha256,
    });
    if (status === 200) return { image: body };
    id = body.id;
    onUrl(`${MARK}${id}`);
    return body;
  }

  // Only what is missing of an upload that was begun; null if there is none any more.
  async function resume() {
    if (!id) return null;
    try {
      const { body: upload } = await call("GET", `/${id}`);
      if (upload.size !== file.size) return null;
      const numbers = upload.parts.filter((part) => !part.arrived).map((part) => part.number);
      if (upload.state !== "open" || !numbers.length) return { parts: [] };
      return (await call("POST", `/${id}/parts`, { numbers })).body;
    } catch (error) {
      if (error.status !== 404) throw error;
      id = null;
      return null;
    }
  }

  async function carry(begun) {
    if (begun.url) await put(begun.url, file, begun.headers, sent, signal);
    let before = file.size - begun.parts.reduce((sum, part) => sum + part.size, 0);
    for (const part of begun.parts) {
      const start = (part.number - 1) * begun.part_size;
      const data = file.slice(start, start + part.size);
      const after = before;
      await put(part.url, data, begun.headers, (bytes) => sent(after + bytes), signal);
      before += part.size;
      bucketFailures = 0;
    }
    sent(file.size);
  }

  async function attempt() {
    const begun = (await resume()) ?? (await begin());
    if (begun.image) return picture(begun.image);
    try {
      await carry(begun);
    } catch (error) {
      if (!(error instanceof BucketFailed)) throw error;
      if (!(await isThere(file))) throw new Unreadable();
      // Is it the bucket alone? If our server does not answer either, this throws.
      await call("GET", `/${id}`);
      bucketFailures += 1;
      if (bucketFailures >= MOST_BUCKET_FAILURES) throw new Blocked(error.message);
      throw new Refused({ status: 503 });
    }
    return result((await call("POST", `/${id}/complete`)).body);
  }

  try {
    return await persist(attempt, { file, signal, heard, progressed: () => most });
  } catch (error) {
    // Also when it was cancelled: the server removes what arrived. It would by itself after a day.
    if (signal.aborted || error instanceof Blocked) abandon();
    throw error;
  }
}
