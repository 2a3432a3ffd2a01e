// The selection bar: tags, describes, downloads, prints and deletes what is selected.

import { useEffect, useId, useRef, useState } from "react";
import { Check, Download, Printer, RotateCw, Tag, Trash2, X } from "lucide-react";
import { announce } from "$/public/shell/announce.js";
import { keyOf } from "$/public/shell/keys.js";
import { languageName } from "$/public/shell/language-names.js";
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

function Language({ label, none, languages, value, onChoose }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" value={value} onChange={(event) => onChoose(event.target.value)}>
        <option value="">{none}</option>
        {languages.map((tag) => (
          <option key={tag} value={tag}>
            {languageName(tag)}
          </option>
        ))}
      </select>
    </div>
  );
}

function Describing({ cost, languages, onDescribe }) {
  const [language, setLanguage] = useState("");
  const [source, setSource] = useState("");
  const words = language ? `Describe them in ${languageName(language)}` : "Describe them again";
  return (
    <form
      className="selection-ask"
      aria-label="Describe again"
      onSubmit={(event) => {
        event.preventDefault();
        onDescribe({ language, made_from: language && source !== language ? source : "" });
      }}
    >
      <Language label="Language" none="As always" languages={languages} value={language} onChoose={setLanguage} />
      {language && (
        <Language
          label="From the approved words in"
          none="None: from the picture"
          languages={languages.filter((tag) => tag !== language)}
          value={source === language ? "" : source}
          onChoose={setSource}
        />
      )}
      <p role="status">{cost || "Counting what it takes…"}</p>
      <button type="submit" className="button primary" disabled={!cost}>
        {words}
      </button>
    </form>
  );
}

function Approving({ languages, onApprove }) {
  const [language, setLanguage] = useState("");
  return (
    <form
      className="selection-ask"
      aria-label="Approve"
      onSubmit={(event) => {
        event.preventDefault();
        onApprove(language);
      }}
    >
      <Language label="Texts in" none="Each picture's own" languages={languages} value={language} onChoose={setLanguage} />
      <p>Somebody should have looked at each of them. What says nothing is left out.</p>
      <button type="submit" className="button primary">
        Approve them
      </button>
    </form>
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

export function SelectionBar(props) {
  const { found: counted, query, failed, cost, languages } = props;
  const { onTrash, onTag, onAnalyze, onApprove, onPrice, onPrint, onLanguages } = props;
  useSelection();
  const dialog = useRef(null);
  const [asking, setAsking] = useState(""); // what is asked before it is done
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

  const ask = (what) => {
    setAsking(asking === what ? "" : what);
    if (asking === what) return;
    onLanguages();
    if (what === "describe") onPrice(chosen());
  };

  // What could not be done: those pictures are seen again.
  useEffect(() => selection.show(), [failed]);
  useEffect(() => {
    announce(count ? said(count) : "");
    if (!count) setAsking("");
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
          <Action icon={RotateCw} aria-expanded={asking === "describe"} onClick={() => ask("describe")}>
            Describe again
          </Action>
          <Action icon={Check} aria-expanded={asking === "approve"} onClick={() => ask("approve")}>
            Approve
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
          {asking === "describe" && (
            <Describing
              cost={cost}
              languages={languages}
              onDescribe={(how) => {
                onAnalyze(chosen(), how);
                selection.clear();
              }}
            />
          )}
          {asking === "approve" && (
            <Approving
              languages={languages}
              onApprove={(language) => {
                onApprove(chosen(), language);
                selection.clear();
              }}
            />
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
