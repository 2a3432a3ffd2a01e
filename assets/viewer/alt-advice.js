// Alt text advice: checks the one that is being written (W3C Images Tutorial).

export const LONG = 150;

const PRONOUNCED = /^\s*(an?\s+|the\s+)?(image|picture|photo|photograph|graphic)\s+(of|showing)\b/i;
const FILE_NAME = /^\s*\S+\.(jpe?g|png|gif|webp|heic|heif|avif|tiff?|bmp)\s*$/i;

// A sentence, or "" where all is well.
export function advice(text) {
  const length = text.trim().length;
  if (!length) return "Empty: nobody has said yet what the picture shows.";
  if (FILE_NAME.test(text)) return "A file name says nothing to who cannot see the picture.";
  if (PRONOUNCED.test(text)) return "Screen readers say that it is an image: begin with what it shows.";
  if (length > LONG) return "Long: it is read out in one go. Details belong into the description.";
  return "";
}

// Characters as people count them.
export function lengthOf(text) {
  const letters = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return [...letters.segment(text.trim())].length;
}
