// A modal dialog for one picture of a list. The browser's own <dialog> keeps the focus inside.

import { useEffect, useRef } from "react";
import { ChevronLeft, ChevronRight } from "lucide-react";

function focusCard(imageId) {
  document.querySelector(`[data-image-id="${imageId}"] button`)?.focus({ preventScroll: false });
}

function Step({ label, className, to, onShow, children }) {
  return (
    <button
      type="button"
      className={`viewer-step ${className}`}
      aria-label={label}
      disabled={!to}
      onClick={() => onShow(to)}
    >
      {children}
    </button>
  );
}

export function ViewerDialog({ cards, imageId, onShow, onChange, onClose, children }) {
  const dialog = useRef(null);
  const lastShown = useRef("");
  const at = cards.findIndex((card) => card.id === imageId);
  const card = cards[at];
  const previous = cards[at - 1]?.id;
  const next = at < 0 ? undefined : cards[at + 1]?.id;

  useEffect(() => {
    if (imageId && !dialog.current.open) dialog.current.showModal();
    if (!imageId && dialog.current.open) dialog.current.close();
    if (!imageId && lastShown.current) focusCard(lastShown.current);
    lastShown.current = imageId;
  }, [imageId]);

  // The picture changed, or went, while it was shown.
  const seen = useRef({ imageId: "", card: undefined });
  useEffect(() => {
    const before = seen.current;
    seen.current = { imageId, card };
    if (!imageId || before.imageId !== imageId || before.card === card || !before.card) return;
    if (card) onChange();
    else onClose();
  }, [imageId, card, onChange, onClose]);

  const onKeyDown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select"))
      return;
    if (event.key === "ArrowLeft" && previous) onShow(previous);
    if (event.key === "ArrowRight" && next) onShow(next);
  };

  return (
    <dialog
      ref={dialog}
      role="dialog"
      aria-modal="true"
      className="viewer"
      aria-labelledby="viewer-title"
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      {children}
      <Step label="Previous picture" className="previous" to={previous} onShow={onShow}>
        <ChevronLeft size={26} aria-hidden />
      </Step>
      <Step label="Next picture" className="next" to={next} onShow={onShow}>
        <ChevronRight size={26} aria-hidden />
      </Step>
    </dialog>
  );
}
