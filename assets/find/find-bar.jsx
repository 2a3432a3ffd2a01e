// The find bar: search, filters and order of the gallery, all in the page's address.

import { useEffect, useId, useRef, useState, useSyncExternalStore } from "react";
import { ArrowDownUp, ListFilter, MessageSquareDashed, Search, X } from "lucide-react";
import * as address from "$/public/shell/address.js";
import { announce } from "$/public/shell/announce.js";
import { languageName } from "$/public/shell/language-names.js";
import { useListed } from "$/public/gallery/list-length.js";
import * as words from "$/public/find/find-words.js";

const TYPING_MS = 180;
const nothing = () => "";

const useQuery = () =>
  useSyncExternalStore(address.subscribe, () => words.queryOf(address.params()), nothing);

// Asks when the address changes; what it says at first, the page was loaded with.
function useAsking(query, live, onFind) {
  const asked = useRef(null);
  const ask = useRef(onFind);
  ask.current = onFind;
  useEffect(() => {
    const now = words.queryOf(address.params());
    asked.current ??= now;
    // Whoever goes back before the page is live is answered once it is.
    if (!live || asked.current === now) return;
    asked.current = now;
    ask.current(now);
  }, [query, live]);
}

function SearchField({ value }) {
  const input = useRef(null);
  const timer = useRef(null);
  const [text, setText] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    // By going back, or by a link; not the echo of what is being typed.
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  const send = (next) => {
    clearTimeout(timer.current);
    sent.current = next.trim();
    address.change({ q: next.trim() || null });
  };
  useEffect(() => {
    const focus = (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
      event.preventDefault();
      input.current.focus();
      input.current.select();
    };
    addEventListener("keydown", focus);
    return () => removeEventListener("keydown", focus);
  }, []);
  return (
    <form
      role="search"
      className="find-field"
      onSubmit={(event) => {
        event.preventDefault();
        send(text);
      }}
    >
      <Search size={17} aria-hidden />
      <input
        ref={input}
        type="search"
        aria-label="Search your pictures"
        placeholder="Search texts, tags and file names"
        value={text}
        maxLength={500}
        autoComplete="off"
        enterKeyHint="search"
        onChange={(event) => {
          setText(event.target.value);
          clearTimeout(timer.current);
          timer.current = setTimeout(send, TYPING_MS, event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !text) return;
          event.preventDefault();
          setText("");
          send("");
        }}
      />
      {text && (
        <button
          type="button"
          className="button ghost icon small"
          aria-label="Clear the search"
          onClick={() => {
            setText("");
            send("");
            input.current.focus();
          }}
        >
          <X size={16} aria-hidden />
        </button>
      )}
    </form>
  );
}

const set = (name, value) => address.change({ [name]: value || null }, { push: true });

function Choice({ label, name, options, params, any = "Any" }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={params.get(name) ?? ""}
        onChange={(event) => set(name, event.target.value)}
      >
        <option value="">{any}</option>
        {Object.entries(options).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

// Applied when one is done with it, not at each key.
function Typed({ label, name, type, shown, written, params, ...props }) {
  const id = useId();
  const value = shown(params.get(name) ?? "");
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const apply = () => text !== value && set(name, written(text));
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        type={type}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onBlur={apply}
        onKeyDown={(event) => event.key === "Enter" && apply()}
        {...props}
      />
    </div>
  );
}

function TagField({ params }) {
  const id = useId();
  const [text, setText] = useState("");
  const add = () => {
    const tag = text.trim();
    if (!tag) return;
    const tags = params.getAll("tag");
    if (!tags.includes(tag)) address.change({ tag: [...tags, tag] }, { push: true });
    setText("");
  };
  return (
    <div className="field">
      <label htmlFor={id}>Tag</label>
      <div className="find-tag">
        <input
          id={id}
          className="input"
          value={text}
          maxLength={100}
          autoComplete="off"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => event.key === "Enter" && add()}
        />
        <button type="button" className="button" onClick={add}>
          Add
        </button>
      </div>
    </div>
  );
}

