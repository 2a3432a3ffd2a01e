// Filters in words: the labels of chips, and dates and sizes as the address has them.

import { languageName } from "../shell/language-names.js";

export const STATUS = {
  pending: "Waiting",
  in_progress: "Being described",
  completed: "Described",
  failed: "Not described",
};
export const ORIENTATION = { landscape: "Landscape", portrait: "Portrait", square: "Square" };
export const FORMATS = {
  jpeg: "JPEG", png: "PNG", webp: "WebP", gif: "GIF", avif: "AVIF", heic: "HEIC", tiff: "TIFF", bmp: "BMP",
};
export const SORTS = {
  newest: "Newest first",
  oldest: "Oldest first",
  name: "By file name",
  largest: "Largest first",
  relevance: "Best match first",
};
export const ALT_TEXT = { true: "No alt text", false: "With alt text or decorative" };
export const NEEDS_TEXT = { no_alt_text: "true", status: "completed" };
export const needing = (count) =>
  count === 1 ? "1 picture needs a text" : `${count.toLocaleString()} pictures need a text`;
export const DECORATIVE = { true: "Decorative", false: "Not decorative" };
export const EDITED = { true: "Edited by a person", false: "As models wrote it" };
export const STATES = {
  missing: "Missing",
  draft: "Draft",
  approved: "Approved",
  returned: "Returned",
  stale: "Changed since it was approved",
  by_model: "Approved in a model's own words",
};
export const ANY_DOUBT = "Any doubt";
export const FILTERS = [
  ...["status", "no_alt_text", "decorative", "edited", "tag", "format", "orientation"],
  ...["uploaded_from", "uploaded_to", "larger_than", "smaller_than", "batch", "like"],
  ...["language", "state", "doubt"],
];

const MB = 1_000_000;
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

export const bytesOf = (megabytes) =>
  Number(megabytes) > 0 ? String(Math.round(Number(megabytes) * MB)) : null;
export const megabytesOf = (bytes) => (bytes ? String(Number(bytes) / MB) : "");

// A day where the browser is, as the moment at which it begins (or, for the last one, ends).
export function momentOf(date, { end = false } = {}) {
  if (!/^\d{4,}-\d{2}-\d{2}$/.test(date)) return null;
  const [year, month, number] = date.split("-").map(Number);
  const moment = new Date(year, month - 1, number + (end ? 1 : 0));
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString().replace(".000", "");
}

export function dayOf(moment, { end = false } = {}) {
  const date = new Date(moment);
  if (Number.isNaN(date.getTime())) return "";
  if (end) date.setMilliseconds(date.getMilliseconds() - 1);
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function said(moment, options) {
  const written = dayOf(moment, options);
  if (!written) return moment;
  const [year, month, number] = written.split("-").map(Number);
  return day.format(new Date(year, month - 1, number));
}

const words = {
  status: (value) => STATUS[value],
  no_alt_text: (value) => ALT_TEXT[value],
  decorative: (value) => DECORATIVE[value],
  edited: (value) => EDITED[value],
  tag: (value) => `Tag: ${value}`,
  format: (value) => FORMATS[value],
  orientation: (value) => ORIENTATION[value],
  uploaded_from: (value) => `Since ${said(value)}`,
  uploaded_to: (value) => `Until ${said(value, { end: true })}`,
  larger_than: (value) => `Over ${megabytesOf(value)} MB`,
  smaller_than: (value) => `Under ${megabytesOf(value)} MB`,
  language: (value) => `Text in ${languageName(value)}`,
  state: (value) => STATES[value] && `Text: ${STATES[value].toLowerCase()}`,
  doubt: (value, rules) => (value === "any" ? ANY_DOUBT : `Doubt: ${rules[value] ?? value}`),
  batch: () => "Of one batch",
  like: () => "Like one picture",
};

// {name, value, text} for each filter of an address; `rules` are sentences by the ids of rules.
export function chipsOf(params, rules = {}) {
  return [...params]
    .filter(([name, value]) => FILTERS.includes(name) && value !== "")
    .map(([name, value]) => ({ name, value, text: words[name](value, rules) }))
    .filter((chip) => chip.text);
}

// What the server is asked for: the address without what is only of the page.
export function queryOf(params) {
  const query = new URLSearchParams(params);
  query.delete("picture");
  return query.toString();
}
