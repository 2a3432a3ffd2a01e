// Sends files through the server, by the tus protocol: small ones in one request, others in pieces.
// After a lost connection those go on from the byte that the server has, and small ones begin anew.

import { Upload } from "tus-js-client";
import { result } from "$/public/uploads/outcomes.js";
import { parsed, persist, Refused } from "$/public/uploads/retry.js";
import { sendBody } from "$/public/uploads/send-body.js";

const ENDPOINT = "/api/tus";
// A proxy that buffers bodies keeps a piece to itself until it is whole.
const PIECE_BYTES = 8 * 1024 * 1024;
const WHOLE_BYTES = PIECE_BYTES;

const isOurs = (url) => Boolean(url?.includes(`${ENDPOINT}/`));

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

// A file as the body of the request that announces it (creation with upload): what became of it.
async function carryWhole({ file, name, person, signal, onSent }) {
  const headers = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": String(file.size),
    "Upload-Metadata": `filename ${base64(name)}`,
    "Content-Type": "application/offset+octet-stream",
    "Imgapp-Person": person,
  };
  const answer = await sendBody("POST", ENDPOINT, file, { headers, onSent, signal });
  const body = parsed(answer.text);
  if (answer.status === 201) return body;
  const refused = new Refused({ status: answer.status, body });
  refused.retryAfter = Number(answer.header("Retry-After")) || 0;
  throw refused;
}

function refusedBy(error) {
  const answer = error.originalResponse;
  const refused = new Refused({
    status: answer?.getStatus() ?? 0,
    body: parsed(answer?.getBody() ?? ""),
  });
  refused.retryAfter = Number(answer?.getHeader("Retry-After")) || 0;
  return refused;
}

// One attempt: the answer to the last request.
function carry({ file, name, person, url, signal, onUrl, onSent }) {
  return new Promise((done, fail) => {
    const upload = new Upload(file, {
      endpoint: `${location.origin}${ENDPOINT}`,
      uploadUrl: url ?? null,
      chunkSize: PIECE_BYTES,
      metadata: { filename: name },
      headers: { Prefer: "return=representation", "Imgapp-Person": person },
      retryDelays: null,
      storeFingerprintForResuming: false,
      onUploadUrlAvailable: () => onUrl(upload.url),
      onProgress: onSent,
      onSuccess: ({ lastResponse }) => done(lastResponse),
      // What is no answer of the server is a mistake of ours, or a file that cannot be read.
      onError: (error) => fail(error.originalRequest ? refusedBy(error) : error),
    });
    const stop = () => {
      upload.abort(Boolean(upload.url)).catch(() => {});
      fail(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    signal.throwIfAborted();
    upload.start();
  });
}

async function ask(url, person, signal) {
  let answer;
  try {
    answer = await fetch(url, { signal, headers: { "Imgapp-Person": person } });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Refused({ status: 0 });
  }
  const body = parsed(await answer.text());
  if (!answer.ok) throw new Refused({ status: answer.status, body });
  return body;
}

// Resolves with how the row ends. Rejects with Refused, Unreadable, or the reason of `signal`.
export async function send(row, { person, signal, heard, onUrl, onSent }) {
  let url = isOurs(row.url) ? row.url : null;
  let most = 0;
  const learn = (known) => {
    url = known;
    onUrl(known);
  };
  const attempt = async () => {
    try {
      const sent = (bytes) => {
        heard(null);
        most = Math.max(most, bytes);
        onSent(bytes);
      };
      const options = { file: row.file, name: row.name, person, signal, onSent: sent };
      if (!url && row.file.size <= WHOLE_BYTES) {
        onSent(0); // it is under way, from the beginning
        return result(await carryWhole(options));
      }
      const answer = await carry({ ...options, url, onUrl: learn });
      const body = parsed(answer.getBody());
      return result(body.images ? body : await ask(url, person, signal));
    } catch (error) {
      // It expired, or the server was set up anew: from the beginning then.
      if (error.status === 404 && url) {
        url = null;
        error.status = 409;
      }
      throw error;
    }
  };
  return persist(attempt, { file: row.file, signal, heard, progressed: () => most });
}