function Filters({ params, count, languages, rules, onOpen }) {
  const common = { params };
  const language = params.get("language");
  const tags = [...new Set([...languages, ...(language ? [language] : [])])];
  const inLanguages = Object.fromEntries(tags.map((tag) => [tag, languageName(tag)]));
  const from = { shown: (moment) => words.dayOf(moment), written: (date) => words.momentOf(date) };
  const to = {
    shown: (moment) => words.dayOf(moment, { end: true }),
    written: (date) => words.momentOf(date, { end: true }),
  };
  const size = { type: "number", min: 0, step: "any", inputMode: "decimal", shown: words.megabytesOf, written: words.bytesOf };
  return (
    <>
      <button type="button" className="button" popoverTarget="filters" onClick={onOpen}>
        <ListFilter size={17} aria-hidden />
        <span className="wide">Filters</span>
        {count > 0 && <span className="find-count">{count}</span>}
        <span className="sr-only">{count ? "filters are set" : "Filters"}</span>
      </button>
      <div id="filters" popover="auto" className="menu filters-menu" role="dialog" aria-label="Filters">
        <Choice label="Status" name="status" options={words.STATUS} {...common} />
        <Choice label="Alt text" name="no_alt_text" options={words.ALT_TEXT} {...common} />
        <Choice label="Decorative" name="decorative" options={words.DECORATIVE} {...common} />
        <Choice label="Texts" name="edited" options={words.EDITED} {...common} />
        <Choice label="Language of the text" name="language" options={inLanguages} {...common} />
        <Choice label="State of the text" name="state" options={words.STATES} {...common} />
        <Choice label="Doubt" name="doubt" options={{ any: words.ANY_DOUBT, ...rules }} {...common} />
        <TagField {...common} />
        <Choice label="Format" name="format" options={words.FORMATS} {...common} />
        <Choice label="Orientation" name="orientation" options={words.ORIENTATION} {...common} />
        <Typed label="Uploaded since" name="uploaded_from" type="date" {...from} {...common} />
        <Typed label="Uploaded until" name="uploaded_to" type="date" {...to} {...common} />
        <Typed label="Larger than (MB)" name="larger_than" {...size} {...common} />
        <Typed label="Smaller than (MB)" name="smaller_than" {...size} {...common} />
        <button type="button" className="button primary" popoverTarget="filters" popoverTargetAction="hide">
          Done
        </button>
      </div>
    </>
  );
}

function Sort({ params }) {
  return (
    <div className="find-sort">
      <ArrowDownUp size={16} aria-hidden />
      <select
        className="button"
        aria-label="Order"
        value={params.get("sort") ?? "newest"}
        onChange={(event) => set("sort", event.target.value === "newest" ? "" : event.target.value)}
      >
        {Object.entries(words.SORTS)
          .filter(([value]) => value !== "relevance" || ["q", "like"].some((name) => params.get(name)) || params.get("sort") === value)
          .map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
      </select>
    </div>
  );
}

const clearAll = () =>
  address.change(Object.fromEntries(["q", ...words.FILTERS].map((name) => [name, null])), { push: true });

function remove(params, { name, value }) {
  const left = params.getAll(name).filter((one) => one !== value);
  address.change({ [name]: left.length ? left : null }, { push: true });
}

function Chips({ chips, params, found }) {
  return (
    <div className="find-chips">
      <span className="find-found" data-testid="found">
        {found.toLocaleString()} found
      </span>
      <ul aria-label="Filters that are set">
        {chips.map((chip) => (
          <li key={`${chip.name}=${chip.value}`}>
            <button
              type="button"
              className="chip"
              aria-label={`Remove the filter ${chip.text}`}
              onClick={() => remove(params, chip)}
            >
              {chip.text}
              <X size={14} aria-hidden />
            </button>
          </li>
        ))}
      </ul>
      <button type="button" className="button ghost small" onClick={clearAll}>
        Clear all
      </button>
    </div>
  );
}

// Pictures of which nobody could say what they show, to be found at once.
function Needing({ count }) {
  return (
    <button
      type="button"
      className="button ghost small"
      onClick={() => address.change(words.NEEDS_TEXT, { push: true })}
    >
      <MessageSquareDashed size={15} aria-hidden />
      {words.needing(count)}
    </button>
  );
}

export function FindBar({ live, total, found, query: answered, needing, languages, rules, onFind, onFilters }) {
  const query = useQuery();
  const params = new URLSearchParams(query);
  const chips = words.chipsOf(params, rules);
  const filtered = chips.length > 0 || Boolean(params.get("q"));
  useAsking(query, live, onFind);
  const listed = useListed(answered, found);
  const first = useRef(true);
  useEffect(() => {
    if (!live) return;
    if (!first.current) announce(found === 1 ? "1 picture found" : `${found.toLocaleString()} pictures found`);
    first.current = false;
  }, [answered, found, live]);
  if (!live || (!total && !filtered)) return null;
  return (
    <div className="find-bar">
      <div className="find-row">
        <SearchField value={params.get("q") ?? ""} />
        <Filters params={params} count={chips.length} languages={languages} rules={rules} onOpen={() => onFilters()} />
        <Sort params={params} />
      </div>
      {filtered && <Chips chips={chips} params={params} found={listed} />}
      {!filtered && needing > 0 && <Needing count={needing} />}
    </div>
  );
}

export function ClearFilters() {
  return (
    <button type="button" className="button primary" onClick={clearAll}>
      Show all pictures
    </button>
  );
}
