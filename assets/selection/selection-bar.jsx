// The selection bar: tags, describes, downloads, prints and deletes what is selected.

import { useEffect, useId, useRef, useState } from "react";
import { Download, Printer, RotateCw, Tag, Trash2, X } from "lucide-react";
import { announce } from "$/public/shell/announce.js";
import { keyOf } from "$/public/shell/keys.js";
import { useListed } from "$/public/gallery/list-length.js";
import { useSelection } from "$/public/selection/selection-gestures.js";
import { selection } from "$/public/selection/selection.js";

const MOST_DOWNLOADED = 5000;
const MOST_PRINTED = 500;
const said = (count) => `${count.toLocaleString()} selected`;

function Action({ icon: Icon, children, ...props }) {
  return (
    <button type="button" className="button" {...props}>
      <Icon size={16} aria-hidden />
      <span className="wide">{children}</span>
      <span className="narrow sr-only">{children}</span>
    </button>
  );
}

function TagsDialog({ dialog, count, onTag }) {
  const id = useId();
  const [text, setText] = useState("");
  const tags = text.split(",").map((tag) => tag.trim()).filter(Boolean);
  const apply = (add) => {
    if (!tags.length) return;
    dialog.current.close();
    setText("");
    onTag(add, tags);
  };
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={`${id}-title`}>
      <form
        className="dialog-box stack"
        onSubmit={(event) => {
          event.preventDefault();
          apply(true);
        }}
      >
        <h2 id={`${id}-title`}>Tags of {count === 1 ? "1 picture" : `${count.toLocaleString()} pictures`}</h2>
        <div className="field">
          <label htmlFor={id}>Tags, with commas between them</label>
          <input
            id={id}
            className="input"
            value={text}
            maxLength={1000}
            autoComplete="off"
            onChange={(event) => setText(event.target.value)}
          />
        </div>
        <div className="row">
          <button type="submit" className="button primary" disabled={!tags.length}>
            Add
          </button>
          <button type="button" className="button" disabled={!tags.length} onClick={() => apply(false)}>
            Take away
          </button>
          <button type="button" className="button ghost" onClick={() => dialog.current.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}

// A form of the browser's own: the answer is a file, which no script has to hold.
function download(chosen) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: "/api/images/archive", hidden: true });
  for (const [name, values] of Object.entries(chosen)) {
    for (const value of [values].flat()) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name, value });
      form.append(input);
    }
  }
  document.body.append(form);
  form.submit();
  form.remove();
}

export function SelectionBar({ found: counted, query, failed, cost, onTrash, onTag, onAnalyze, onPrice, onPrint }) {
  useSelection();
  const dialog = useRef(null);
  const [asking, setAsking] = useState(false);
  const found = useListed(query, counted);
  const count = selection.size(found);
  const chosen = () => selection.chosen(query);
  const act = useRef({});

  const trash = () => {
    const pictures = chosen();
    if (pictures.images) selection.hide(pictures.images);
    onTrash(pictures);
    selection.clear();
  };
  const prints = count > 0 && count <= MOST_PRINTED;
  act.current = { trash, tags: () => dialog.current?.showModal(), print: prints && (() => onPrint(chosen())) };

  // What could not be done: those pictures are seen again.
  useEffect(() => selection.show(), [failed]);
  useEffect(() => {
    announce(count ? said(count) : "");
    if (!count) setAsking(false);
  }, [count]);
  useEffect(() => {
    const key = (event) => {
      if (selection.empty || event.altKey) return;
      if (event.ctrlKey || event.metaKey) {
        if (keyOf(event) !== "p" || !act.current.print || document.querySelector("dialog:modal")) return;
        event.preventDefault();
        act.current.print();
        return;
      }
      if (event.target.closest("input:not([type=checkbox]), textarea, select, dialog, [contenteditable]")) return;
      if (event.key === "Delete") act.current.trash();
      else if (keyOf(event) === "t") act.current.tags();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", key);
    return () => removeEventListener("keydown", key);
  }, []);

  return (
    <>
      {count > 0 && (
        <section className="selection-bar" aria-label="Selected pictures">
          <button type="button" className="button ghost icon" aria-label="Select none" onClick={() => selection.clear()}>
            <X size={18} aria-hidden />
          </button>
          <strong data-testid="selected">{said(count)}</strong>
          {count < found && (
            <button type="button" className="button ghost small" onClick={() => selection.everything()}>
              All {found.toLocaleString()}
            </button>
          )}
          <span className="space" />
          <Action icon={Tag} onClick={() => dialog.current.showModal()}>
            Tags
          </Action>
          <Action
            icon={RotateCw}
            aria-expanded={asking}
            onClick={() => {
              setAsking(!asking);
              if (!asking) onPrice(chosen());
            }}
          >
            Describe again
          </Action>
          {count <= MOST_DOWNLOADED && (
            <Action icon={Download} onClick={() => download(chosen())}>
              Download
            </Action>
          )}
          {prints && (
            <Action icon={Printer} onClick={() => onPrint(chosen())}>
              Print
            </Action>
          )}
          <Action icon={Trash2} onClick={trash}>
            Delete
          </Action>
          {asking && (
            <div className="selection-ask" role="status">
              <p>{cost || "Counting what it takes…"}</p>
              <button
                type="button"
                className="button primary"
                disabled={!cost}
                onClick={() => {
                  onAnalyze(chosen());
                  selection.clear();
                }}
              >
                Describe them again
              </button>
            </div>
          )}
        </section>
      )}
      <TagsDialog
        dialog={dialog}
        count={count}
        onTag={(add, tags) => {
          onTag(chosen(), add, tags);
          selection.clear();
        }}
      />
    </>
  );
}
