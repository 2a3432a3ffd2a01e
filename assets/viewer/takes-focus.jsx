// What appears because somebody asked for it takes the focus, and gives it back when it goes.

import { useLayoutEffect, useRef } from "react";

export function TakesFocus({ children }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current.querySelector("input, textarea, select")?.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  return <div ref={box}>{children}</div>;
}
