// One picture over the gallery. The address says which one (`?picture=ID`); everything else follows
// from it. The browser's own <dialog> keeps the focus inside.

import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { ChevronLeft, ChevronRight, ImageOff, X } from "lucide-react";
import { change, leave, params } from "$/public/shell/address.js";
import { useParam } from "$/public/shell/use-address.js";
import { keptDrafts } from "$/public/viewer/drafts.js";
import { buttonOf } from "$/public/viewer/viewer-keys.js";
import { lastSaid, say, subscribe } from "$/public/viewer/viewer-toast.js";

const LOOK_AROUND_AFTER = 1500;

// What is looked for, of which the picture is a part: the address without the picture.
function query() {
  const rest = params();
  rest.delete("picture");
  return rest.toString();
}

const cardOf = (id) => document.querySelector(`[data-image-id="${CSS.escape(id)}"]`);

function onClickAnywhere(event) {
  const opener = event.target.closest?.("[data-open]");
  if (opener) change({ picture: opener.dataset.open }, { push: true });
}

// The newest function that was given, under one name that never changes.
function useLatest(given) {
  const latest = useRef(given);
  useEffect(() => {
    latest.current = given;
  });
  return latest;
}

// Tells the server which picture is open, and again when the page comes back to life.
function useShown(live, wanted, handlers) {
  const shown = useRef("");
  useEffect(() => {
    if (!live) return;
    if (wanted) handlers.current.onShow(wanted, query());
    else if (shown.current) handlers.current.onClose();
    shown.current = wanted;
  }, [live, wanted, handlers]);
}

