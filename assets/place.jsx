// Where the reader is: near the end of the page, in another part of the list, here for a long time.

import { useEffect, useRef } from "react";

// Fires onNear when it comes within a screen or two of what is visible; again when `after` changes.
export function NearEnd({ after, onNear }) {
  const mark = useRef(null);
  const fire = useRef(onNear);
  fire.current = onNear;
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && fire.current(),
      { rootMargin: "1200px 0px" },
    );
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [after]);
  return <div ref={mark} className="near-end" aria-hidden="true" />;
}

// Goes to the top of the page when `move` rises and to its end when it falls.
export function GoAlong({ move }) {
  const before = useRef(move);
  useEffect(() => {
    if (move === before.current) return;
    const down = move > before.current;
    before.current = move;
    window.scrollTo({ top: down ? 0 : document.documentElement.scrollHeight, behavior: "instant" });
  }, [move]);
  return null;
}

// Fires onStale every so often while the page is looked at: links to pictures expire.
export function KeepFresh({ minutes, onStale }) {
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
export function LookAgain({ seconds, onLook }) {
  const fire = useRef(onLook);
  fire.current = onLook;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || fire.current(), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return null;
}
