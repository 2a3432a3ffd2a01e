// Picture edits: send changes of texts to the API, and tell whoever types what became of them.

const UNREACHED = "imgapp cannot be reached. Try again in a moment.";

// The picture as it is then. Throws an Error with a sentence for people.
export async function save(imageId, changes) {
  const request = {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(changes),
  };
  const answer = await fetch(`/api/images/${encodeURIComponent(imageId)}`, request).catch(() => {
    throw new Error(UNREACHED);
  });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(reason(answer.status, said));
  return said;
}

function reason(status, said) {
  if (status === 401) return "You are signed out. Sign in again in another tab, then save.";
  if (status === 404) return "This picture is not here any more.";
  return said.detail || "That did not work. Try again in a moment.";
}
