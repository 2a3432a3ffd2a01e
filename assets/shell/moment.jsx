// A time in words, "5 minutes ago", or in full; the full time is in its tooltip.

import { useNow } from "$/public/shell/clock.js";
import { localTime, timeAgo } from "$/public/shell/times.js";

export function Moment({ iso, ago }) {
  const said = useNow(() => (ago ? timeAgo(iso) : localTime(iso)));
  return (
    <time dateTime={iso} title={localTime(iso)}>
      {said}
    </time>
  );
}
