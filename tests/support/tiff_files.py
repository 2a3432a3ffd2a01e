"""TIFF files put together tag by tag (TIFF 6.0), for variants that no library here writes."""

from __future__ import annotations

import io
import struct

from PIL import Image

Values = int | tuple[int, ...]


def tiff(data: bytes, tags: dict[int, Values], *, order: str = "<") -> bytes:
    """A file of one strip; its directory stands behind the pixels. Values are 16 or 32 bits."""
    tags = {273: 8, 279: len(data), 277: 1, 259: 1, 262: 1} | tags
    start = 8 + len(data) + len(data) % 2
    directory, beyond = struct.pack(f"{order}H", len(tags)), b""
    for tag, values in sorted(tags.items()):
        listed = values if isinstance(values, tuple) else (values,)
        wide = max(listed) > 0xFFFF
        packed = struct.pack(f"{order}{len(listed)}{'I' if wide else 'H'}", *listed)
        if len(packed) > 4:
            at = start + 2 + 12 * len(tags) + 4 + len(beyond)
            beyond += packed
            packed = struct.pack(f"{order}I", at)
        directory += struct.pack(f"{order}HHI", tag, 4 if wide else 3, len(listed))
        directory += packed.ljust(4, b"\0")
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    return head + data + bytes(len(data) % 2) + directory + bytes(4) + beyond


def old_jpeg(image: Image.Image, *, tiled: bool = False, orientation: int = 1) -> bytes:
    """A JPEG in the way of TIFF 6.0, section 22; scanners wrote it and later ones forbid it."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, subsampling=0)
    data, (width, height) = file.getvalue(), image.size
    tags: dict[int, Values] = {
        256: width,
        257: height,
        258: (8, 8, 8),
        259: 6,
        262: 6,
        274: orientation,
        277: 3,
        513: 8,
        514: len(data),
        530: (1, 1),
    }
    if tiled:
        tags |= {322: width, 323: height, 324: 8, 325: len(data)}
    return tiff(data, tags)
