// How often a request is tried, and when: the same for every way that files are sent.

export const AT_ONCE = 3;
const WORTH_ANOTHER_TRY = new Set([0, 429, 502, 503, 504]);
const LONGEST_WAIT_MS = 15_000;

export const worthAnotherTry = (request) => WORTH_ANOTHER_TRY.has(request.status);

export async function obeyRetryAfter(request) {
  if (request.status !== 429 && request.status !== 503) return;
  // A bucket shows this header to no page.
  const seconds = Number(request.getResponseHeader("Retry-After")) || 0;
  const wait = Math.min(seconds * 1000, LONGEST_WAIT_MS);
  await new Promise((done) => setTimeout(done, wait));
}
