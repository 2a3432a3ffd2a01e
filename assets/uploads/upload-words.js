// Uploads in words: formats sizes, speeds, times, and what all of them amount to.

export const SAID = {
  waiting: "Waiting",
  sending: "Uploading",
  saving: "Saving",
  done: "Added",
  duplicate: "Already in your library",
  missed: "Had not arrived. Choose it again",
};

export const number = (value) => value.toLocaleString("en");
export const count = (value, one, many) => `${number(value)} ${value === 1 ? one : many}`;

export function sizeText(bytes) {
  if (bytes < 1024 * 1024) return `${Math.max(1, Math.round(bytes / 1024))} kB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

export const speedText = (bytes) => `${sizeText(bytes)}/s`;

function timeText(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min left`;
  return `${(seconds / 3600).toFixed(1)} h left`;
}

export function summary(view) {
  const here = view.all - view.missed;
  if (view.busy) return `Uploading ${number(here - view.busy + 1)} of ${number(here)}`;
  const parts = [];
  const arrived = view.done + view.arrivedBefore;
  if (view.missed) {
    parts.push(`${number(arrived + view.duplicate)} arrived`, `${number(view.missed)} did not`);
  } else {
    if (view.done) parts.push(`${number(view.done)} added`);
    if (view.duplicate) parts.push(`${number(view.duplicate)} already there`);
  }
  if (view.refused) parts.push(`${number(view.refused)} not accepted`);
  if (view.failed) parts.push(`${number(view.failed)} failed`);
  return parts.join(", ") || "Nothing to upload";
}

// Said aloud, and so at turning points only.
export function announcement(view) {
  if (!view.all) return "";
  if (view.busy) return view.waits ? "Connection lost, uploads go on by themselves" : "Uploading";
  if (view.missed) return `Uploads were interrupted: ${summary(view)}`;
  return `Upload finished: ${summary(view)}`;
}

export function pace(view) {
  if (view.waits) return "Connection lost, going on by itself";
  if (!view.speed) return "";
  const left = view.secondsLeft === null ? "" : ` · ${timeText(view.secondsLeft)}`;
  return `${speedText(view.speed)}${left}`;
}
