"""Found blocks: finds the metadata blocks of a file that its decoder does not hand over."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imgapp.adapters.imaging.formats import (
    AVIF,
    AVIF_SEQUENCE,
    GIF,
    HEIC,
    HEIF,
    PNG,
    WEBP,
    FileFormat,
)
from imgapp.adapters.imaging.metadata import read_orientation
from imgapp.adapters.imaging.opened_image import OpenedImage
from imgapp.adapters.imaging.png_chunks import find_in_png, mapped
from imgapp.adapters.imaging.xmp import MAX_XMP

Blocks = dict[str, bytes]
"""By the names that libvips gives them: `xmp-data`, `exif-data`, `iptc-data`, `photoshop-data`."""

_MOST_STEPS = 500_000
"""A file made of tiny pieces may not take the time of the picture."""


def add_found_blocks(opened: OpenedImage, source: Path, form: FileFormat) -> OpenedImage:
    """A picture with the blocks that its decoder did not see, and turned as they say."""
    found = find_blocks(source, form)
    unseen = "exif-data" in found and "exif-data" not in opened.blobs
    turn = read_orientation(found["exif-data"]) if unseen else 1
    wide, high = opened.width, opened.height
    if turn >= 5:
        wide, high = high, wide
    return replace(opened, blobs=found | opened.blobs, turn=turn, width=wide, height=high)


def find_blocks(source: Path, form: FileFormat) -> Blocks:
    """The XMP, EXIF and IPTC that stand where decoders do not look; {} in other formats."""
    finder = _FINDERS.get(form)
    # Whatever a stranger's bytes do to a parser, the picture itself is still good.
    with suppress(Exception):
        if finder is not None:
            with mapped(source) as data:
                return finder(data)
    return {}


def _in_webp(data: mmap.mmap) -> Blocks:
    """Chunks (RIFF) that the flags of VP8X do not announce."""
    names = {b"XMP ": "xmp-data", b"EXIF": "exif-data"}
    found: Blocks = {}
    at = 12
    for _ in range(_MOST_STEPS):
        if at + 8 > len(data):
            break
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind in names and size <= MAX_XMP:
            found.setdefault(names[kind], data[at + 8 : at + 8 + size])
        at += 8 + (size + 1) // 2 * 2
    return found


_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def _in_iso_media(data: mmap.mmap) -> Blocks:
    """A box `uuid` at the top, where exiftool puts XMP into moving pictures (XMP 3, 1.2.7)."""
    at = 0
    for _ in range(_MOST_STEPS):
        if at + 24 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            start += 8
        end = at + size if size else len(data)
        if kind == b"uuid" and data[start : start + 16] == _XMP_UUID:
            return {"xmp-data": data[start + 16 : min(end, start + 16 + MAX_XMP)]}
        if end < start:
            break
        at = end
    return {}


def _in_gif(data: mmap.mmap) -> Blocks:
    """The application extension "XMP Data" (XMP 3, 1.1.2)."""
    at = 13 + _color_table(data[10])
    steps = iter(range(_MOST_STEPS))
    while at < len(data) and next(steps, None) is not None:
        if data[at] == 0x2C:
            at = _after_blocks(data, at + 11 + _color_table(data[at + 9]), steps)
        elif data[at] != 0x21:
            break
        elif data[at + 1 : at + 14] == b"\xff\x0bXMP DataXMP":
            # The packet lies there bare: a trailer of 258 bytes leads whoever walks over it, as if
            # it were blocks of data, to the end.
            start, at = at + 14, _after_blocks(data, at + 14, steps)
            return {"xmp-data": data[start : min(at - 258, start + MAX_XMP)]}
        else:
            at = _after_blocks(data, at + 2, steps)
    return {}


def _color_table(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: mmap.mmap, at: int, steps: Iterator[int]) -> int:
    while data[at] and next(steps, None) is not None:
        at += 1 + data[at]
    return at + 1


_FINDERS: dict[FileFormat, Callable[[mmap.mmap], Blocks]] = {
    PNG: find_in_png,
    WEBP: _in_webp,
    GIF: _in_gif,
    **dict.fromkeys((AVIF, AVIF_SEQUENCE, HEIC, HEIF), _in_iso_media),
}
