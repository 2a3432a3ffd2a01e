// Marks what was searched for in the texts of the cards, without a change of the page: as ranges that
// the browser paints (CSS Custom Highlight API). Where it knows none, nothing is marked.

const NAME = "found";
const CJK = /[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]/;
const TEXTS = ".card-alt, .card-description, .card-name, .tag";

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// The words of a search as one pattern; null if there are none to mark.
export function patternOf(q) {
  const words = fold(q ?? "")
    .replace(/(^|\s)-(?:"[^"]*"?|\S+)/g, " ")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word && word !== "or");
  if (!words.length) return null;
  const each = words.map((word) =>
    CJK.test(word) ? escaped(word) : `(?<![\\p{L}\\p{N}])${escaped(word)}[\\p{L}\\p{N}]*`,
  );
  return new RegExp(each.join("|"), "gu");
}

// [start, end] of each match, in the text as it is. Letters with accents fold to one letter each.
export function spansOf(text, pattern) {
  const characters = [...text];
  const folded = characters.map((character) => fold(character));
  const starts = [];
  let at = 0;
  folded.forEach((part, index) => {
    for (let n = 0; n < part.length; n += 1) starts.push([at, characters[index].length]);
    at += characters[index].length;
  });
  return [...folded.join("").matchAll(pattern)]
    .filter((match) => match[0])
    .map((match) => {
      const [last, length] = starts[match.index + match[0].length - 1];
      return [starts[match.index][0], last + length];
    });
}

export function mark(root, q) {
  if (!globalThis.CSS?.highlights) return;
  const pattern = patternOf(q);
  CSS.highlights.delete(NAME);
  if (!pattern) return;
  const ranges = [];
  for (const element of root.querySelectorAll(TEXTS)) {
    const node = element.firstChild;
    if (node?.nodeType !== Node.TEXT_NODE) continue;
    for (const [start, end] of spansOf(node.data, pattern)) {
      const range = new Range();
      range.setStart(node, start);
      range.setEnd(node, end);
      ranges.push(range);
    }
  }
  if (ranges.length) CSS.highlights.set(NAME, new Highlight(...ranges));
}
