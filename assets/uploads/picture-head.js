// The picture head: reads from a file's first bytes how wide and high its picture is, and where the
// small picture lies that cameras embed (the thumbnail of Exif 2.32, 4.5.4 and 4.6.9). Whatever the
// bytes say is checked against how many there are.

const MOST_SEGMENTS = 200;
const MOST_ENTRIES = 200;
const LEAST_THUMBNAIL_BYTES = 128;
const [ORIENTATION, OFFSET, LENGTH] = [0x0112, 0x0201, 0x0202];
const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);
const [EXIF, SCAN] = [0xe1, 0xda];

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const textAt = (bytes, at, count) => String.fromCharCode(...bytes.subarray(at, at + count));

// {width, height, turn, thumbnail}: as it is stored, how it is to be turned (the orientation of
// Exif), and the bytes of the thumbnail. What is not known is left out; throws RangeError where the
// bytes end too early.
function readJpeg(bytes) {
  const view = viewOf(bytes);
  const found = {};
  let at = 2;
  for (let count = 0; count < MOST_SEGMENTS && at + 4 <= bytes.length; count += 1) {
    while (bytes[at + 1] === 0xff) at += 1; // fill bytes
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === SCAN) break;
    const size = view.getUint16(at + 2);
    if (marker === EXIF && textAt(bytes, at + 4, 6) === "Exif\0\0" && !found.turn)
      Object.assign(found, readExif(bytes.subarray(at + 10, at + 2 + size)));
    if (FRAMES.has(marker))
      return { ...found, height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + size;
  }
  return found;
}

function readExif(bytes) {
  const found = { turn: 1 };
  try {
    const view = viewOf(bytes);
    const little = textAt(bytes, 0, 2) === "II";
    const values = (directory) => {
      const count = view.getUint16(directory, little);
      if (count > MOST_ENTRIES) throw new RangeError();
      const entries = new Map();
      for (let entry = directory + 2; entry < directory + 2 + 12 * count; entry += 12) {
        const short = view.getUint16(entry + 2, little) === 3;
        const value = short ? view.getUint16(entry + 8, little) : view.getUint32(entry + 8, little);
        entries.set(view.getUint16(entry, little), value);
      }
      return { entries, next: view.getUint32(directory + 2 + 12 * count, little) };
    };
    const first = values(view.getUint32(4, little));
    found.turn = first.entries.get(ORIENTATION) ?? 1;
    if (!first.next) return found;
    const { entries } = values(first.next);
    const start = entries.get(OFFSET);
    const data = bytes.subarray(start, start + entries.get(LENGTH));
    if (data.length === entries.get(LENGTH) && data.length >= LEAST_THUMBNAIL_BYTES)
      found.thumbnail = data;
  } catch {
    // It is damaged, or goes on beyond these bytes: what was found until then counts.
  }
  return found;
}

const lying = ({ width, height }) => width > height;

// The thumbnail, where it is of this picture: software that turned or cut the picture may have left
// the old one.
function thumbnailOf({ width, height, turn, thumbnail }) {
  if (!thumbnail || thumbnail[0] !== 0xff || thumbnail[1] !== 0xd8) return null;
  const small = readJpeg(thumbnail);
  if (!small.width || lying(small) !== lying({ width, height })) return null;
  return turned(thumbnail, turn);
}

// A JPEG with the orientation in it: the browser turns it by itself.
function turned(jpeg, turn) {
  if (turn < 2 || turn > 8) return jpeg;
  const exif = [0xff, 0xe1, 0, 34, ...[..."Exif\0\0MM\0*"].map((one) => one.charCodeAt(0))];
  exif.push(0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, turn, 0, 0, 0, 0, 0, 0);
  const whole = new Uint8Array(jpeg.length + exif.length);
  whole.set(jpeg.subarray(0, 2));
  whole.set(exif, 2);
  whole.set(jpeg.subarray(2), 2 + exif.length);
  return whole;
}

function readOther(bytes) {
  const view = viewOf(bytes);
  const size = (width, height) => ({ width, height });
  if (textAt(bytes, 1, 3) === "PNG") return size(view.getUint32(16), view.getUint32(20));
  if (textAt(bytes, 0, 4) === "GIF8") return size(view.getUint16(6, true), view.getUint16(8, true));
  if (textAt(bytes, 0, 2) === "BM")
    return size(view.getInt32(18, true), Math.abs(view.getInt32(22, true)));
  if (textAt(bytes, 8, 8) === "WEBPVP8X") {
    const least = (at) => 1 + (view.getUint32(at, true) & 0xffffff);
    return size(least(24), least(27));
  }
  if (textAt(bytes, 8, 8) === "WEBPVP8 ")
    return size(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
  return {};
}

// {width, height, thumbnail}: pixels of the picture as it is seen, and the bytes of a JPEG, or null.
// Nothing is said of what cannot be told from these bytes.
export function headOf(bytes) {
  try {
    if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return { thumbnail: null, ...readOther(bytes) };
    const found = readJpeg(bytes);
    if (!found.width || !found.height) return { thumbnail: null };
    const [width, height] = found.turn >= 5 ? [found.height, found.width] : [found.width, found.height];
    return { width, height, thumbnail: thumbnailOf(found) };
  } catch {
    return { thumbnail: null }; // it ends too early
  }
}
