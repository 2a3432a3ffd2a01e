// A form that is sent as JSON, whose answer holds a secret. The secret stays in this tab: it goes
// through no websocket and into no state on the server, and is gone when it is put away.

import { useState } from "react";
import { CopyButton } from "$/public/shell/copy.jsx";

const DAY = 24 * 3600 * 1000;

// What a field becomes is written in its `data-as`.
const readers = {
  list: (text) => text.split(" "),
  days: (text) => new Date(Date.now() + Number(text) * DAY).toISOString(),
  flag: () => true,
};

function bodyOf(form) {
  const body = {};
  for (const [name, text] of new FormData(form)) {
    const read = readers[form.elements[name]?.dataset.as] ?? ((plain) => plain);
    if (text !== "") body[name] = read(text);
  }
  return body;
}

async function send(action, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(action, { method: "POST", headers, body: JSON.stringify(body) });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail ?? "That did not work. Try again in a moment.");
  return said;
}

export function OnceForm({ action, secret, note, onDone, children }) {
  const [state, setState] = useState({});
  async function submit(event) {
    event.preventDefault();
    const form = event.currentTarget;
    setState({ busy: true });
    try {
      const said = await send(action, bodyOf(form));
      form.reset();
      setState({ shown: said[secret] });
      onDone?.();
    } catch (error) {
      const lost = error instanceof TypeError;
      setState({ problem: lost ? "imgapp cannot be reached. Try again in a moment." : error.message });
    }
  }
  return (
    <form onSubmit={submit} className="once" aria-busy={Boolean(state.busy)}>
      <fieldset disabled={Boolean(state.busy)}>{children}</fieldset>
      {state.problem && (
        <p role="alert" className="form-message">
          {state.problem}
        </p>
      )}
      {state.shown && (
        <div role="status" className="once-shown">
          <p>{note}</p>
          <div className="row">
            <code data-testid="secret">{state.shown}</code>
            <CopyButton text={state.shown} label="Copy" />
            <button type="button" className="button small ghost" onClick={() => setState({})}>
              Done
            </button>
          </div>
        </div>
      )}
    </form>
  );
}
