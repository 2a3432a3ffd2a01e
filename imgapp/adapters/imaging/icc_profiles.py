"""ICC profiles: makes the profile of a colour coding that a file only names (matrix/TRC, ICC.1)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imgapp.adapters.imaging.colour_coding import ColourCoding, Curve, Primaries

Matrix = NDArray[np.float64]

_RGB = (b"r", b"g", b"b")
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def icc_profile(coding: ColourCoding) -> bytes:
    """A display profile of version 4 (ICC.1:2010, 8.3.3) of a coding that has a curve."""
    assert isinstance(coding.transfer, Curve)
    curve = b"para\0\0\0\0\0\3\0\0" + _fixed(coding.transfer)
    name = coding.name.encode("utf-16-be")
    text = struct.pack(">4sIIIHHII", b"mluc", 0, 1, 12, 0x656E, 0x5553, len(name), 28) + name
    tags = {b"desc": text, b"cprt": text, b"wtpt": _xyz(_D50)}
    colorants = _adaptation(coding.primaries) @ to_xyz(coding.primaries)
    tags |= {name + b"XYZ": _xyz(column) for name, column in zip(_RGB, colorants.T, strict=True)}
    return _profile_of(tags | {name + b"TRC": curve for name in _RGB})


def to_xyz(primaries: Primaries) -> Matrix:
    """The matrix from linear light of these primaries to CIE XYZ (SMPTE RP 177)."""
    red, green, blue, white = (
        np.array([x / y, 1.0, (1 - x - y) / y])
        for x, y in (primaries.red, primaries.green, primaries.blue, primaries.white)
    )
    columns = np.array([red, green, blue]).T
    scaled: Matrix = columns * np.linalg.solve(columns, white)
    return scaled


def _adaptation(primaries: Primaries) -> Matrix:
    """From the white of these primaries to D50 (linear Bradford, ICC.1:2010, annex E)."""
    white = to_xyz(primaries) @ np.ones(3)
    scales = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adaptation: Matrix = np.linalg.inv(_BRADFORD) @ scales @ _BRADFORD
    return adaptation


def _profile_of(tags: dict[bytes, bytes]) -> bytes:
    table, data, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, start + len(data), len(tag))
        data += tag + bytes(-len(tag) % 4)
    size, version = start + len(data), 0x04200000
    head = struct.pack(">I4xI4s4s4s", size, version, b"mntr", b"RGB ", b"XYZ ")
    header = head + bytes(12) + b"acsp" + bytes(28) + _fixed(_D50)
    return header + bytes(128 - len(header)) + table + data


def _xyz(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values: Any) -> bytes:
    """Numbers of 16.16 bits."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)
