// Upload outcomes: tells what a server's answer means, and what can be known before asking.

// How a refusal reads. `again` says whether trying once more makes sense.
export function refusal({ status, body = {} }) {
  const said = body.rejected?.[0]?.detail ?? body.detail;
  if (status === 401)
    return { state: "failed", reason: "You are signed out. Sign in again.", signedOut: true };
  if (status === 413)
    return {
      state: "refused",
      reason: said ?? "Larger than the server, or a proxy in front of it, takes",
    };
  if (status === 507) return { state: "refused", reason: said ?? "There is no room for it" };
  if (status === 422) return { state: "refused", reason: said ?? "The file was not accepted" };
  if (status === 429)
    return { state: "failed", reason: said ?? "Too many at once. Try again.", again: true };
  if (status === 0)
    return { state: "failed", reason: "The connection was lost. Try again.", again: true };
  return { state: "failed", reason: said ?? `The server answered ${status}`, again: true };
}

// How a row reads whose file could not be sent at all.
export function failure(error) {
  if (error?.status !== undefined) return refusal(error);
  return {
    state: "failed",
    reason: "The file could not be read. Was it moved or changed?",
    again: true,
  };
}

// How an answer reads that has the picture in it, or the reason why there is none.
export function result(body) {
  const image = body?.images?.[0];
  if (!image) {
    const reason = body?.rejected?.[0]?.detail ?? "The file was not accepted";
    return { state: "refused", reason };
  }
  return picture(image);
}

export const picture = (image) => ({
  state: image.duplicate ? "duplicate" : "done",
  imageId: image.id,
  thumb: image.urls?.thumbnail,
});

// What is wrong with a file before it is sent.
export function problemOf(file, maxBytes) {
  if (file.size === 0) return "The file is empty";
  if (file.size > maxBytes) return `Larger than ${Math.round(maxBytes / 1024 / 1024)} MB`;
  return null;
}
