// The few pixels of a picture that stand in its place until its thumbnail is there, as an image that
// the browser stretches and blurs by itself: a bitmap file (BMP, 24 bits), which needs no encoder.

const HEADER = 54;
const known = new Map();
const MOST_KNOWN = 2000;

function decode(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) =>
    c.charCodeAt(0),
  );
  const width = bytes[0];
  const height = (bytes.length - 1) / (3 * width);
  if (!width || !Number.isInteger(height) || !height) throw new Error("not a placeholder");
  return { width, height, pixels: bytes.subarray(1) };
}

function bitmapOf(text) {
  const { width, height, pixels } = decode(text);
  const stride = Math.ceil((width * 3) / 4) * 4;
  const file = new Uint8Array(HEADER + stride * height);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  view.setUint32(2, file.length, true);
  view.setUint32(10, HEADER, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, -height, true); // rows from the top
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const [from, to] = [(y * width + x) * 3, HEADER + y * stride + x * 3];
      file[to] = pixels[from + 2];
      file[to + 1] = pixels[from + 1];
      file[to + 2] = pixels[from];
    }
  return `data:image/bmp;base64,${btoa(String.fromCharCode(...file))}`;
}

// A value for `background-image`; none where there is no placeholder.
export function placeholder(text) {
  if (!text) return "none";
  if (!known.has(text)) {
    if (known.size > MOST_KNOWN) known.clear();
    try {
      known.set(text, `url(${bitmapOf(text)})`);
    } catch {
      known.set(text, "none");
    }
  }
  return known.get(text);
}
