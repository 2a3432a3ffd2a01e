"""Colour codings: say what the numbers of a picture's pixels mean (CICP, ITU-T H.273)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

HDR_PEAK = 1000.0
"""The peak of an HDR picture that names none, in nits: the reference display of BT.2100."""


class Curve(NamedTuple):
    """Values from 0 to 1 to light: (a x + b)^g from x = d on, c x below (ICC.1, curve type 3)."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


class Primaries(NamedTuple):
    """Chromaticities (x, y) of red, green, blue and white, and their everyday name."""

    name: str
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]
    white: tuple[float, float] = (0.3127, 0.3290)


Hdr = Literal["PQ", "HLG"]
SRGB = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT_1886 = Curve(2.4)
BT_709 = Primaries("sRGB", (0.640, 0.330), (0.300, 0.600), (0.150, 0.060))
BT_2020 = Primaries("BT.2020", (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))


@dataclass(frozen=True)
class ColourCoding:
    """Primaries, and either a curve or one of the two HDR transfer functions of BT.2100."""

    primaries: Primaries
    transfer: Curve | Hdr
    peak: float = HDR_PEAK
    """The brightest light of an HDR picture, in nits."""

    @property
    def is_hdr(self) -> bool:
        """Whether it needs tone mapping; else a profile says it all."""
        return isinstance(self.transfer, str)

    @property
    def name(self) -> str:
        """What people call it: "Display P3", "BT.2020 PQ", "sRGB, gamma 1.8"."""
        if isinstance(self.transfer, str):
            return f"{self.primaries.name} {self.transfer}"
        if self.transfer == SRGB:
            return self.primaries.name
        if self.transfer == _LINEAR:
            return f"{self.primaries.name}, linear"
        simple = self.transfer == Curve(self.transfer.g)
        return f"{self.primaries.name}, gamma {self.transfer.g:.3g}" if simple else "SMPTE 240M"


def from_cicp(
    primaries: int, transfer: int, *, peak: float | None = None, like_bt709: Curve = SRGB
) -> ColourCoding | None:
    """The coding that two code points of H.273 name (tables 2 and 3); None is plain sRGB.

    What they leave open is sRGB. `like_bt709` is how pictures with the camera curve of BT.709 are
    shown: browsers take it for sRGB in video formats.
    """
    where = _PRIMARIES.get(primaries, BT_709)
    how = like_bt709 if transfer in _LIKE_BT709 else _TRANSFERS.get(transfer, SRGB)
    return None if (where, how) == (BT_709, SRGB) else ColourCoding(where, how, peak or HDR_PEAK)


def from_gamma(gamma: float, primaries: Primaries) -> ColourCoding | None:
    """The coding of values that are light to the power of `gamma` (PNG, gAMA); None is sRGB."""
    # The specification of PNG gives this pair for sRGB, and older programs write no other name.
    if abs(gamma - 1 / 2.2) < 0.002 and primaries == BT_709:
        return None
    return ColourCoding(primaries, Curve(1 / gamma))


_LINEAR = Curve(1.0)
_LIKE_BT709 = (1, 6, 14, 15)
_TRANSFERS: dict[int, Curve | Hdr] = {
    4: Curve(2.2),
    5: Curve(2.8),
    7: Curve(1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 4 * 0.0228),
    8: _LINEAR,
    16: "PQ",
    17: Curve(2.6),
    18: "HLG",
}
_C, _DCI = (0.310, 0.316), (0.314, 0.351)
_PAL = Primaries("PAL", (0.640, 0.330), (0.290, 0.600), (0.150, 0.060))
_NTSC = Primaries("SMPTE C", (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
_PRIMARIES = {
    1: BT_709,
    4: Primaries("NTSC 1953", (0.67, 0.33), (0.21, 0.71), (0.14, 0.08), _C),
    5: _PAL,
    6: _NTSC,
    7: _NTSC,
    8: Primaries("Film", (0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: BT_2020,
    11: Primaries("DCI P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: Primaries("Display P3", (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries("EBU 3213", (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
