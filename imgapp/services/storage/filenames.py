"""File names: clean one to show, and make one that is safe as part of a key (sanitising)."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress

from imgapp.adapters.imaging.sanitize import clean_line

MAX_SHOWN = 255
_MAX_PORTABLE = 200
"""Bytes; file systems take 255, and a number may follow."""
_MAX_SAFE = 100

_EXTENSIONS = {
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/png": (".png", ".apng"),
    "image/webp": (".webp",),
    "image/gif": (".gif",),
    "image/avif": (".avif",),
    "image/heic": (".heic", ".hif", ".heif"),
    "image/heif": (".heif", ".hif", ".heic"),
    "image/tiff": (".tif", ".tiff"),
    "image/bmp": (".bmp", ".dib"),
}


_ESCAPED = re.compile("[\udc80-\udcff]")
"""Bytes that are no UTF-8, as Python has them in the name of a file."""
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|\Z)", re.I
)
"""Devices, on Windows, whatever the extension."""
_LATIN_1 = re.compile("(?=.*[\x80-\x9f])[\x00-\xff]*", re.S)
"""Bytes that were no UTF-8, as the name of a file in a form comes: no name has controls."""
_KANA = re.compile("[\u3041-\u30ff]")
_KANJI = re.compile(b"(?=[\x88-\x98]|..[\x88-\x98])(?:[\x88-\x9f\xe0-\xea][\x40-\xfc]){2}", re.S)
"""Two in a row, one of them common: é and a letter are a rare one."""
_CYRILLIC = re.compile(rb"[\xc0-\xff]{3}")


def shown_name(name: str, mime_type: str | None = None) -> str:
    """The last part of a path, on one line, without characters that disturb; never empty."""
    if _ESCAPED.search(name):
        name = decode_name(name.encode("utf-8", "surrogateescape"))
    elif _LATIN_1.fullmatch(name):
        name = decode_name(name.encode("latin-1"))
    last = re.split(r"[/\\]", name.replace("\0", ""))[-1]
    cleaned = clean_line(last, MAX_SHOWN * 4)
    if cleaned.strip(". ") == "":
        return f"picture{_EXTENSIONS.get(mime_type or '', ('',))[0]}"
    if len(cleaned) <= MAX_SHOWN:
        return cleaned
    stem, dot, extension = cleaned.rpartition(".")
    if not dot or len(extension) > 10:
        return cleaned[:MAX_SHOWN]
    return f"{stem[: MAX_SHOWN - len(extension) - 1]}.{extension}"


def safe_name(name: str, mime_type: str) -> str:
    """ASCII letters, digits, dots, dashes and underscores; starts with a letter or digit.

    The extension is one of the type that the content has, so that no other program takes the file
    for something else.
    """
    stem, extension = _parts(name, mime_type)
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).lstrip("._-")
    return f"{plain[:_MAX_SAFE].rstrip('.-') or 'picture'}.{extension}"


def portable_name(name: str, mime_type: str) -> str:
    """A name that every file system takes, in its own script; with the extension of the content.

    What Windows does not allow becomes `_`, and what it keeps for devices gets one.
    """
    stem, extension = _parts(shown_name(name, mime_type), mime_type)
    stem = re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", stem).lstrip(".").rstrip(". ")
    stem = _RESERVED.sub(lambda device: f"{device[0]}_", stem, count=1)
    stem = stem.encode()[:_MAX_PORTABLE].decode(errors="ignore").rstrip(". ")
    return f"{stem or 'picture'}.{extension}"


def has_picture_extension(name: str) -> bool:
    """Whether the name ends as those of pictures do that imgapp reads."""
    return name.lower().endswith(
        tuple(ending for known in _EXTENSIONS.values() for ending in known)
    )


def decode_name(data: bytes) -> str:
    """The name of a file as text: UTF-8, or else what it most likely is.

    Shift-JIS where that gives Japanese words, Windows-1251 where letters stand in rows that no
    Western word has, and Windows-1252.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    with suppress(UnicodeDecodeError):
        text = data.decode("cp932")
        if _KANA.search(text) or _KANJI.search(data):
            return text
    encoding = "cp1251" if _CYRILLIC.search(data) else "cp1252"
    with suppress(UnicodeDecodeError):
        return data.decode(encoding)
    return data.decode("latin-1")


def _parts(name: str, mime_type: str) -> tuple[str, str]:
    """Stem and extension, which is one of the content's type."""
    known = _EXTENSIONS[mime_type]
    stem, dot, extension = name.rpartition(".")
    return (stem, extension) if f"{dot}{extension}".lower() in known else (name, known[0][1:])
