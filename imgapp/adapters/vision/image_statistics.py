"""Image statistics: measure sharpness, light and layout without knowing what is shown.

The limits were found on 38 real photos of 20 cameras, on pages, screens and drawings, each as the
copy that a describer gets (JPEG, at most 1024 pixels); tests/adapters/vision/test_kinds.py counts
how often they are wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Kind = Literal["photo", "screenshot", "drawing", "document", "plain area", "picture"]
Sharpness = Literal["sharp", "blurred"]
Grey = NDArray[np.int16]

_SMALLEST = 48
"""Smaller pictures hold too little to tell their kind."""
_BLOCK = (8, 48)
"""Rows and columns of the blocks in which strokes are counted: about a word."""

_SIZES = """
1280x720 1280x800 1366x768 1440x900 1512x982 1536x864 1600x900 1680x1050 1920x1080 1920x1200
2560x1080 2560x1440 2560x1600 2880x1800 3024x1964 3440x1440 3456x2234 3840x2160 1536x2048
1620x2160 1640x2360 1668x2388 2048x2732 750x1334 828x1792 1080x2160 1080x2220 1080x2280
1080x2340 1080x2400 1080x2408 1125x2436 1170x2532 1179x2556 1206x2622 1242x2688 1284x2778
1290x2796 1320x2868 1344x2992 1440x2960 1440x3040 1440x3120 1440x3200 390x844 393x852
412x915
"""
_SCREENS = frozenset(tuple(sorted(map(int, size.split("x")))) for size in _SIZES.split())
"""Sizes of common screens, in either direction."""


@dataclass(frozen=True)
class Measures:
    """Shares are from 0 to 1, of the pixels unless it says otherwise."""

    brightness: float
    contrast: float
    evenness: float
    """Of the pixels that equal their neighbour."""
    hardness: float
    """Hard edges for each soft one: drawn lines and letters have many, a lens makes few."""
    ground: float
    """The share of the one lightness that covers most."""
    tones: int
    """Colours that cover nine tenths."""
    colourful: float
    lightness: float
    """The median, from 0 to 1."""
    strokes: float
    """Of the blocks with as many thin strokes as lines of text have."""
    straight: int
    """Rows and columns along which an edge runs for more than half of the picture."""
    sharpness: float
    """How much of the strongest edges happens within one pixel: about 0.3 blurred, 0.6 sharp."""


def measure(image: Image.Image) -> Measures:
    """Measure an RGB picture."""
    pixels = np.asarray(image.convert("RGB")).astype(np.int16)
    grey = np.asarray(image.convert("L")).astype(np.int16)
    across, down = np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0))
    spread = pixels.max(axis=2) - pixels.min(axis=2)
    return Measures(
        brightness=float(grey.mean()) / 255,
        contrast=float(grey.std()) / 255,
        evenness=_share(across <= 1, whole=1.0),
        hardness=_share(across > 48) / max(_share((across > 3) & (across <= 24)), 1e-4),
        ground=_ground(grey),
        tones=_tones(pixels),
        colourful=_share(spread > 40),
        lightness=float(np.median(grey)) / 255,
        strokes=_strokes(grey),
        straight=_straight(across, down),
        sharpness=_sharpness(grey),
    )


def kind_of(measures: Measures, width: int, height: int) -> Kind:
    """The kind of a picture of so many pixels, as far as it can be measured."""
    if measures.ground > 0.995 and measures.evenness > 0.995:
        return "plain area"
    if min(width, height) < _SMALLEST:
        return "picture"
    if _is_page(measures, width, height):
        return "document"
    if not _is_drawn(measures):
        return "photo" if measures.evenness > 0.05 and measures.hardness < 0.5 else "picture"
    on_screen = tuple(sorted((width, height))) in _SCREENS
    if measures.strokes >= 0.045 and (measures.straight >= 4 or on_screen):
        return "screenshot"
    return "drawing"


def sharpness_of(measures: Measures) -> Sharpness | None:
    """Whether a photo is sharp or blurred; None between the two."""
    if measures.sharpness < 0.37:
        return "blurred"
    return "sharp" if measures.sharpness >= 0.42 else None


def _is_drawn(measures: Measures) -> bool:
    m = measures
    hard = m.hardness > 0.255 and m.evenness > 0.45
    few_tones = m.evenness > 0.8 and m.ground > 0.3 and m.tones <= 30
    # No lens and no scanner leaves an edge as sharp as one that was drawn.
    razor = m.sharpness > 0.65 and (
        (m.evenness > 0.9 and m.tones <= 30) or (m.ground > 0.5 and m.tones <= 14)
    )
    return hard or few_tones or razor


def _is_page(measures: Measures, width: int, height: int) -> bool:
    upright = 0.6 <= width / height <= 0.85
    paper = measures.lightness >= 0.6 and measures.colourful < 0.06 and measures.tones <= 16
    return upright and paper and measures.strokes >= 0.07 and measures.hardness > 0.2


def _share(chosen: NDArray[np.bool_], *, whole: float = 0.0) -> float:
    return float(chosen.mean()) if chosen.size else whole


def _ground(grey: Grey) -> float:
    counts = np.bincount(grey.ravel(), minlength=256)
    return float(np.convolve(counts, np.ones(9), "same").max() / grey.size)


def _tones(pixels: NDArray[np.int16]) -> int:
    red, green, blue = (pixels[..., channel].astype(np.int32) >> 4 for channel in range(3))
    counts = np.sort(np.bincount((red << 8 | green << 4 | blue).ravel()))[::-1]
    return int(np.searchsorted(np.cumsum(counts), 0.9 * counts.sum())) + 1


def _strokes(grey: Grey) -> float:
    high, wide = _BLOCK
    step = np.diff(grey, axis=1)
    rows, columns = step.shape[0] // high, step.shape[1] // wide
    if not rows or not columns:
        return 0.0
    blocks = step[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    # A stroke begins and ends: an edge of a shape has one side only.
    lighter, darker = (blocks > 28).mean(axis=(1, 3)), (blocks < -28).mean(axis=(1, 3))
    return float((np.minimum(lighter, darker) > 0.045).mean())


def _straight(across: Grey, down: Grey) -> int:
    rows = (down > 6).mean(axis=1) > 0.5 if down.size else np.zeros(1)
    columns = (across > 6).mean(axis=0) > 0.5 if across.size else np.zeros(1)
    return int(rows.sum() + columns.sum())


def _sharpness(grey: Grey) -> float:
    if grey.shape[1] < 16:
        return 0.4
    one = np.abs(np.diff(grey, axis=1))
    four = np.abs(grey[:, 4:] - grey[:, :-4])
    strongest = four > np.percentile(four, 98)
    if not strongest.any():
        return 0.4
    width = four.shape[1]
    steepest = np.maximum.reduce([one[:, start : start + width] for start in range(4)])
    return float((steepest[strongest] / four[strongest]).mean())
