"""PNG files put together chunk by chunk (PNG, third edition)."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk: its length, its name, its data and their checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def cicp(primaries: int, transfer: int) -> bytes:
    """A colour coding by code points (ITU-T H.273), RGB of full range."""
    return chunk(b"cICP", bytes((primaries, transfer, 0, 1)))


def gamma(value: float) -> bytes:
    """The power by which light became values."""
    return chunk(b"gAMA", struct.pack(">I", round(value * 100_000)))


def chromaticities(*numbers: float) -> bytes:
    """White, red, green and blue, x and y each."""
    return chunk(b"cHRM", struct.pack(">8I", *(round(number * 100_000) for number in numbers)))


def png(pixels: NDArray[np.uint16], *chunks: bytes) -> bytes:
    """RGB of 16 bits, with these chunks before the pixels."""
    height, width, _ = pixels.shape
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + body
