// Days and times: formats them as people write them where the browser is.

export const dayKey = (date) =>
  `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;

// A formatter takes milliseconds to make, and most pages use one of them.
function once(make) {
  let made;
  return () => (made ??= make());
}

// "2026-7-4" or "2026-07-04" as a date where the browser is.
export function dateOf(key) {
  const [year, month, day] = key.split("-").map(Number);
  return new Date(year, month - 1, day);
}

const weekday = once(
  () => new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" }),
);
const withYear = once(
  () => new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" }),
);
const dateAndTime = once(
  () => new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" }),
);

export function dayLabel(date, today = new Date()) {
  const yesterday = new Date(today);
  yesterday.setDate(today.getDate() - 1);
  if (dayKey(date) === dayKey(today)) return "Today";
  if (dayKey(date) === dayKey(yesterday)) return "Yesterday";
  const sameYear = date.getFullYear() === today.getFullYear();
  return (sameYear ? weekday : withYear)().format(date);
}

// The name of the day `key` on the day `today`; none for what is of no day.
export const labelOf = (key, today) => (key ? dayLabel(dateOf(key), dateOf(today)) : "");

export function localTime(iso) {
  return iso ? dateAndTime().format(new Date(iso)) : "";
}

const relative = once(() => new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }));
const steps = [
  ["day", 24 * 3600],
  ["hour", 3600],
  ["minute", 60],
];

export function timeAgo(iso, now = Date.now()) {
  if (!iso) return "";
  const seconds = (new Date(iso) - now) / 1000;
  if (Math.abs(seconds) < 60) return "just now";
  if (Math.abs(seconds) > 14 * 24 * 3600) return localTime(iso);
  const [unit, size] = steps.find(([, size]) => Math.abs(seconds) >= size);
  return relative().format(Math.trunc(seconds / size), unit);
}
