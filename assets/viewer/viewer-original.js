// The original: tells when it is worth loading, and what a browser can make of it.

const PREVIEW_SIDE = 1440;
const MOST_BYTES = 25e6;
const MOST_PIXELS = 60e6;
const KNOWN = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/bmp"];

// The preview's width where the original shows more than it; else 0.
export function bigger({ width, height, animated }) {
  const longest = Math.max(width ?? 0, height ?? 0);
  if (longest > PREVIEW_SIDE) return Math.round((width * PREVIEW_SIDE) / longest);
  return animated ? width : 0;
}

// Why the original cannot be shown, if so.
export const notShown = (image) =>
  KNOWN.includes(image.mime_type)
    ? ""
    : `Browsers cannot show ${image.format} files. This is the preview; the download has every pixel.`;

// Whether zooming in is reason enough: what is very large is asked for.
export const loadsByItself = (image) =>
  Boolean(bigger(image)) &&
  !notShown(image) &&
  image.file_size <= MOST_BYTES &&
  image.width * image.height <= MOST_PIXELS &&
  !globalThis.navigator?.connection?.saveData;
