"""Text of files: strips what is unfit to store and to show (sanitising)."""

from __future__ import annotations

import codecs
import re
import unicodedata

_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_UNWANTED = re.compile(f"[{_CONTROL}{_BIDI}\ufeff\ufffd\ufffe\uffff\ud800-\udfff]")


def clean_text(value: str, limit: int) -> str:
    """At most `limit` characters, without what PostgreSQL refuses (NUL, lone surrogates) and what
    disturbs a page or a terminal (control and bidirectional formatting characters)."""
    value = value[: limit * 4].replace("\r\n", "\n").replace("\r", "\n")
    value = _UNWANTED.sub("", value)
    return unicodedata.normalize("NFC", value).strip()[:limit].rstrip()


def clean_line(value: str, limit: int) -> str:
    """Like `clean_text`, on one line."""
    return clean_text(" ".join(value[: limit * 4].split()), limit)


def decode_text(data: bytes) -> str:
    """UTF-8 where it is, though its last character may be cut; else Windows-1252, which old
    programs wrote without saying so, or while they said that it is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(data)
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
    rest, _ = decoder.getstate()
    # One letter beyond ASCII at the very end is no sign of UTF-8: "Caf\xe9".
    return data.decode("cp1252", errors="replace") if rest and text.isascii() else text
