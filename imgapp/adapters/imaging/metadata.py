"""Metadata: reads camera, exposure and date from a file, never where it was taken (EXIF)."""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any, BinaryIO

from PIL.Image import Exif

from imgapp.adapters.imaging.sanitize import clean_line, decode_text

_MAKE, _MODEL, _ORIENTATION, _DATE, _EXIF_IFD = 271, 272, 274, 306, 0x8769
_EXPOSURE, _F_NUMBER, _ISO, _FOCAL = 33434, 33437, 34855, 37386
_DATE_ORIGINAL, _OFFSET, _OFFSET_ORIGINAL, _LENS = 36867, 36880, 36881, 42036
_FOCAL_35MM = 41989


def read_facts(exif: bytes | BinaryIO | None) -> dict[str, Any]:
    """Read the camera's facts from an EXIF block (or a TIFF file, which is one).

    Keys, where known: `camera_make`, `camera_model`, `lens`, `exposure_time` (seconds),
    `f_number`, `iso`, `focal_length` and `focal_length_35mm` (millimetres), `taken_at` (ISO 8601,
    with an offset where the camera wrote one).
    """
    if exif is None:
        return {}
    tags: dict[int, Any] = {}
    # Whatever a stranger's bytes do to a parser, the picture itself is still good.
    with suppress(Exception):
        tags = _tags(exif)
    facts = {
        "camera_make": _line(tags.get(_MAKE)),
        "camera_model": _line(tags.get(_MODEL)),
        "lens": _line(tags.get(_LENS)),
        "exposure_time": _number(tags.get(_EXPOSURE), 1e-6, 1e5),
        "f_number": _number(tags.get(_F_NUMBER), 0.1, 1000),
        "iso": _whole(tags.get(_ISO), 1, 10_000_000),
        "focal_length": _number(tags.get(_FOCAL), 0.1, 100_000),
        "focal_length_35mm": _whole(tags.get(_FOCAL_35MM), 1, 100_000),
        "taken_at": _taken_at(tags),
    }
    return {name: value for name, value in facts.items() if value is not None}


def load_exif(source: bytes | BinaryIO) -> Exif:
    """Parse an EXIF block, or a TIFF file, which is one. Raises whatever Pillow raises."""
    exif = Exif()
    if isinstance(source, bytes):
        exif.load(source)
    else:
        exif.load_from_fp(source)
    return exif


def read_orientation(exif: bytes) -> int:
    """How the pixels are to be turned: 1 (not at all) to 8 (EXIF 2.32, 4.6.5.1)."""
    turn = None
    with suppress(Exception):
        turn = load_exif(exif).get(_ORIENTATION)
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def _tags(source: bytes | BinaryIO) -> dict[int, Any]:
    exif = load_exif(source)
    tags: dict[int, Any] = {}
    with suppress(Exception):
        tags.update(exif.get_ifd(_EXIF_IFD))
    for tag in (_MAKE, _MODEL, _DATE):
        with suppress(Exception):
            tags.setdefault(tag, exif.get(tag))
    return tags


def _line(value: object) -> str | None:
    # Pillow reads all text as Latin-1; nowadays it is UTF-8, if not plain ASCII.
    data = value.encode("latin-1", errors="replace") if isinstance(value, str) else value
    if not isinstance(data, bytes):
        return None
    # Cameras pad with NUL, and what follows the first one is rubbish.
    return clean_line(decode_text(data.split(b"\0")[0]), 200) or None


def _number(value: object, least: float, most: float) -> float | None:
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    try:
        number = float(Fraction(str(value))) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return float(f"{number:.6g}") if least <= number <= most else None


def _whole(value: object, least: int, most: int) -> int | None:
    number = _number(value, least, most)
    return None if number is None else round(number)


_EXIF_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_EXIF_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def _taken_at(tags: dict[int, Any]) -> str | None:
    for date, offset in ((_DATE_ORIGINAL, _OFFSET_ORIGINAL), (_DATE, _OFFSET)):
        match = _EXIF_DATE.match(_line(tags.get(date)) or "")
        if match is None:
            continue
        with suppress(ValueError):
            taken = datetime(*(int(part) for part in match.groups()))  # type: ignore[arg-type]
            # The first photograph is from 1826; a clock may run ahead by a time zone.
            if taken.year >= 1826 and taken < datetime.now() + timedelta(days=1):
                return taken.replace(tzinfo=_zone(_line(tags.get(offset)))).isoformat()
    return None


def _zone(offset: str | None) -> timezone | None:
    match = _EXIF_OFFSET.fullmatch(offset or "")
    if match is None:
        return None
    away = timedelta(hours=int(match[2]), minutes=int(match[3]))
    with suppress(ValueError):
        return timezone(-away if match[1] == "-" else away)
    return None


def profile_name(icc: bytes | None) -> str | None:
    """The description of an ICC profile (ICC.1, tag `desc`): "Display P3", "Adobe RGB (1998)"."""
    if not icc:
        return None
    with suppress(Exception):
        (count,) = struct.unpack_from(">I", icc, 128)
        for entry in range(min(count, 100)):
            name, at, size = struct.unpack_from(">4sII", icc, 132 + 12 * entry)
            if name == b"desc":
                return clean_line(_description(icc[at : at + size]), 80) or None
    return None


def _description(tag: bytes) -> str:
    if tag[:4] == b"mluc":
        size, at = struct.unpack_from(">II", tag, 20)
        return tag[at : at + size].decode("utf-16-be", errors="replace")
    (size,) = struct.unpack_from(">I", tag, 8)
    return tag[12 : 12 + size].split(b"\0")[0].decode("latin-1")
