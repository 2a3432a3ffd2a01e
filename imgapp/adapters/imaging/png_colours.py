"""PNG colours: reads what a PNG says of its colours before its pixels (PNG, third edition)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from imgapp.adapters.imaging.colour_coding import (
    BT_709,
    BT_1886,
    ColourCoding,
    Primaries,
    from_cicp,
    from_gamma,
)

_MOST_CHUNKS = 200
_WANTED = {b"cICP": 4, b"iCCP": 0, b"sRGB": 0, b"gAMA": 4, b"cHRM": 32, b"cLLI": 8, b"mDCV": 24}
"""The chunks that matter here, and how many of their bytes."""
_SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def colour_coding(file: BinaryIO) -> ColourCoding | None:
    """What the numbers of a PNG's pixels mean, from the start of the file.

    None is sRGB, or a profile, which the decoder reads by itself. Chunks go before one another as
    section 12.1 says.
    """
    found = dict(_chunks(file))
    if len(cicp := found.get(b"cICP", b"")) == 4:
        return from_cicp(cicp[0], cicp[1], peak=_peak(found), like_bt709=BT_1886)
    if b"iCCP" in found or b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return None
    gamma = int.from_bytes(found[b"gAMA"]) / 100_000
    # Beyond these no program writes it, and the picture would be black or white.
    return from_gamma(gamma, _primaries(found.get(b"cHRM", b""))) if 0.1 < gamma < 4 else None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head)
        if name == b"IDAT":
            return
        wanted = min(size, _WANTED.get(name, 0))
        if name in _WANTED:
            yield name, file.read(wanted)
        file.seek(size - wanted + 4, 1)


def _primaries(chunk: bytes) -> Primaries:
    """Of a cHRM chunk; sRGB's where there is none, or one that no light could have."""
    if len(chunk) != 32:
        return BT_709
    numbers = struct.unpack(">8I", chunk)
    if all(abs(a - b) < 100 for a, b in zip(numbers, _SRGB_CHROMATICITIES, strict=True)):
        return BT_709
    points = [(x / 100_000, y / 100_000) for x, y in zip(*[iter(numbers)] * 2, strict=True)]
    white, red, green, blue = points
    area = (green[0] - red[0]) * (blue[1] - red[1]) - (blue[0] - red[0]) * (green[1] - red[1])
    if any(not 0 < y <= 1 or x + y > 1.001 for x, y in points) or abs(area) < 0.001:
        return BT_709
    return Primaries("RGB", red, green, blue, white)


def _peak(found: dict[bytes, bytes]) -> float | None:
    """Nits: of the brightest pixel, else of the display that it was made on."""
    for chunk in (found.get(b"cLLI", b"")[:4], found.get(b"mDCV", b"")[16:20]):
        if len(chunk) == 4 and (peak := int.from_bytes(chunk) / 10_000):
            return peak
    return None
