"""File names: clean one to show, and make one that is safe as part of a key (sanitising)."""

from __future__ import annotations

import re
import unicodedata

from imgapp.adapters.imaging.sanitize import clean_line

MAX_SHOWN = 255
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


def shown_name(name: str, mime_type: str | None = None) -> str:
    """The last part of a path, on one line, without characters that disturb; never empty."""
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
    known = _EXTENSIONS[mime_type]
    stem, dot, extension = name.rpartition(".")
    if f"{dot}{extension}".lower() not in known:
        stem, extension = name, known[0][1:]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).lstrip("._-")
    return f"{plain[:_MAX_SAFE].rstrip('.-') or 'picture'}.{extension}"
