// The decisions of Review: buttons that name their keys.

import {
  Check,
  ChevronLeft,
  ChevronRight,
  CornerUpLeft,
  ImageMinus,
  Pencil,
  SkipForward,
  Undo2,
} from "lucide-react";

function Action({ name, keys, seen, icon: Icon, off = false, main = false, begin, onClick }) {
  return (
    <button
      type="button"
      className={main ? "button primary" : "button"}
      aria-keyshortcuts={keys}
      // One that is disabled would lose the focus.
      aria-disabled={off || undefined}
      data-begin={begin ? "" : undefined}
      onClick={() => off || onClick()}
    >
      <Icon size={17} aria-hidden />
      <span>{name}</span>
      <kbd aria-hidden>{seen}</kbd>
    </button>
  );
}

export function Actions({ line, onAct }) {
  const busy = Boolean(line.mode);
  return (
    <div className="review-actions" role="group" aria-label="What becomes of the text">
      <Action name="Back" keys="ArrowLeft k" seen="←" icon={ChevronLeft} off={line.at === 0} onClick={() => line.back()} />
      <Action name="Approve" keys="a" seen="A" icon={Check} main begin off={busy} onClick={() => onAct("approve")} />
      <Action name="Edit" keys="e" seen="E" icon={Pencil} off={busy} onClick={() => onAct("edit")} />
      <Action name="Decorative" keys="d" seen="D" icon={ImageMinus} off={busy} onClick={() => onAct("decorative")} />
      <Action name="Return" keys="r" seen="R" icon={CornerUpLeft} off={busy} onClick={() => onAct("return")} />
      <Action name="Skip" keys="s" seen="S" icon={SkipForward} onClick={() => line.skip()} />
      <Action name="Undo" keys="u Control+Z" seen="U" icon={Undo2} off={!line.undoable.length} onClick={() => line.undo()} />
      <Action name="Next" keys="ArrowRight j" seen="→" icon={ChevronRight} onClick={() => line.pass()} />
    </div>
  );
}
