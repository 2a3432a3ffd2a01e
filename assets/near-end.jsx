// Fires onNear when it comes within a screen or two of what is visible; again when `after` changes.

import { useEffect, useRef } from "react";

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
