// What a server's answer to an upload means, and what can be known before asking.

function parsed(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

// How a refusal reads. `again` says whether trying once more makes sense.
export function refusal(request) {
  const body = request ? parsed(request) : {};
  const status = request?.status ?? 0;
  const said = body.rejected?.[0]?.detail ?? body.detail;
  if (status === 401)
    return { state: "failed", reason: "You are signed out. Sign in again.", signedOut: true };
  if (status === 413) return { state: "refused", reason: said ?? "The file is too large" };
  if (status === 507) return { state: "refused", reason: said ?? "There is no room for it" };
  if (status === 422) return { state: "refused", reason: said ?? "The file was not accepted" };
  if (status === 429) return { state: "failed", reason: said ?? "Too many at once. Try again.", again: true };
  if (status === 0)
    return { state: "failed", reason: "The connection was lost. Try again.", again: true };
  return { state: "failed", reason: said ?? `The server answered ${status}`, again: true };
}

// How an answer with status 202 reads.
export function result(body) {
  const image = body?.images?.[0];
  if (!image) {
    const reason = body?.rejected?.[0]?.detail ?? "The file was not accepted";
    return { state: "refused", reason };
  }
  return {
    state: image.duplicate ? "duplicate" : "done",
    imageId: image.id,
    thumb: image.urls?.thumbnail,
  };
}

// What is wrong with a file before it is sent.
export function problemOf(file, maxBytes) {
  if (file.size === 0) return "The file is empty";
  if (file.size > maxBytes) return `Larger than ${Math.round(maxBytes / 1024 / 1024)} MB`;
  return null;
}
