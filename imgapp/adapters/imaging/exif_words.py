"""EXIF words: reads the captions and keywords of an EXIF block (EXIF 2.32, 4.6.5; Windows)."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from PIL.Image import Exif

from imgapp.adapters.imaging.carried_words import DEFAULT, CarriedWords
from imgapp.adapters.imaging.metadata import load_exif
from imgapp.adapters.imaging.sanitize import decode_text

_EXIF_IFD = 0x8769
_DESCRIPTION, _USER_COMMENT = 270, 37510
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS = 40091, 40092, 40094
_MAKE, _MODEL = 271, 272
_MOST_BYTES = 100_000

# These phones write the mode of their lens as the description, in a word: "oznorCO", "hdr", "rbt".
_MODE_WRITERS, _MODE = re.compile(r"huawei|honor", re.IGNORECASE), re.compile(r"[a-z][a-zA-Z]{2,8}")

# The codes of the EXIF standard, of eight bytes each.
_CODES = {b"ASCII": "ascii", b"JIS": "jis", b"UNICODE": "unicode", b"": "unknown"}


def read_exif_words(source: bytes | BinaryIO) -> tuple[CarriedWords, list[str]]:
    """Read a block (or a TIFF file, which is one): its words, and the camera's make and model.

    Raises whatever Pillow raises at broken ones.
    """
    exif = load_exif(source)
    order = "utf-16-le" if exif.endian == "<" else "utf-16-be"
    said = [
        _text(exif, _DESCRIPTION, _plain),
        _text(exif, _XP_COMMENT, _utf_16),
        _text(_exif_ifd(exif), _USER_COMMENT, lambda data: _user_comment(data, order)),
        _text(exif, _XP_TITLE, _utf_16),
    ]
    camera = [_text(exif, tag, _plain) for tag in (_MAKE, _MODEL)]
    if _MODE.fullmatch(said[0].strip()) and _MODE_WRITERS.search(camera[0]):
        said[0] = ""
    keywords = _text(exif, _XP_KEYWORDS, _utf_16).split(";")
    return CarriedWords(captions=[{DEFAULT: text} for text in said], keywords=keywords), camera


def _exif_ifd(exif: Exif) -> dict[int, Any]:
    with suppress(Exception):
        return exif.get_ifd(_EXIF_IFD)
    return {}


def _text(tags: Any, tag: int, decode: Callable[[bytes], str]) -> str:
    with suppress(Exception):
        value = tags.get(tag)
        # Pillow reads all text as Latin-1; and bytes as numbers, where there is but one of them.
        if isinstance(value, str):
            value = value.encode("latin-1")
        if isinstance(value, tuple | list):
            value = bytes(value)
        if isinstance(value, bytes):
            return decode(value[:_MOST_BYTES])
    return ""


def _plain(data: bytes) -> str:
    # Cameras pad with NUL, and what follows the first one is rubbish.
    return decode_text(data.split(b"\0")[0])


def _utf_16(data: bytes) -> str:
    return _until_nul(data.decode("utf-16-le", errors="replace"))


def _user_comment(data: bytes, order: str) -> str:
    code = _CODES.get(data[:8].rstrip(b"\0 ").upper())
    if code is None:
        return _plain(data)
    return _until_nul(_decoded(code, data[8:], order))


def _decoded(code: str, data: bytes, order: str) -> str:
    if code == "unicode":
        return _unicode(data, order)
    if code == "jis" and b"\x1b" in data:
        return data.decode("iso2022_jp", errors="replace")
    with suppress(UnicodeDecodeError):
        if code == "jis":
            return data.decode("shift_jis")
    return _plain(data)


def _unicode(data: bytes, order: str) -> str:
    """UTF-16 in the byte order of the block, unless it is plainly in the other one."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    other = "utf-16-be" if order == "utf-16-le" else "utf-16-le"
    swapped = data.decode(other, errors="replace")
    if re.fullmatch(r"[\t\n\r -~]{3,}\0*", swapped):
        return swapped
    return data.decode(order, errors="replace")


def _until_nul(text: str) -> str:
    return text.split("\0")[0]
