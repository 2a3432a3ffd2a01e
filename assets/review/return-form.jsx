// A word why a text is returned. Enter sends it, Escape leaves the text as it was.

import { useId, useLayoutEffect, useRef, useState } from "react";

export function ReturnForm({ line, item }) {
  const id = useId();
  const box = useRef(null);
  const [note, setNote] = useState(item.note ?? "");
  useLayoutEffect(() => box.current.focus(), []);
  const type = (event) => {
    item.note = event.target.value; // kept, should it not hold
    setNote(event.target.value);
  };
  const send = () => {
    if (note.trim()) line.decide({ decision: "return", note: note.trim() });
    else box.current.focus();
  };
  const onKeyDown = (event) => {
    const sends = event.key === "Enter" && !event.shiftKey;
    if (!sends && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (sends) send();
    else line.setMode("");
  };
  return (
    <form
      className="editor review-editor"
      aria-label="Return the text"
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="field">
        <label htmlFor={id}>Why is it returned?</label>
        <textarea
          ref={box}
          id={id}
          className="input long"
          rows={2}
          maxLength={2_000}
          dir="auto"
          required
          value={note}
          onChange={type}
        />
      </div>
      <div className="row">
        <button type="submit" className="button primary">
          Return it <kbd aria-hidden>↵</kbd>
        </button>
        <button type="button" className="button ghost" onClick={() => line.setMode("")}>
          Cancel <kbd aria-hidden>Esc</kbd>
        </button>
      </div>
    </form>
  );
}
