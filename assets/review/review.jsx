// Review: one picture after the other with its texts, and a key for each decision. The address says
// which queue it is, and where in it one is.

import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { announce } from "$/public/shell/announce.js";
import * as address from "$/public/shell/address.js";
import { buttonOf } from "$/public/viewer/viewer-keys.js";
import { keepDraft } from "$/public/viewer/drafts.js";
import { Actions } from "$/public/review/review-actions.jsx";
import { End } from "$/public/review/review-end.jsx";
import { QueueBar } from "$/public/review/review-queue.jsx";
import { Stage } from "$/public/review/review-stage.jsx";
import { Texts } from "$/public/review/review-texts.jsx";
import * as calls from "$/public/review/review-calls.js";
import { ReviewLine, textOf } from "$/public/review/review-line.js";
import { putDown, takeUp } from "$/public/review/sitting.js";

const RENEW_MS = 30_000; // leases last three times as long
const SETTLE_MS = 300;
const COUNT_MS = 3000;

const placeNow = () => address.params().get("at") ?? "";

// The address without the place.
function queryNow() {
  const rest = address.params();
  rest.delete("at");
  return rest.toString();
}

function useLine() {
  const line = useMemo(
    () => new ReviewLine({ calls, sitting: takeUp(queryNow(), placeNow()), announce }),
    [],
  );
  useSyncExternalStore(line.subscribe, line.version, () => 0);
  return line;
}

// The queue of the address; read again while it is looked at, so that nobody else gets its pictures.
function useQueue(line) {
  useEffect(() => {
    const follow = () => {
      if (queryNow() === line.sitting.query) return;
      line.begin(queryNow(), placeNow());
      line.load();
    };
    line.load();
    const look = () => document.hidden || line.load();
    const leave = () => {
      putDown(line.sitting, line.place, placeNow());
      line.leave();
    };
    // The browser may keep the page as it was, and show it again.
    const comeBack = (event) => {
      if (!event.persisted) return;
      takeUp(queryNow(), placeNow());
      line.load();
    };
    const timer = setInterval(look, RENEW_MS);
    const unfollow = address.subscribe(follow);
    document.addEventListener("visibilitychange", look);
    addEventListener("pagehide", leave);
    addEventListener("pageshow", comeBack);
    return () => {
      clearInterval(timer);
      unfollow();
      document.removeEventListener("visibilitychange", look);
      removeEventListener("pagehide", leave);
      removeEventListener("pageshow", comeBack);
    };
  }, [line]);
  // Not with each key: browsers allow only so many changes of the address.
  const { place } = line;
  useEffect(() => {
    if (!line.loaded) return undefined;
    const timer = setTimeout(() => address.change({ at: place }), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [line, line.loaded, place]);
}

// Somebody else changed pictures: those that come next, perhaps; else how many there are.
function useNews(line, news) {
  const timer = useRef(0);
  useEffect(() => {
    if (!news.seq || !line.loaded) return;
    const ahead = new Set(line.line.slice(line.at).map((item) => item.image_id));
    const soon = !news.ids.length || ahead.size < 2 || news.ids.some((id) => ahead.has(id));
    if (timer.current && !soon) return;
    clearTimeout(timer.current);
    const look = () => {
      timer.current = 0;
      line.load();
    };
    timer.current = setTimeout(look, soon ? SETTLE_MS : COUNT_MS);
    // Only something new is news.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [news.seq]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

// Wherever the focus is, but in what lies over the page.
function useKeys(desk, line) {
  useEffect(() => {
    const onKeyDown = (event) => {
      if (event.target.closest?.("dialog, [popover]") || document.querySelector("dialog:modal")) return;
      const undoes = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
      if (undoes && event.key.toLowerCase() === "z") {
        if (event.target.closest?.("input, textarea")) return;
        event.preventDefault();
        line.undo();
        return;
      }
      const button = buttonOf(event, desk.current);
      if (!button) return;
      event.preventDefault();
      // A key that is held decides once.
      if (!event.repeat) button.click();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [desk, line]);
}

// What is typed and not saved is kept until it is, and the browser asks before it leaves.
function useDrafts(line) {
  const typed = line.line.filter((item) => item.draft).map((item) => item.image_id).join(" ");
  const busy = line.pending > 0;
  useEffect(() => {
    keepDraft("review", "typed", typed || busy ? { text: typed, base: "" } : null);
    return () => keepDraft("review", "typed", null);
  }, [typed, busy]);
}

// After an editor, a form or the last picture is gone, the focus is on what there is to use.
function useFocus(desk, line) {
  const before = useRef({});
  useEffect(() => {
    const { mode, item } = before.current;
    const lost = document.activeElement === document.body || !document.activeElement?.isConnected;
    if ((mode && !line.mode) || (item && lost)) {
      desk.current.querySelector("[data-begin]")?.focus({ preventScroll: true });
    }
    before.current = { mode: line.mode, item: line.current ?? before.current.item };
  });
}

export function act(line, what) {
  const item = line.current;
  if (!item) return;
  const hidden = item.blind && !item.revealed && !item.done;
  const text = textOf(item);
  if (what === "approve" && hidden) line.reveal();
  else if (what === "approve" && !text?.alt_text && !text?.decorative) line.setMode("edit");
  else if (what === "approve") line.decide({ decision: "approve" });
  else if (what === "decorative") line.decide({ decision: "approve", decorative: true });
  else line.setMode(what);
}

export function ReviewDesk(props) {
  const { language, languages, rules, news, ...options } = props;
  const desk = useRef(null);
  const line = useLine();
  useQueue(line);
  useNews(line, news);
  useKeys(desk, line);
  useDrafts(line);
  useFocus(desk, line);
  const item = line.current;
  const names = Object.fromEntries(languages.map(({ tag, name }) => [tag, name]));
  return (
    <div ref={desk} className="review" aria-busy={!line.loaded}>
      <QueueBar line={line} language={language} languages={languages} options={options} />
      {line.cameBack && line.mode && (
        <p className="meanwhile" role="alert">
          <span>
            {line.cameBack.image.filename}: {line.cameBack.problem}
          </span>
          <button type="button" className="button small" onClick={() => line.goTo(line.cameBack)}>
            Look at it
          </button>
        </p>
      )}
      {line.failed && (
        <p className="meanwhile" role="alert">
          <span>{line.failed}</span>
          <button type="button" className="button small" onClick={() => line.load()}>
            Try again
          </button>
        </p>
      )}
      {item ? (
        <div className="review-desk" data-testid="review" data-image-id={item.image_id}>
          <Stage items={line.ahead} />
          <Texts key={item.image_id} line={line} item={item} rules={rules} names={names} />
          <Actions line={line} item={item} onAct={(what) => act(line, what)} />
        </div>
      ) : (
        <End line={line} />
      )}
    </div>
  );
}
