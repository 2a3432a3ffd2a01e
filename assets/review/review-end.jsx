// The end of a queue, and what stands there until the first picture is known.

import { useEffect, useRef } from "react";
import { PartyPopper } from "lucide-react";
import { params } from "$/public/shell/address.js";

const ELSEWHERE = [
  { state: "returned", name: "Returned texts" },
  { state: "missing", name: "Missing texts" },
];

function addressOf(changes) {
  const next = params();
  for (const [name, value] of Object.entries({ at: null, ...changes })) {
    if (value === null) next.delete(name);
    else next.set(name, value);
  }
  return `/review?${next}`;
}

export function End({ line }) {
  const title = useRef(null);
  const done = line.loaded;
  useEffect(() => {
    if (done && line.sitting.passed) title.current?.focus();
  }, [done, line]);
  if (!done) {
    return (
      <div className="rows rows-loading" aria-hidden>
        <div className="coming">
          <span />
          <span />
          <span />
        </div>
      </div>
    );
  }
  const { decided, approved } = line.sitting;
  const left = line.total;
  return (
    <section className="hero plain">
      <PartyPopper size={48} aria-hidden />
      <h2 ref={title} tabIndex={-1}>
        {left ? "That was the last one" : "Nothing waits for you here"}
      </h2>
      <p>
        {decided > 0 &&
          `You decided on ${decided} ${decided === 1 ? "text" : "texts"} and approved ${approved}. `}
        {left > 0 &&
          `${left} ${left === 1 ? "waits" : "wait"} still: skipped by you, or in front of somebody else.`}
        {!left && !decided && "Every text of this queue has been looked at."}
      </p>
      <div className="row">
        {left > 0 && (
          <button type="button" className="button primary" onClick={() => line.beginAgain()}>
            Begin again
          </button>
        )}
        {line.undoable.length > 0 && (
          <button
            type="button"
            className="button"
            aria-keyshortcuts="u Control+Z"
            onClick={() => line.undo()}
          >
            Undo <kbd aria-hidden>U</kbd>
          </button>
        )}
        <a className="button" href="/">
          All pictures
        </a>
        {ELSEWHERE.filter(({ state }) => state !== params().get("state")).map(({ state, name }) => (
          <a key={state} className="button" href={addressOf({ state, doubt: null })}>
            {name}
          </a>
        ))}
      </div>
    </section>
  );
}
