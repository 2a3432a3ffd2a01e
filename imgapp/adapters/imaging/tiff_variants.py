"""TIFF variants: tell from its first directory which library reads a file, or none (TIFF 6.0)."""

from __future__ import annotations

import struct
from typing import BinaryIO

from imgapp.errors import UnsupportedFormat

Tags = dict[int, tuple[int, ...]]

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS, _COMPRESSION, _PHOTOMETRIC = 258, 259, 262
_CIELAB = 8
_SUBFILE_TYPE, _SUB_IFDS, _SAMPLE_FORMAT, _DNG_VERSION = 254, 330, 339, 50706
_WANTED = {_BITS, _COMPRESSION, _PHOTOMETRIC, _SUBFILE_TYPE, _SUB_IFDS}
_WANTED |= {_SAMPLE_FORMAT, _DNG_VERSION}

_MOST_ENTRIES, _MOST_VALUES = 1_000, 16
_TYPES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}

_RAW_PHOTOMETRICS = (32803, 34892)
"""A colour filter array, and what was made of one (Adobe's DNG)."""
_FOR_PILLOW = (6, 34925, 50000)
"""Old-style JPEG, LZMA and Zstandard: the wheel of libvips has none of them."""
_COMPRESSIONS = {
    34661: "JBIG",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    34934: "JPEG XR",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_COLOURS = {9: "ICC L*a*b*", 10: "ITU L*a*b*", 32844: "LogL", 32845: "LogLuv"}
_DEPTHS = (1, 2, 4, 8, 16, 32)
_COMPLEX = (5, 6)


def read_directory(file: BinaryIO) -> Tags:
    """Tags of the first directory that say how its pixels are stored, wherever it stands.

    Of a damaged one, what can be read.
    """
    file.seek(0)
    head = file.read(16)
    if head[:4] not in SIGNATURES or len(head) < 16:
        return {}
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    (at,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    entry = struct.Struct(order + ("HHQ8s" if big else "HHI4s"))
    counts = struct.Struct(order + ("Q" if big else "H"))
    found: Tags = {}
    try:
        file.seek(at)
        (count,) = counts.unpack(file.read(counts.size))
        data = file.read(entry.size * min(count, _MOST_ENTRIES))
        for at in range(0, len(data) - entry.size + 1, entry.size):
            tag, *described = entry.unpack_from(data, at)
            if tag in _WANTED:
                found.setdefault(tag, _values(file, order, *described))
    except (struct.error, OSError, ValueError, OverflowError):
        pass
    return found


def _values(file: BinaryIO, order: str, kind: int, number: int, value: bytes) -> tuple[int, ...]:
    letter = _TYPES.get(kind)
    if letter is None:
        return ()
    form = struct.Struct(f"{order}{min(number, _MOST_VALUES)}{letter}")
    if struct.calcsize(letter) * number > len(value):
        file.seek(struct.unpack(order + ("Q" if len(value) == 8 else "I"), value)[0])
        value = file.read(form.size)
    return form.unpack_from(value)


def is_raw(tags: Tags) -> bool:
    """Whether this is a camera's raw file: a DNG, or one that starts with a small preview."""
    reduced = _first(tags, _SUBFILE_TYPE) & 1
    sensor = _first(tags, _PHOTOMETRIC) in _RAW_PHOTOMETRICS
    return _DNG_VERSION in tags or sensor or bool(reduced and _SUB_IFDS in tags)


def for_pillow(tags: Tags) -> bool:
    """Whether Pillow reads what libvips' wheel does not, or not rightly.

    Raises UnsupportedFormat where neither does.
    """
    compression, photometric = _first(tags, _COMPRESSION, 1), _first(tags, _PHOTOMETRIC, 1)
    bits = tags.get(_BITS) or (1,)
    if name := _COMPRESSIONS.get(compression):
        raise UnsupportedFormat(f"TIFF files compressed with {name} are not supported.")
    if name := _COLOURS.get(photometric):
        raise UnsupportedFormat(f"TIFF files with colours in {name} are not supported.")
    if _first(tags, _SAMPLE_FORMAT) in _COMPLEX:
        raise UnsupportedFormat("TIFF files of complex numbers are not supported.")
    if bits == (12,) and compression == 1:
        return True
    if bits[0] not in _DEPTHS:
        raise UnsupportedFormat(f"TIFF files with {bits[0]} bits a channel are not supported.")
    return compression in _FOR_PILLOW or (photometric == _CIELAB and set(bits) == {8})


def _first(tags: Tags, tag: int, default: int = 0) -> int:
    return (tags.get(tag) or (default,))[0]
