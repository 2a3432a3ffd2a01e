// Retries: reads what an answer says about trying once more, and waits before that (backoff).

export const AT_ONCE = 3;
const WORTH_ANOTHER_TRY = new Set([0, 408, 409, 423, 429, 500, 502, 503, 504]);
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
// So often without any progress, for answers that mean that something is there and does not work.
const MOST_TRIES = { 0: Infinity, 423: 20, 429: 40, 502: Infinity, 503: Infinity, 504: Infinity };

export class Refused extends Error {
  constructor({ status, body }) {
    super(`The server answered ${status}`);
    this.status = status;
    this.body = body ?? {};
  }
}

// It has no status: asking the server again is of no use.
export class Unreadable extends Error {}

export function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const worthAnotherTry = ({ status }, tries) =>
  WORTH_ANOTHER_TRY.has(status) && tries < (MOST_TRIES[status] ?? 4);

// How a row says that it waits by itself; nothing for what is over in a moment.
function whyItWaits({ status, body }) {
  if (status === 0) return "Connection lost, going on by itself";
  if (status === 503 && body?.detail) return `${body.detail}. Going on by itself`;
  if (status >= 502) return "The server does not answer, going on by itself";
  return null;
}

// Until it is worth trying again: the longer the more often it failed, at once when the browser is
// online again, and not before the server said (`retryAfter` seconds).
export function pause(tries, signal, retryAfter = 0) {
  const wait = FIRST_WAIT_MS * 2 ** Math.min(tries, 6) * (0.75 + Math.random() / 2);
  const least = Math.min(retryAfter * 1000, 4 * LONGEST_WAIT_MS);
  return new Promise((done, fail) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      signal.removeEventListener("abort", stop);
      done();
    };
    const stop = () => {
      end();
      fail(signal.reason);
    };
    const timer = setTimeout(end, Math.max(least, Math.min(wait, LONGEST_WAIT_MS)));
    if (!least) addEventListener("online", end);
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
  });
}

const HOPELESS_AFTER = 8;

// The server answers others, and this request never: something on the way does not let it through.
async function isHopeless(tries) {
  if (tries < HOPELESS_AFTER) return false;
  try {
    return (await fetch("/api/health", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

// Whether the file is still what was chosen. One that was changed, moved or put away into a cloud
// cannot be read any more, and to whoever sends it that looks like a lost connection.
export async function isThere(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

// `attempt` until it succeeds or fails for good; `heard` is told why it waits, and null after that.
// Throws Unreadable where there is no answer because of the `file`.
export async function persist(attempt, { file, signal, heard, progressed }) {
  let tries = 0;
  for (;;) {
    const before = progressed();
    try {
      const result = await attempt();
      heard(null);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Refused)) throw error;
      if (error.status === 0 && !(await isThere(file))) throw new Unreadable();
      if (progressed() > before) tries = 0;
      if (!worthAnotherTry(error, tries)) throw error;
      if (error.status === 0 && (await isHopeless(tries))) throw error;
      heard(whyItWaits(error));
      await pause(tries, signal, error.retryAfter);
      tries += 1;
    }
  }
}
