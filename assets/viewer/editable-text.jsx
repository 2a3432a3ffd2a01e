// A text of a picture that is edited in its place.
//
// What is typed is never lost: not when the text changes meanwhile (that is said), not when saving
// fails (the old text is shown again, and why), not when another picture is looked at (drafts.js).

import { useEffect, useLayoutEffect, useId, useRef, useState } from "react";
import { Pencil } from "lucide-react";
import { LONG, advice, lengthOf } from "$/public/viewer/alt-advice.js";
import { draftOf, keepDraft } from "$/public/viewer/drafts.js";
import { Changed, save, saveText } from "$/public/viewer/picture-edits.js";
import { say } from "$/public/viewer/viewer-toast.js";

const saidOf = (text, field) => text?.[field] ?? "";

// `draft` is {text, base} while it is edited; `saved` is shown until the server says the same;
// `theirs` is what somebody else wrote meanwhile, until the page says the same.
function useText({ imageId, field, value, title, language, version }) {
  const name = language ? `${language} ${field}` : field;
  const [draft, setDraft] = useState(() => draftOf(imageId, name) ?? null);
  const [saved, setSaved] = useState(null);
  const [theirs, setTheirs] = useState(null);
  const [problem, setProblem] = useState("");
  const change = (next) => {
    const dirty = next && next.text !== next.base;
    keepDraft(imageId, name, dirty ? next : null);
    if (!next) setTheirs(null);
    setDraft(next);
  };
  const now = theirs ?? value;
  useEffect(() => setTheirs(null), [value]);
  const send = (changes) =>
    language
      ? saveText(imageId, language, version, changes, (text) => saidOf(text, field) === now)
      : save(imageId, changes);
  // Without an alt text nobody has said anything; other texts may well be empty.
  const empty = field === "alt_text" ? null : "";
  const submit = async ({ approve = false } = {}) => {
    const { text, base } = draft;
    const wanted = text.trim();
    setProblem("");
    const same = wanted === base.trim() && base === now;
    if (same && !approve) return change(null);
    const changes = same ? { approve } : { [field]: wanted || empty };
    if (approve) changes.approve = true;
    setSaved({ text: wanted, base: value });
    change(null);
    try {
      const answer = await send(changes);
      setSaved((before) => before && { ...before, text: saidOf(answer, field), done: true });
      say(approve ? `${title} saved and approved` : `${title} saved`);
    } catch (error) {
      setSaved(null);
      change({ text, base });
      if (error instanceof Changed) setTheirs(saidOf(error.text, field));
      setProblem(`Not saved: ${error.message}`);
    }
    return undefined;
  };
  const settled = saved?.done && (value === saved.text || value !== saved.base);
  useEffect(() => {
    if (settled) setSaved(null);
  }, [settled]);
  return { draft, change, submit, saved, now, problem, setProblem };
}

function Counter({ text }) {
  const said = advice(text);
  const length = lengthOf(text);
  return (
    <p className={length > LONG ? "alt-advice much" : "alt-advice"}>
      <span className="alt-length">
        {length}
        <span aria-hidden> / {LONG}</span>
        <span className="sr-only"> of {LONG} characters advised</span>
      </span>{" "}
      <span aria-live="polite">{said}</span>
    </p>
  );
}

function Meanwhile({ value, lang, onTake }) {
  return (
    <div className="meanwhile" role="status">
      <p>
        <strong>Meanwhile it was changed.</strong> It says now:{" "}
        {value ? <q lang={lang || undefined} dir="auto">{value}</q> : "nothing"}
      </p>
      <button type="button" className="button small" onClick={onTake}>
        Use that instead
      </button>
    </div>
  );
}

function Editor({ title, language, long, most, counts, text }) {
  const id = useId();
  const box = useRef(null);
  const { draft, change, submit, now, problem } = text;
  // Before the next key: whoever types on at once types into the field.
  useLayoutEffect(() => {
    box.current.focus();
    box.current.setSelectionRange(draft.text.length, draft.text.length);
    // At its opening only.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);
  const onKeyDown = (event) => {
    const saves = event.key === "Enter" && (long ? event.ctrlKey || event.metaKey : !event.shiftKey);
    if (!saves && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (saves) submit();
    else change(null);
  };
  return (
    <form
      className="editor"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label htmlFor={id} className="sr-only">
        {title}
      </label>
      <textarea
        ref={box}
        id={id}
        className="input long"
        lang={language || undefined}
        dir="auto"
        rows={long ? 4 : 2}
        maxLength={most}
        value={draft.text}
        aria-describedby={`${id}-keys`}
        onChange={(event) => change({ ...draft, text: event.target.value })}
        onKeyDown={onKeyDown}
      />
      {counts && <Counter text={draft.text} />}
      {now !== draft.base && now !== draft.text && (
        <Meanwhile value={now} lang={language} onTake={() => change({ text: now, base: now })} />
      )}
      {problem && (
        <p role="alert" className="form-message">
          {problem}
        </p>
      )}
      <div className="row">
        <button type="submit" className="button small primary">
          Save
        </button>
        {language && (
          <button type="button" className="button small" onClick={() => submit({ approve: true })}>
            Save and approve
          </button>
        )}
        <button type="button" className="button small" onClick={() => change(null)}>
          Cancel
        </button>
        <small id={`${id}-keys`} className="quiet">
          {long ? "Ctrl+Enter" : "Enter"} saves, Escape cancels
        </small>
      </div>
    </form>
  );
}

// What the picture's own text says, for whoever writes it in another language.
function Beside({ beside, besideLanguage, besideName }) {
  return (
    <p className="beside">
      <span className="byline">{besideName}: </span>
      <span lang={besideLanguage} dir="auto">
        {beside}
      </span>
    </p>
  );
}

export function EditableText(props) {
  const { title, value, language, shownAs, nothing, keys, beside, children } = props;
  const text = useText(props);
  const { draft, change, saved } = text;
  const pencil = useRef(null);
  const wasOpen = useRef(false);
  const begin = () => {
    text.setProblem("");
    change({ text: value, base: value });
  };
  useLayoutEffect(() => {
    if (wasOpen.current && !draft) pencil.current?.focus();
    wasOpen.current = Boolean(draft);
  }, [draft]);
  const said = saved ? saved.text : value;
  return (
    <>
      <div className="viewer-text-head">
        {children}
        {!draft && (
          <button
            ref={pencil}
            type="button"
            className="button ghost icon small edit"
            aria-label={`Edit: ${title}`}
            aria-keyshortcuts={keys}
            onClick={begin}
          >
            <Pencil size={15} aria-hidden />
          </button>
        )}
      </div>
      {draft ? (
        <Editor {...props} text={text} />
      ) : (
        <p
          className={`${said ? "said" : "quiet"} ${shownAs ?? ""} ${saved && !saved.done ? "saving" : ""}`}
          lang={(said && language) || undefined}
          dir={said ? "auto" : undefined}
          onDoubleClick={begin}
        >
          {said || nothing}
        </p>
      )}
      {beside && <Beside {...props} />}
    </>
  );
}
