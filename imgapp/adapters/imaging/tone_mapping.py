"""Tone mapping: takes pictures in PQ and HLG (ITU-R BT.2100) to sRGB, as browsers show them.

On an ordinary display Chromium maps with the reference white curve of SMPTE ST 2094-50, white being
203 nits (ITU-R BT.2408), and then cuts off what is outside of sRGB.
"""

from __future__ import annotations

import math

import numpy as np
import pyvips

from imgapp.adapters.imaging.colour_coding import BT_709, BT_2020, HDR_PEAK, ColourCoding, Primaries
from imgapp.adapters.imaging.icc_profiles import to_xyz

_WHITE = 203.0
_LUMINANCE = [[0.2627, 0.6780, 0.0593]]
"""Of BT.2020's primaries."""


def hdr_to_srgb(image: pyvips.Image, coding: ColourCoding) -> pyvips.Image:
    """Map an RGB picture of 16 bits, with or without alpha; the result has 8 bits."""
    light = image.extract_band(0, n=3).maplut(_light_of_values(coding))
    light = light.recomb(_between(coding.primaries, BT_2020))
    if coding.transfer == "HLG":
        light *= _positive(light.recomb(_LUMINANCE) / (HDR_PEAK / _WHITE)) ** 0.2
    brightest = light[0].maxpair(light[1]).maxpair(light[2])
    light = (light * _gain(brightest, coding.peak / _WHITE)).recomb(_between(BT_2020, BT_709))
    shown = light.copy(interpretation="scrgb").colourspace("srgb")
    if image.bands < 4:
        return shown
    return shown.bandjoin((image[3] / 257).cast("uchar")).copy(interpretation="srgb")


def _light_of_values(coding: ColourCoding) -> pyvips.Image:
    """A table from 16-bit values to light, 1 being white (BT.2100, tables 4 and 5).

    HLG's system gamma of 1.2 is left to do: it takes all three channels.
    """
    value = pyvips.Image.identity(ushort=True) / 65535
    if coding.transfer == "PQ":
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = value ** (1 / m2)
        return (_positive(root - c1) / (c2 - root * c3)) ** (1 / m1) * (10_000 / _WHITE)
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * math.log(4 * a)
    scene = (value <= 0.5).ifthenelse(value**2 / 3, (((value - c) / a).exp() + b) / 12)
    return scene * (HDR_PEAK / _WHITE)


def _gain(brightest: pyvips.Image, peak: float) -> pyvips.Image | float:
    """What light is multiplied with where its brightest channel is `brightest`.

    White is dimmed to make room, by half for 1000 nits; from there to the peak, which becomes 1,
    runs a quadratic Bézier curve.
    """
    if peak < 1.01:
        return 1.0
    white = 1 - 0.5 * min(math.log(peak) / math.log(HDR_PEAK / _WHITE), 1)
    x_middle, y_middle = 0.35 + 0.65 / white, 0.35 * white + 0.65
    brightest = (brightest > 1).ifthenelse(brightest, 1)
    inside = (brightest < peak).ifthenelse(brightest, peak)
    # The curve's parameter at this x.
    a, b = 1 - 2 * x_middle + peak, 2 * (x_middle - 1)
    t = ((b * b - (1 - inside) * (4 * a)) ** 0.5 - b) / (2 * a)
    rest = 1 - t
    return (rest**2 * white + rest * t * (2 * y_middle) + t**2) / brightest


def _positive(image: pyvips.Image) -> pyvips.Image:
    return (image > 0).ifthenelse(image, 0)


def _between(source: Primaries, target: Primaries) -> list[list[float]]:
    """The matrix from linear light of one to linear light of the other, by the same white."""
    matrix: list[list[float]] = np.linalg.solve(to_xyz(target), to_xyz(source)).tolist()
    return matrix