// Pictures changed, somewhere: this one, perhaps, or the ones beside it.
function useChanges(patch, wanted, handlers) {
  const timer = useRef(0);
  useEffect(() => {
    if (!wanted || !patch.seq) return;
    const named = patch.gone.includes(wanted) || patch.cards.some((card) => card.id === wanted);
    const missed = !patch.gone.length && !patch.cards.length;
    if (named || missed) handlers.current.onChange();
    if (named || timer.current) return;
    timer.current = setTimeout(() => {
      timer.current = 0;
      handlers.current.onLookAround(query());
    }, LOOK_AROUND_AFTER);
    // Only a new patch is news.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [patch.seq]);
  useEffect(() => () => clearTimeout(timer.current), []);
}

// Wherever the focus is, but in another dialog on top of this one.
function useKeys(dialog, wanted) {
  useEffect(() => {
    if (!wanted) return undefined;
    const onKeyDown = (event) => {
      const around = event.target.closest?.("dialog") ?? dialog.current;
      const button = around === dialog.current && buttonOf(event, around);
      if (!button) return;
      event.preventDefault();
      button.click();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [dialog, wanted]);
}

function useDialog(dialog, wanted) {
  const before = useRef("");
  useEffect(() => {
    if (wanted && !dialog.current.open) {
      dialog.current.showModal();
      dialog.current.focus();
    }
    if (!wanted && dialog.current.open) {
      dialog.current.close();
      cardOf(before.current)?.querySelector("button")?.focus();
    }
    if (before.current && before.current !== wanted && keptDrafts(before.current)) {
      say("What you typed is kept until you come back to the picture.");
    }
    before.current = wanted;
  }, [dialog, wanted]);
}

// Goes to the picture before or after. Pressed before those are known, it goes once they are.
function useSteps(wanted, image, previous, next) {
  const waits = useRef(0);
  const known = image.id === wanted;
  const step = (by) => {
    const to = by < 0 ? previous.id : next.id;
    waits.current = known ? 0 : by;
    if (known && to) change({ picture: to });
  };
  useEffect(() => {
    if (known && waits.current) step(waits.current);
  });
  return step;
}

function Step({ label, keys, className, disabled, onClick, children }) {
  return (
    <button
      type="button"
      className={`viewer-step ${className}`}
      aria-label={label}
      aria-keyshortcuts={keys}
      aria-disabled={disabled || undefined}
      onClick={onClick}
    >
      {children}
    </button>
  );
}

function Said() {
  const { text, serial } = useSyncExternalStore(subscribe, lastSaid, lastSaid);
  return (
    <div className="viewer-said" role="status">
      {text && <span key={serial}>{text}</span>}
    </div>
  );
}

// The same words for what never was, what is gone and what is somebody else's.
function Missing() {
  return (
    <div className="viewer-missing">
      <ImageOff size={44} aria-hidden />
      <h2 id="viewer-title">This picture is not here</h2>
      <p>It may have been deleted, or the link to it is not complete.</p>
      <button type="button" className="button primary" onClick={() => leave("picture")}>
        All pictures
      </button>
    </div>
  );
}

// The code of stage and panel: fetched once a pointer or the focus is on a picture, or one is open.
function useParts(fetchPanel, wanted) {
  const [parts, setParts] = useState({});
  const [near, setNear] = useState(false);
  useEffect(() => {
    const approach = (event) => event.target.closest?.("[data-open]") && setNear(true);
    const signs = ["pointerover", "focusin"];
    signs.forEach((name) => document.addEventListener(name, approach, { passive: true }));
    return () => signs.forEach((name) => document.removeEventListener(name, approach));
  }, []);
  const fetching = useRef(fetchPanel);
  const now = near || Boolean(wanted);
  useEffect(() => {
    if (!now) return;
    const keep = (part) => setParts((before) => ({ ...before, ...part }));
    import("$/public/viewer/viewer-stage.jsx").then(({ ViewerStage: Stage }) => keep({ Stage }));
    fetching.current().then((Panel) => keep({ Panel }));
  }, [now]);
  return parts;
}

// Stands there until the picture is known.
function Coming() {
  const lines = (
    <div className="coming">
      <span />
      <span />
      <span />
    </div>
  );
  return (
    <div className="viewer-panel viewer-coming">
      <h2 id="viewer-title" className="sr-only">
        Opening the picture
      </h2>
      {lines}
      {lines}
    </div>
  );
}

// What the picture shows before the server has said it: from the gallery, or as a neighbour.
function foretold(wanted, previous, next) {
  const beside = [previous, next].find((one) => one.id === wanted);
  if (beside) return beside;
  const thumb = cardOf(wanted)?.querySelector("img");
  if (!thumb?.naturalWidth) return { id: wanted };
  const { naturalWidth: width, naturalHeight: height, currentSrc, alt } = thumb;
  const transparent = thumb.classList.contains("see-through");
  return { id: wanted, width, height, thumb: currentSrc, alt_text: alt, transparent, growing: true };
}

export function ViewerDialog(props) {
  const { live, panel, image, previous, next, missing, patch, trashFailed, children } = props;
  const dialog = useRef(null);
  const wanted = useParam("picture");
  const handlers = useLatest(props);
  const known = image.id === wanted;
  const lost = Boolean(wanted) && missing === wanted;
  useDialog(dialog, wanted);
  useKeys(dialog, wanted);
  useShown(live, wanted, handlers);
  useChanges(patch, wanted, handlers);
  const { Stage, Panel } = useParts(panel, wanted);
  const step = useSteps(wanted, image, previous, next);

  useEffect(() => {
    document.addEventListener("click", onClickAnywhere);
    return () => document.removeEventListener("click", onClickAnywhere);
  }, []);
  useEffect(() => {
    if (trashFailed.id) change({ picture: trashFailed.id }, { push: !params().has("picture") });
  }, [trashFailed]);
  useEffect(() => {
    if (!known || !wanted) return undefined;
    const title = document.title;
    document.title = `${image.filename} · imgapp`;
    return () => {
      document.title = title;
    };
  }, [known, wanted, image.filename]);

  const moveToTrash = () => {
    const to = next.id || previous.id;
    handlers.current.onTrash(wanted);
    if (to) change({ picture: to });
    else leave("picture");
  };
  const onClick = (event) => {
    if (event.target === dialog.current) leave("picture");
    if (event.target.closest("[data-does=trash]")) moveToTrash();
  };

  return (
    <dialog
      ref={dialog}
      role="dialog"
      aria-modal="true"
      className={lost ? "viewer lost" : "viewer"}
      aria-labelledby="viewer-title"
      aria-busy={Boolean(wanted) && !known && !lost}
      tabIndex={-1}
      onCancel={(event) => {
        if (event.target !== dialog.current) return;
        event.preventDefault();
        leave("picture");
      }}
      onClick={onClick}
    >
      {wanted && !lost && Stage && (
        <Stage
          image={known ? image : foretold(wanted, previous, next)}
          beside={known ? [next, previous] : []}
          onStep={step}
          onStale={() => handlers.current.onChange()}
        >
          <Step
            label="Previous picture"
            keys="ArrowLeft k"
            className="previous"
            disabled={known && !previous.id}
            onClick={() => step(-1)}
          >
            <ChevronLeft size={26} aria-hidden />
          </Step>
          <Step
            label="Next picture"
            keys="ArrowRight j"
            className="next"
            disabled={known && !next.id}
            onClick={() => step(1)}
          >
            <ChevronRight size={26} aria-hidden />
          </Step>
        </Stage>
      )}
      {lost ? <Missing /> : Panel && image.id ? <Panel /> : <Coming />}
      {!lost && children}
      <button
        type="button"
        className="button ghost icon viewer-close"
        aria-label="Close the picture"
        aria-keyshortcuts="Escape"
        onClick={() => leave("picture")}
      >
        <X size={20} aria-hidden />
      </button>
      <Said />
    </dialog>
  );
}
