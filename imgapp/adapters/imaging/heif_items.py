"""HEIF items: reads what an AVIF or HEIC file says of its pictures (ISO/IEC 23008-12).

The decoders say nothing of colour codings, of colours that are multiplied with their alpha, nor of
which items are pictures of their own. Only the `meta` box is read.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from imgapp.adapters.imaging.colour_coding import ColourCoding, from_cicp

_MOST_BOXES, _MOST_META_BYTES = 1_000, 2_000_000
_MOST_ENTRIES = 20_000
_CODED = {b"av01", b"hvc1", b"hev1", b"avc1", b"jpeg", b"j2k1", b"vvc1", b"unci"}
_DERIVED = {b"grid", b"iovl", b"iden"}


@dataclass(frozen=True)
class HeifItems:
    """What the items say of the picture that is shown first, and how many pictures there are."""

    coding: ColourCoding | None = None
    """None is sRGB, or an ICC profile."""
    premultiplied: bool = False
    pictures: int = 1


References = dict[int, tuple[int, ...]]


@dataclass
class _Meta:
    primary: int = 0
    types: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    references: dict[bytes, dict[int, tuple[int, ...]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    associated: dict[int, list[int]] = field(default_factory=dict)

    def of(self, item: int) -> list[tuple[bytes, bytes]]:
        """The properties of an item: kind and payload."""
        numbers = self.associated.get(item, [])
        return [self.properties[n - 1] for n in numbers if 0 < n <= len(self.properties)]


def read_items(file: BinaryIO) -> HeifItems:
    """Read the `meta` box; what is damaged or too large counts as saying nothing."""
    meta = _Meta()
    # Whatever a stranger's bytes do to a parser, the decoder judges the picture.
    with suppress(struct.error, IndexError, ValueError, OverflowError, OSError):
        _read_meta(_meta_box(file), meta)
    return HeifItems(
        coding=_coding(meta),
        premultiplied=meta.primary in meta.references[b"prem"],
        pictures=max(1, _pictures(meta)),
    )


def _coding(meta: _Meta) -> ColourCoding | None:
    # Of a grid, the tiles may say it.
    tiles = meta.references[b"dimg"].get(meta.primary, ())[:1]
    for item in (meta.primary, *tiles):
        said = meta.of(item)
        colours = [payload for kind, payload in said if kind == b"colr"]
        if any(payload[:4] in (b"prof", b"rICC") for payload in colours):
            return None
        for payload in colours:
            if payload[:4] == b"nclx":
                primaries, transfer = struct.unpack_from(">HH", payload, 4)
                return from_cicp(primaries, transfer, peak=_peak(dict(said)))
    return None


def _peak(said: dict[bytes, bytes]) -> float | None:
    """Nits: of the brightest pixel, else of the display that it was made on."""
    if len(light := said.get(b"clli", b"")) >= 4 and (peak := int.from_bytes(light[:2])):
        return float(peak)
    display = said.get(b"mdcv", b"")
    return int.from_bytes(display[16:20]) / 10_000 or None if len(display) >= 24 else None


def _pictures(meta: _Meta) -> int:
    """Items that are pictures of their own, not tiles, thumbnails, masks or gain maps."""
    parts = {part for parts in meta.references[b"dimg"].values() for part in parts}
    parts |= set(meta.references[b"thmb"]) | set(meta.references[b"auxl"]) | meta.hidden
    whole = {item for item, kind in meta.types.items() if kind in _CODED | _DERIVED}
    return len(whole - parts | whole & {meta.primary})


# Boxes (ISO/IEC 14496-12): a size, four letters, and what is inside.


def _meta_box(file: BinaryIO) -> bytes:
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            break
        size, kind, start = _size(head)
        if kind == b"meta":
            if size > _MOST_META_BYTES:
                break
            file.seek(at + start + 4)
            return file.read(max(0, size - start - 4))
        if size < start:
            break
        at += size
    return b""


def _size(head: bytes) -> tuple[int, bytes, int]:
    """Of a box: its size, its name, and where its content starts."""
    size, kind = struct.unpack_from(">I4s", head)
    if size == 1:
        return struct.unpack_from(">Q", head, 8)[0], kind, 16
    return size, kind, 8


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for _ in range(_MOST_ENTRIES):
        if at + 8 > len(data):
            return
        size, kind, start = _size(data[at : at + 16])
        if size < start:
            return
        yield kind, data[at + start : at + size]
        at += size


def _read_meta(data: bytes, meta: _Meta) -> None:
    for kind, box in _boxes(data):
        if kind == b"pitm":
            meta.primary = _number(box, 4, wide=box[0] > 0)
        elif kind == b"iinf":
            for name, entry in _boxes(box[6 if box[0] == 0 else 8 :]):
                if name == b"infe" and entry[0] in (2, 3):
                    _read_item(entry, meta)
        elif kind == b"iref":
            for name, entry in _boxes(box[4:]):
                _read_reference(name, entry, box[0] > 0, meta)
        elif kind == b"iprp":
            for name, inner in _boxes(box):
                if name == b"ipco":
                    meta.properties = list(_boxes(inner))
                elif name == b"ipma":
                    _read_associations(inner, meta)


def _number(data: bytes, at: int, *, wide: bool) -> int:
    return int(struct.unpack_from(">I" if wide else ">H", data, at)[0])


def _read_item(entry: bytes, meta: _Meta) -> None:
    wide = entry[0] == 3
    item, at = _number(entry, 4, wide=wide), 10 if wide else 8
    meta.types[item] = entry[at : at + 4]
    if entry[3] & 1:
        meta.hidden.add(item)


def _read_reference(name: bytes, entry: bytes, wide: bool, meta: _Meta) -> None:
    step = 4 if wide else 2
    count = _number(entry, step, wide=False)
    targets = struct.unpack_from(f">{count}{'I' if wide else 'H'}", entry, step + 2)
    meta.references[name][_number(entry, 0, wide=wide)] = targets


def _read_associations(box: bytes, meta: _Meta) -> None:
    wide, long = box[0] > 0, bool(box[3] & 1)
    at, left = 8, _MOST_ENTRIES
    for _ in range(min(_number(box, 4, wide=True), left)):
        item, at = _number(box, at, wide=wide), at + (4 if wide else 2)
        count, at = box[at], at + 1
        if (left := left - count) < 0:
            raise ValueError("too many properties")
        numbers = struct.unpack_from(f">{count}{'H' if long else 'B'}", box, at)
        # The highest bit says whether a reader must understand it.
        kept = [number & (0x7FFF if long else 0x7F) for number in numbers]
        meta.associated.setdefault(item, []).extend(kept)
        at += count * (2 if long else 1)
