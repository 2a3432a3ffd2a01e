// The grid layout: computes where each picture of a list is on the page (justified rows): rows of
// equal height, in which a picture is as wide as it is in proportion to its height, and none is
// cut. All of it is known before any card is, from the proportions alone, so nothing moves when
// cards arrive.

const DEFAULT_RATIO = 1.5;
const NARROWEST = 0.74;
const WIDEST = 2.4;
// Below this width rows of mixed widths leave too little room for text: two even columns instead.
const TWO_COLUMNS_BELOW = 608;

// A byte of the timeline: width by height, from 1:4 to 4:1 on a logarithmic scale.
export const ratioOf = (byte) => 2 ** ((byte / 255) * 4 - 2);
export const byteOf = (width, height) =>
  Math.round(((Math.min(Math.max(Math.log2(width / height), -2), 2) + 2) / 4) * 255);

export function measures(width, rem = 16) {
  const phone = width < TWO_COLUMNS_BELOW;
  return {
    width,
    columns: phone ? 2 : 0,
    gap: phone ? 12 : Math.min(22, Math.max(12, width * 0.016)),
    rowGap: phone ? 12 : Math.min(24, Math.max(14, width * 0.018)),
    rowHeight: 13 * rem,
    textHeight: (phone ? 6.1 : 7.7) * rem,
    headHeight: 4.1 * rem,
  };
}

// How many pictures of `ratios` from `start` on make a row, and how high it is.
function rowFrom(ratios, start, end, m) {
  if (m.columns) {
    const side = (m.width - m.gap * (m.columns - 1)) / m.columns;
    return { end: Math.min(start + m.columns, end), height: side };
  }
  let sum = 0;
  let height = Infinity;
  let at = start;
  while (at < end) {
    const next = sum + proportion(ratios[at]);
    const lower = (m.width - m.gap * (at - start)) / next;
    // With one more it would be lower than wanted by more than it is higher now.
    if (lower < m.rowHeight && at > start && m.rowHeight - lower > height - m.rowHeight)
      return { end: at, height };
    sum = next;
    height = lower;
    at += 1;
    if (height <= m.rowHeight) return { end: at, height };
  }
  // The last row of a day is not stretched to the full width.
  return { end, height: Math.min(height, m.rowHeight) };
}

const proportion = (ratio) =>
  Math.min(WIDEST, Math.max(NARROWEST, ratio ?? DEFAULT_RATIO));

// Items from the top: `{kind: "day", day, size}` and `{kind: "row", day, first, end, height, size}`.
// `days` are `{key, count}`; what is of no day has no key, and no head.
export function layOut(ratios, days, m) {
  const items = [];
  let first = 0;
  for (const [day, { key, count }] of days.entries()) {
    const end = first + count;
    if (key) items.push({ kind: "day", day, first, end: first, size: m.headHeight });
    while (first < end) {
      const row = rowFrom(ratios, first, end, m);
      const size = row.height + m.textHeight + m.rowGap;
      items.push({ kind: "row", day, first, end: row.end, height: row.height, size });
      first = row.end;
    }
  }
  return items;
}

// The left edge and the width of each picture of a row.
export function placesIn(row, ratios, m) {
  const places = [];
  let left = 0;
  for (let at = row.first; at < row.end; at += 1) {
    const width = m.columns ? row.height : proportion(ratios[at]) * row.height;
    places.push({ at, left, width });
    left += width + m.gap;
  }
  return places;
}

// The item in which the picture at a position is.
export function itemOf(items, position) {
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].end > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

// From the range that is on the screen to what is mounted: some more on both sides, and at least
// `least` pictures where there are that many.
export function mounted({ startIndex, endIndex, overscan, count }, items, least) {
  let start = Math.max(0, startIndex - overscan);
  let end = Math.min(count - 1, endIndex + overscan);
  const pictures = () => (count ? items[end].end - items[start].first : 0);
  while (pictures() < least && (start > 0 || end < count - 1)) {
    if (end < count - 1) end += 1;
    else start -= 1;
  }
  // The head of the day in which it begins, for whoever hears the page.
  return Array.from({ length: Math.max(0, end - start + 1) }, (_, index) => start + index);
}
