// Timers of a page that is looked at: read again what expires, and what will be over in a moment.

import { useEffect, useRef } from "react";

// Fires onStale every so often while the page is looked at: links to pictures expire.
export function RefreshTimer({ minutes, onStale }) {
  const fire = useRef(onStale);
  fire.current = onStale;
  useEffect(() => {
    let readAt = Date.now();
    const check = () => {
      if (document.hidden || Date.now() - readAt < minutes * 60_000) return;
      readAt = Date.now();
      fire.current();
    };
    const timer = setInterval(check, 60_000);
    document.addEventListener("visibilitychange", check);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", check);
    };
  }, [minutes]);
  return null;
}

// Fires onLook every few seconds while the page is looked at: something will be over in a moment.
export function PollTimer({ seconds, onLook }) {
  const fire = useRef(onLook);
  fire.current = onLook;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || fire.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return null;
}
