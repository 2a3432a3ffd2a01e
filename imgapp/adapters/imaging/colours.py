"""Dominant colours: finds the main ones of a picture and their everyday names."""

from __future__ import annotations

import colorsys
from collections import defaultdict
from functools import cache

MOST = 5
_WORTH_SHOWING = 0.04
"""A colour that covers less of the picture is left out."""


def main_colours(pixels: bytes) -> list[dict[str, str]]:
    """Up to five colours with different names, the largest first, of pixels of three bytes (sRGB).

    Each is `{"name", "code"}`, the code as CSS writes it: the mean of the pixels of that name.
    """
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    channels = iter(pixels)
    for red, green, blue in zip(channels, channels, channels, strict=False):
        # Sixteen steps a channel are as fine as names can tell, and keep the look-up small.
        found = sums[colour_name(red & 0xF0 | 8, green & 0xF0 | 8, blue & 0xF0 | 8)]
        for at, value in enumerate((red, green, blue, 1)):
            found[at] += value
    least = _WORTH_SHOWING * len(pixels) / 3
    largest = sorted(sums.items(), key=lambda item: -item[1][3])
    return [
        {"name": name, "code": "#" + "".join(f"{round(total / count):02x}" for total in totals)}
        for name, (*totals, count) in largest[:MOST]
        if count >= least
    ]


@cache
def colour_name(red: int, green: int, blue: int) -> str:
    """The everyday English name of a colour (channels from 0 to 255)."""
    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.2:
        return "black"
    if saturation < 0.14 or saturation * value < 0.09:
        return "white" if value > 0.86 else "grey"
    return _hue_name(hue * 360, saturation, value)


def _hue_name(hue: float, saturation: float, value: float) -> str:
    if 10 <= hue < 70 and saturation < 0.35:
        return "beige" if value > 0.65 else "brown" if saturation > 0.22 else "grey"
    if hue < 45 and value < 0.6:
        return "brown" if hue >= 10 or saturation < 0.6 else "red"
    if 45 <= hue < 72 and value < 0.55:
        return "olive"
    if hue >= 330 or hue < 15:
        return "pink" if saturation < 0.5 and value > 0.7 else "red"
    for limit, name in ((42, "orange"), (68, "yellow"), (165, "green"), (195, "turquoise")):
        if hue < limit:
            return name
    return "blue" if hue < 255 else "purple" if hue < 290 else "pink"
