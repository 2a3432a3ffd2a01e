// Scales of the zoom: how far it goes, and where it stops on the way. At 1 the whole picture is seen.

const LEAST_MOST = 6;

// At which a pixel of the picture is one of the screen. `frame` is how wide the whole picture is
// drawn, in CSS pixels, of which each has `density` pixels of the screen in a row.
export const fullScale = ({ width }, frame, density) => (frame ? (width || 0) / (frame * density) : 1);

export const mostScale = (full) => Math.max(LEAST_MOST, 2 * full);

// A step goes to the picture's own size where that is about a step away: no nearer, or it would not
// be seen, and no farther than what would leave such a rest.
const isNext = (ratio) => ratio >= 1.25 && ratio < 1.5 * 1.25;

// By how much a step goes in and out: half as much again, and back.
export const stepIn = (scale, full) => (isNext(full / scale) ? full - scale : scale / 2);
export const stepOut = (scale, full) => (isNext(scale / full) ? scale - full : scale / 3);
