// Scales of the zoom: how far it goes, and where it stops on the way. At 1 the whole picture is seen.

const LEAST_MOST = 6;

// At which a pixel of the picture is one of the screen. `frame` is how wide the whole picture is
// drawn, in CSS pixels, of which each has `density` pixels of the screen in a row.
export const fullScale = ({ width }, frame, density) => (frame ? (width || 0) / (frame * density) : 1);

export const mostScale = (full) => Math.max(LEAST_MOST, 2 * full);

// By how much a step goes in: half as much again, but not past the picture's own size.
export const stepIn = (scale, full) =>
  scale < 0.99 * full && 1.5 * scale > full ? full - scale : scale / 2;
