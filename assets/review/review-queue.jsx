// Which queue it is, how far one is in it, and the options.

import { useId } from "react";
import { Settings2 } from "lucide-react";
import { change, params } from "$/public/shell/address.js";

const WAITING = [
  ["", "To review"],
  ["doubtful", "With doubts"],
  ["returned", "Returned"],
  ["missing", "Missing"],
  ["approved", "Approved"],
];

function Choice({ label, value, children, onChange }) {
  const id = useId();
  return (
    <>
      <label htmlFor={id} className="sr-only">
        {label}
      </label>
      <select id={id} className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        {children}
      </select>
    </>
  );
}

function Share({ label, hint, name, value, onShare }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="share">
        <input
          id={id}
          className="input"
          type="number"
          min="0"
          max="100"
          step="5"
          inputMode="numeric"
          defaultValue={value}
          key={value}
          aria-describedby={`${id}-hint`}
          onBlur={(event) => {
            const share = Math.round(Number(event.target.value));
            if (share !== value && share >= 0 && share <= 100) onShare(name, share);
          }}
          onKeyDown={(event) => event.key === "Enter" && event.target.blur()}
        />
        <span>%</span>
      </div>
      <p id={`${id}-hint`} className="field-hint">
        {hint}
      </p>
    </div>
  );
}

function Options({ language, options }) {
  const { blindShare, secondShare, agreement, onShare, onOptions } = options;
  const onToggle = (event) => event.newState === "open" && onOptions(language);
  return (
    <>
      <button
        type="button"
        className="button ghost icon"
        aria-label="Options of Review"
        title="Options"
        popoverTarget="review-options"
      >
        <Settings2 size={19} aria-hidden />
      </button>
      <div
        id="review-options"
        popover="auto"
        className="menu review-options"
        ref={(element) => {
          if (element) element.ontoggle = onToggle;
        }}
      >
        <h2>Options</h2>
        <Share
          label="Show the picture first"
          hint="Of so many pictures the model’s text is shown when you ask for it: who begins with it writes worse."
          name="review_blind_share"
          value={blindShare}
          onShare={onShare}
        />
        <Share
          label="Have a second person look"
          hint="So many of the texts approved here come to somebody who is signed in elsewhere."
          name="review_second_share"
          value={secondShare}
          onShare={onShare}
        />
        <p role="status">{agreement}</p>
      </div>
    </>
  );
}

function Progress({ line }) {
  if (!line.loaded || !line.current) return <p className="review-progress" />;
  const { approved } = line.sitting;
  return (
    <p className="review-progress" data-testid="progress">
      <strong>{line.position.toLocaleString("en")}</strong> of {line.of.toLocaleString("en")}
      <span className="quiet">
        , {approved.toLocaleString("en")} approved<span className="wide"> in this sitting</span>
      </span>
    </p>
  );
}

export function QueueBar({ line, language, languages, options }) {
  const now = params();
  const chosen = now.get("language") || language;
  const waiting = now.get("doubt") ? "doubtful" : (now.get("state") ?? "");
  const owed = languages.filter((one) => one.owed);
  const others = languages.filter((one) => !one.owed);
  const first = now.get("doubtful_first") === "true";
  const narrowed = [...now.keys()].some(
    (name) => !["language", "state", "doubt", "doubtful_first", "at"].includes(name),
  );
  const all = Object.fromEntries([...now.keys()].map((name) => [name, null]));
  const option = ({ tag, name }) => (
    <option key={tag} value={tag}>
      {name}
    </option>
  );
  return (
    <div className="review-queue" role="group" aria-label="Queue">
      <Choice label="Language" value={chosen} onChange={(tag) => change({ at: null, language: tag })}>
        <optgroup label="Yours">{owed.map(option)}</optgroup>
        <optgroup label="All">{others.map(option)}</optgroup>
      </Choice>
      <Choice
        label="Which texts"
        value={waiting}
        onChange={(one) =>
          change(
            one === "doubtful"
              ? { at: null, doubt: "any", state: null }
              : { at: null, doubt: null, state: one || null },
          )
        }
      >
        {WAITING.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </Choice>
      <button
        type="button"
        role="switch"
        aria-checked={first}
        className="toggle"
        onClick={() => change({ at: null, doubtful_first: first ? null : "true" })}
      >
        <span className="switch-track" aria-hidden />
        <span>Doubtful first</span>
      </button>
      {narrowed && (
        <button type="button" className="button small" onClick={() => change(all)}>
          Only some pictures: show all
        </button>
      )}
      <div className="space" />
      <Progress line={line} />
      <Options language={chosen} options={options} />
    </div>
  );
}
