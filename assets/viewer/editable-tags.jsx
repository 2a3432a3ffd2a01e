// Editable tags: remove one, add more; every change is saved at once.

import { useEffect, useId, useRef, useState } from "react";
import { X } from "lucide-react";
import { change, params } from "$/public/shell/address.js";
import { Changed, saveText } from "$/public/viewer/picture-edits.js";
import { say } from "$/public/viewer/viewer-toast.js";

const MOST = 100;
const same = (one, other) => one.length === other.length && one.every((tag, at) => tag === other[at]);
const has = (tags, tag) => tags.some((one) => one.toLowerCase() === tag.toLowerCase());

// The gallery with the pictures of one tag; Back leads to the picture again.
function find(tag) {
  const nothing = Object.fromEntries([...params().keys()].map((name) => [name, null]));
  change({ ...nothing, tag }, { push: true });
}

// Changes are applied to the newest tags that are known, one after the other.
function useTags(imageId, language, version, value) {
  const [shown, setShown] = useState(null);
  const [problem, setProblem] = useState("");
  const newest = useRef(value);
  const waiting = useRef(Promise.resolve());
  const pending = useRef(0);
  useEffect(() => {
    if (pending.current) return;
    newest.current = value;
    setShown(null);
  }, [value]);
  const update = (change, done) => {
    setProblem("");
    pending.current += 1;
    setShown(change(newest.current));
    waiting.current = waiting.current.then(async () => {
      // Somebody else's change stays: ours is made to what they left.
      const send = async () => {
        const base = newest.current;
        const holds = (text) => same(text?.tags ?? [], base);
        const text = await saveText(imageId, language, version, { tags: change(base) }, holds);
        newest.current = text.tags ?? [];
      };
      try {
        await send().catch((error) => {
          if (!(error instanceof Changed)) throw error;
          newest.current = error.text?.tags ?? [];
          return send();
        });
        say(done);
      } catch (error) {
        setProblem(`Not saved: ${error.message}`);
      }
      pending.current -= 1;
      setShown(newest.current);
    });
  };
  const tags = shown && !same(shown, value) ? shown : value;
  return { tags, update, problem };
}

export function EditableTags({ imageId, language, version, value }) {
  const { tags, update, problem } = useTags(imageId, language, version, value);
  const [typed, setTyped] = useState("");
  const id = useId();
  const input = useRef(null);
  const add = () => {
    const wanted = typed.split(/[,;\n]/).map((tag) => tag.trim());
    const fresh = wanted.filter((tag, at) => tag && !has(tags, tag) && wanted.indexOf(tag) === at);
    setTyped("");
    if (!fresh.length) return;
    const named = fresh.length === 1 ? `Tag ${fresh[0]} added` : `${fresh.length} tags added`;
    update((now) => [...now, ...fresh.filter((tag) => !has(now, tag))], named);
  };
  const remove = (tag) => {
    input.current.focus();
    update((now) => now.filter((one) => one !== tag), `Tag ${tag} removed`);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" || (event.key === "," && typed.trim())) {
      event.preventDefault();
      add();
    } else if (event.key === "Escape" && typed) {
      event.preventDefault();
      event.stopPropagation();
      setTyped("");
    } else if (event.key === "Backspace" && !typed && tags.length) {
      event.preventDefault();
      remove(tags.at(-1));
    }
  };
  return (
    <>
      <ul className="tags all" lang={language}>
        {tags.map((tag) => (
          <li key={tag} className="tag removable">
            <button type="button" dir="auto" title={`Pictures tagged ${tag}`} onClick={() => find(tag)}>
              {tag}
            </button>
            <button
              type="button"
              className="remove"
              aria-label={`Remove the tag ${tag}`}
              onClick={() => remove(tag)}
            >
              <X size={13} aria-hidden />
            </button>
          </li>
        ))}
        {tags.length < MOST && (
          <li className="add-tag">
            <label htmlFor={id} className="sr-only">
              Add a tag
            </label>
            <input
              ref={input}
              id={id}
              className="tag-input"
              lang={language}
              dir="auto"
              placeholder="Add a tag"
              maxLength={MOST}
              value={typed}
              autoComplete="off"
              enterKeyHint="done"
              onChange={(event) => setTyped(event.target.value)}
              onKeyDown={onKeyDown}
              onBlur={add}
            />
          </li>
        )}
      </ul>
      {problem && (
        <p role="alert" className="form-message">
          {problem}
        </p>
      )}
    </>
  );
}
