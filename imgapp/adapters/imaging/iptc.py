"""IPTC: reads caption and keywords (IIM 4.2), alone or among Photoshop's image resources."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from imgapp.adapters.imaging.carried_words import DEFAULT, CarriedWords
from imgapp.adapters.imaging.sanitize import decode_text

_KEYWORDS, _CAPTION = (2, 25), (2, 120)
_MARKER = 0x1C
_RESOURCES = (b"Photoshop 3.0\0", b"8BIM")
_IPTC_RESOURCE = 0x0404


def read_iptc(data: bytes) -> CarriedWords:
    """Read a block. Raises struct.error."""
    words = CarriedWords()
    caption = ""
    for number, value in _datasets(_in_order(_image_resource(data))):
        # The declared character set (1:90) is no help: files declare UTF-8 and are Latin-1.
        if number == _KEYWORDS:
            words.keywords.append(decode_text(value))
        elif number == _CAPTION:
            caption = decode_text(value)
    words.captions.append({DEFAULT: caption})
    return words


def _image_resource(data: bytes) -> bytes:
    """The IPTC block among Photoshop's image resources; `data` if there are none."""
    if not data.startswith(_RESOURCES):
        return data
    at = data.find(b"8BIM")
    while data[at : at + 4] == b"8BIM":
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (data[at + 6] + 2) // 2 * 2
        (size,) = struct.unpack_from(">I", data, at)
        if number == _IPTC_RESOURCE:
            return data[at + 4 : at + 4 + size]
        at += 4 + (size + 1) // 2 * 2
    return b""


def _in_order(data: bytes) -> bytes:
    """libvips hands out what a big-endian TIFF calls whole numbers with every four bytes reversed,
    and the first byte of a block is its marker."""
    if data[:1] == bytes([_MARKER]) or data[3:4] != bytes([_MARKER]):
        return data
    whole = len(data) // 4
    return struct.pack(f">{whole}I", *struct.unpack_from(f"<{whole}I", data))


def _datasets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while at + 5 <= len(data) and data[at] == _MARKER:
        record, dataset, size = struct.unpack_from(">BBH", data, at + 1)
        at += 5 + size
        # Neither an extended dataset (pictures carry no captions that long) nor one that is cut.
        if size & 0x8000 or at > len(data):
            return
        yield (record, dataset), data[at - size : at]
