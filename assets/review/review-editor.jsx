// The editor of Review: the texts of one language. Ctrl+Enter saves and approves, Escape leaves all
// as it was. What is typed stays with the picture until it is saved or left.

import { useId, useLayoutEffect, useRef } from "react";
import { LONG, advice, lengthOf } from "$/public/viewer/alt-advice.js";
import { textOf } from "$/public/review/review-line.js";
import { changesOf, plain, shownWords } from "$/public/review/typed-words.js";

function Advice({ text }) {
  const length = lengthOf(text);
  return (
    <p className={length > LONG ? "alt-advice much" : "alt-advice"}>
      <span className="alt-length">
        {length}
        <span aria-hidden> / {LONG}</span>
        <span className="sr-only"> of {LONG} characters advised</span>
      </span>{" "}
      <span aria-live="polite">{advice(text)}</span>
    </p>
  );
}

function Field({ label, as: Tag = "textarea", hint, children, ...rest }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <Tag id={id} className={Tag === "textarea" ? "input long" : "input"} dir="auto" {...rest} />
      {children}
    </div>
  );
}

export function Editor({ line, item, hidden }) {
  const text = textOf(item);
  const form = useRef(null);
  // Where the model's text waits, one begins with nothing.
  const now = plain(hidden ? null : text);
  const typed = shownWords(item.draft, now);
  // Before the next key: whoever types on at once types into the field.
  useLayoutEffect(() => {
    const box = form.current.querySelector("textarea");
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  }, []);
  const type = (change) => {
    item.draft = { words: { ...typed, ...change }, base: item.draft?.base ?? now };
    line.tell();
  };
  const leave = () => {
    Object.assign(item, { draft: null, problem: "", meanwhile: false });
    line.setMode("");
  };
  const save = (decision) => {
    const changes = changesOf(typed, now);
    const empty = !typed.alt_text.trim() && (hidden || !text?.decorative);
    if (decision === "approve" && empty) {
      item.problem = "There is no alt text to approve: write one, or say that it is decorative.";
      line.tell();
      return;
    }
    line.decide({ decision, ...changes }, item.draft);
  };
  const onKeyDown = (event) => {
    const saves = event.key === "Enter" && (event.ctrlKey || event.metaKey);
    if (!saves && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (saves) save("approve");
    else leave();
  };
  return (
    <form
      ref={form}
      className="editor review-editor"
      aria-label="Edit the text"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        save("approve");
      }}
    >
      <Field
        label="Alt text"
        rows={3}
        maxLength={2_000}
        lang={item.language}
        value={typed.alt_text}
        onChange={(event) => type({ alt_text: event.target.value })}
      >
        <Advice text={typed.alt_text} />
      </Field>
      <Field
        label="Description"
        rows={4}
        maxLength={20_000}
        lang={item.language}
        value={typed.description}
        onChange={(event) => type({ description: event.target.value })}
      />
      <Field
        label="Tags, with commas between them"
        as="input"
        lang={item.language}
        value={typed.tags}
        onChange={(event) => type({ tags: event.target.value })}
      />
      <div className="row">
        <button type="submit" className="button primary">
          Save and approve <kbd aria-hidden>Ctrl ↵</kbd>
        </button>
        <button type="button" className="button" onClick={() => save("save")}>
          Save as a draft
        </button>
        <button type="button" className="button ghost" onClick={leave}>
          Cancel <kbd aria-hidden>Esc</kbd>
        </button>
      </div>
    </form>
  );
}
