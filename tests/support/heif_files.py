"""AVIF and HEIC files put together box by box (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field

from PIL import Image

ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box: its size, its name, its content."""
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box that has a version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def nclx(primaries: int, transfer: int, matrix: int = 6, *, full_range: bool = True) -> bytes:
    """A colour property of code points (ITU-T H.273)."""
    said = struct.pack(">HHHB", primaries, transfer, matrix, full_range << 7)
    return box(b"colr", b"nclx", said)


@dataclass(frozen=True)
class Item:
    """A picture, a tile or a mask. `references` are to other items, by their number from 1."""

    data: bytes
    properties: tuple[bytes, ...]
    kind: bytes = b"av01"
    references: dict[bytes, tuple[int, ...]] = field(default_factory=dict)


def coded(image: Image.Image, *properties: bytes) -> Item:
    """A picture as an item of its own: grey if the image is, else without subsampling."""
    file = io.BytesIO()
    image.save(file, "AVIF", quality=100, subsampling="4:0:0" if image.mode == "L" else "4:4:4")
    data = file.getvalue()
    at = data.index(b"av1C") - 4
    (size,) = struct.unpack_from(">I", data, at)
    extent = full_box(b"ispe", struct.pack(">II", *image.size))
    depths = (1, 8) if image.mode == "L" else (3, 8, 8, 8)
    described = (extent, full_box(b"pixi", bytes(depths)), data[at : at + size])
    return Item(data[data.index(b"mdat") + 4 :], (*described, *properties))


def grid(columns: int, rows: int, size: tuple[int, int], *properties: bytes) -> Item:
    """A picture of the tiles that are the items from the second on."""
    layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
    tiles = tuple(range(2, 2 + columns * rows))
    extent = full_box(b"ispe", struct.pack(">II", *size))
    pixels = full_box(b"pixi", bytes((3, 8, 8, 8)))
    return Item(layout, (extent, pixels, *properties), b"grid", {b"dimg": tiles})


def avif(*items: Item) -> bytes:
    """A file of still pictures, the first of which is the primary one."""
    start = box(b"ftyp", b"avif\0\0\0\0avifmif1miaf")
    # The places of the data depend on the length of what names them.
    offset = len(start) + len(_meta(items, 0)) + 8
    return start + _meta(items, offset) + box(b"mdat", *(item.data for item in items))


def _meta(items: tuple[Item, ...], offset: int) -> bytes:
    places, infos, references = b"", b"", b""
    kept: list[bytes] = []
    associations = struct.pack(">I", len(items))
    for number, item in enumerate(items, 1):
        places += struct.pack(">HHHII", number, 0, 1, offset, len(item.data))
        offset += len(item.data)
        infos += full_box(b"infe", struct.pack(">HH4s", number, 0, item.kind), b"\0", version=2)
        associations += struct.pack(">HB", number, len(item.properties))
        for one in item.properties:
            kept.append(one)
            associations += bytes([len(kept)])
        for kind, others in item.references.items():
            listed = struct.pack(f">HH{len(others)}H", number, len(others), *others)
            references += box(kind, listed)
    return full_box(
        b"meta",
        full_box(b"hdlr", bytes(4) + b"pict" + bytes(13)),
        full_box(b"pitm", struct.pack(">H", 1)),
        full_box(b"iloc", b"\x44\0", struct.pack(">H", len(items)), places),
        full_box(b"iinf", struct.pack(">H", len(items)), infos),
        full_box(b"iref", references) if references else b"",
        box(b"iprp", box(b"ipco", *kept), full_box(b"ipma", associations)),
    )
