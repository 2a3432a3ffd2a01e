// Connecting a vision model: where its server is, which model, how it fares. The key goes straight to
// the API: through no websocket and into no state on the server.

import { useId, useState } from "react";

const BASE = "/api/installation";
const LOST = "imgapp cannot be reached. Try again in a moment.";

async function ask(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error(LOST);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.detail ?? "That did not work. Try again in a moment.");
  return said;
}

// What is fetched comes line by line: what is being done, and how much of it.
async function pull(body, onProgress) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${BASE}/model-servers/pull`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? LOST);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    for (const line of lines.filter(Boolean)) {
      const said = JSON.parse(line);
      if (said.error) throw new Error(said.error);
      onProgress(said);
    }
    if (done) return;
  }
}

const seconds = (n) => (n < 90 ? `${n.toFixed(1)} s` : `${Math.round(n / 60)} min`);

function Trial({ found }) {
  const facts = [
    found.model_version,
    found.works && seconds(found.seconds),
    found.input_tokens !== null && `${found.input_tokens} + ${found.output_tokens ?? 0} tokens`,
    found.cost !== null && `$${found.cost.toFixed(5)}`,
  ];
  return (
    <div role="status" className={found.works ? "trial" : "trial trial-bad"} data-testid="trial">
      {found.image_id && (
        <img src={`/api/images/${found.image_id}/file?variant=thumbnail`} alt="" width="96" />
      )}
      <div>
        <p>
          <strong>{found.sentence}</strong>
        </p>
        {found.said && <p className="quiet">The server said: {found.said}</p>}
        {found.works && (
          <dl lang={found.language ?? undefined}>
            <dt>Alt text</dt>
            <dd>{found.alt_text || "None: it takes the picture for decoration."}</dd>
            {found.visible_text && <dt>Visible text</dt>}
            {found.visible_text && <dd>{found.visible_text}</dd>}
            {found.tags?.length > 0 && <dt>Tags</dt>}
            {found.tags?.length > 0 && <dd>{found.tags.join(", ")}</dd>}
          </dl>
        )}
        <p className="quiet">{facts.filter(Boolean).join(" · ")}</p>
        {found.takes.map((line) => (
          <p className="quiet" key={line}>
            {line}
          </p>
        ))}
      </div>
    </div>
  );
}

// One thing at a time: what is being done, what came of it.
function useErrand() {
  const [state, setState] = useState({});
  async function run(doing, work) {
    setState({ doing });
    try {
      setState((await work((progress) => setState({ doing, ...progress }))) ?? {});
    } catch (error) {
      setState({ problem: error instanceof TypeError ? LOST : error.message });
    }
  }
  return [state, run];
}

function Outcome({ state }) {
  return (
    <>
      {state.doing && (
        <p role="status" className="quiet">
          {state.doing}
          {state.share != null && <progress value={state.share} aria-label={state.doing} />}
        </p>
      )}
      {state.problem && (
        <p role="alert" className="form-message">
          {state.problem}
        </p>
      )}
      {state.trial && <Trial found={state.trial} />}
    </>
  );
}

// "Try it" beside a model that is connected.
export function ModelTrial({ name }) {
  const [state, run] = useErrand();
  const path = `/model-trials/${name.split("/").map(encodeURIComponent).join("/")}`;
  const attempt = async () => ({ trial: await ask("POST", path, {}) });
  return (
    <div className="model-trial">
      <button
        type="button"
        className="button small"
        aria-label={`Try ${name}`}
        disabled={Boolean(state.doing)}
        onClick={() => run("Asking about your newest picture. This may take minutes.", attempt)}
      >
        Try it
      </button>
      <Outcome state={state} />
    </div>
  );
}

const HERE = "here"; // run by imgapp itself: it has no address and no key
const EMPTY = { base_url: "", api_key: "", model: "", name: "" };

export function ModelForm({ kinds, onDone }) {
  const id = useId();
  const [fields, setFields] = useState({ kind: kinds.find((one) => one.kind !== HERE).kind, ...EMPTY });
  const [found, setFound] = useState(null);
  const [models, setModels] = useState(null);
  const [state, run] = useErrand();
  const kind = kinds.find((one) => one.kind === fields.kind);
  const busy = Boolean(state.doing);

  const set = (changes) => setFields((now) => ({ ...now, ...changes }));
  const said = (...names) =>
    Object.fromEntries(names.map((n) => [n, fields[n].trim()]).filter(([, text]) => text));
  const place = () => ({ kind: fields.kind, ...said("base_url", "api_key") });
  const whole = () => ({ ...place(), ...said("model", "name") });
  const chosen = models?.find((one) => one.name === fields.model.trim());

  const look = () =>
    run("Looking on this machine.", async () => setFound((await ask("GET", "/model-servers/here")).items));
  const list = () =>
    run("Asking the server.", async () => {
      const { items: listed } = await ask("POST", "/model-servers/models", place());
      setModels(listed);
      if (!fields.model) set({ model: listed.find((one) => one.sees !== false)?.name ?? "" });
    });
  const attempt = () =>
    run("Asking about your newest picture. This may take minutes.", async () => ({
      trial: await ask("POST", "/model-trials", whole()),
    }));
  const fetchModel = () =>
    run(`Ollama fetches ${fields.model}.`, async (progress) => {
      await pull({ ...place(), model: fields.model.trim() }, (one) =>
        progress({ doing: `Ollama: ${one.status}`, share: one.share }),
      );
      setModels((await ask("POST", "/model-servers/models", place())).items);
    });
  const connect = (event) => {
    event.preventDefault();
    run("Connecting.", async () => {
      await ask("POST", "/models", whole());
      setFields({ kind: fields.kind, ...EMPTY });
      setModels(null);
      onDone?.();
    });
  };
  const take = (server) => {
    set({ kind: server.kind, base_url: server.base_url, model: server.models[0] ?? "" });
    setModels(server.models.map((name) => ({ name, sees: null })));
    setFound(null);
  };

  const field = (label, name, attributes, hint) => (
    <div className="field">
      <label htmlFor={id + name}>{label}</label>
      <input
        id={id + name}
        name={name}
        className="input"
        autoComplete="off"
        spellCheck={false}
        value={fields[name]}
        onChange={(event) => set({ [name]: event.target.value })}
        {...attributes}
      />
      {hint && <p className="field-hint">{hint}</p>}
    </div>
  );

  return (
    <form onSubmit={connect} className="once model-form" aria-busy={busy}>
      <fieldset disabled={busy}>
        <button type="button" className="button" onClick={look}>
          Look on this machine
        </button>
        {found?.length === 0 && (
          <p role="status" className="quiet">
            None of the usual servers answers here. If imgapp runs in a container, write the address of
            the machine below.
          </p>
        )}
        {found?.length > 0 && (
          <ul className="found-servers" aria-label="Servers on this machine">
            {found.map((server) => (
              <li key={server.base_url}>
                <button type="button" className="button small" onClick={() => take(server)}>
                  {server.title}, {server.models.length} models
                </button>
              </li>
            ))}
          </ul>
        )}
        <div className="field">
          <label htmlFor={`${id}kind`}>Server</label>
          <select
            id={`${id}kind`}
            className="input"
            value={fields.kind}
            onChange={(event) => {
              set({ kind: event.target.value, base_url: "", api_key: "" });
              setModels(null);
            }}
          >
            {kinds.map((one) => (
              <option key={one.kind} value={one.kind}>
                {one.title}
              </option>
            ))}
          </select>
        </div>
        {fields.kind !== HERE && (
          <>
            {field("Address", "base_url", {
              type: "url",
              placeholder: kind.base_url ?? "http://localhost:8080/v1",
              required: !kind.base_url,
            })}
            {field("Key", "api_key", { type: "password", required: kind.needs_key, maxLength: 2000 },
              "It is kept encrypted, and never shown again.")}
          </>
        )}
        <div className="row">
          <button type="button" className="button small" onClick={list}>
            Which models are there?
          </button>
          {models && (
            <span role="status" className="quiet">
              {models.length === 1 ? "1 model" : `${models.length} models`}
            </span>
          )}
        </div>
        {field("Model", "model", { list: `${id}models`, required: true, maxLength: 200 })}
        <datalist id={`${id}models`}>
          {models?.map((one) => (
            <option key={one.name} value={one.name}>
              {one.sees === false ? "cannot look at pictures" : one.sees ? "looks at pictures" : ""}
            </option>
          ))}
        </datalist>
        {chosen?.sees === false && (
          <p role="status" className="form-message">
            {fields.model} cannot look at pictures: choose another one.
          </p>
        )}
        {fields.kind === "ollama" && models && fields.model && !chosen && (
          <button type="button" className="button small" onClick={fetchModel}>
            Have Ollama fetch {fields.model}
          </button>
        )}
        {field("Name, as people choose it", "name", { maxLength: 200, placeholder: fields.model })}
        <div className="row">
          <button type="button" className="button" disabled={!fields.model} onClick={attempt}>
            Try it
          </button>
          <button type="submit" className="button primary">
            Connect
          </button>
        </div>
      </fieldset>
      <Outcome state={state} />
    </form>
  );
}
