// The list of shortcuts, over any page: opened by `?` and by whatever has `data-shortcuts`.

import { useEffect, useRef, useSyncExternalStore } from "react";
import { X } from "lucide-react";
import {
  GROUPS,
  isCharacter,
  setShortcuts,
  shortcutsOn,
  subscribe,
  together,
} from "$/public/shell/shortcuts.js";

function Group({ title, shortcuts }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className="shortcuts">
        {shortcuts.map(({ keys, text }) => (
          <div key={text}>
            <dt>
              {keys.map((key, at) => (
                <span key={key}>
                  {at > 0 && <span className="quiet"> or </span>}
                  {together(key).map((one, number) => (
                    <span key={one}>
                      {number > 0 && <span className="quiet"> + </span>}
                      <kbd>{one}</kbd>
                    </span>
                  ))}
                </span>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Switch() {
  const on = useSyncExternalStore(subscribe, shortcutsOn, () => true);
  return (
    <button
      type="button"
      role="switch"
      aria-checked={on}
      className="toggle"
      onClick={() => setShortcuts(!on)}
    >
      <span className="switch-track" aria-hidden />
      <span>
        Single letters and signs are shortcuts
        <small>Turn them off if you speak to your computer, or press them by accident.</small>
      </span>
    </button>
  );
}

export function ShortcutSheet() {
  const dialog = useRef(null);
  useEffect(() => {
    const open = () => dialog.current.open || dialog.current.showModal();
    const onKeyDown = (event) => {
      if (event.defaultPrevented || !isCharacter(event) || event.key !== "?") return;
      event.preventDefault();
      open();
    };
    const onClick = (event) => {
      if (!event.target.closest?.("[data-shortcuts]")) return;
      document.querySelector(":popover-open")?.hidePopover();
      open();
    };
    document.addEventListener("keydown", onKeyDown);
    document.addEventListener("click", onClick);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
      document.removeEventListener("click", onClick);
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog shortcut-sheet"
      aria-labelledby="shortcuts-title"
      // The keys of what is below are not for here.
      onKeyDown={(event) => event.stopPropagation()}
      onClick={(event) => event.target === dialog.current && dialog.current.close()}
    >
      <div className="dialog-box">
        <div className="dialog-head">
          <h2 id="shortcuts-title">Keyboard shortcuts</h2>
          <button
            type="button"
            className="button ghost icon"
            aria-label="Close the shortcuts"
            onClick={() => dialog.current.close()}
          >
            <X size={20} aria-hidden />
          </button>
        </div>
        <div className="shortcut-groups">
          {GROUPS.map((group) => (
            <Group key={group.title} {...group} />
          ))}
        </div>
        <Switch />
      </div>
    </dialog>
  );
}
