"""PNG chunks: finds XMP, EXIF, IPTC and words wherever a PNG may have them (PNG 3, 11.3)."""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from imgapp.adapters.imaging.carried_words import DEFAULT, CarriedWords, Texts, language_tag
from imgapp.adapters.imaging.sanitize import decode_text

_MOST_CHUNKS = 200_000
_MOST_WORDS = 50
_LONGEST_PROFILE, _LONGEST_TEXT = 4_000_000, 100_000
"""In bytes, unpacked. Hexadecimal takes two for one."""

_XMP_KEYWORD, _RAW_PROFILE = b"XML:com.adobe.xmp", b"Raw profile type "
_XMP_START = b"http://ns.adobe.com/xap/1.0/\0"
_PROFILES = {
    b"exif": "exif-data",
    b"APP1": "exif-data",
    b"xmp": "xmp-data",
    b"iptc": "iptc-data",
    b"8bim": "photoshop-data",
}


@contextmanager
def mapped(source: Path) -> Iterator[mmap.mmap]:
    """A file's bytes, of which only those that are looked at are read."""
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        yield data


def find_in_png(data: mmap.mmap) -> dict[str, bytes]:
    """Metadata blocks by the names of libvips: in chunks of their own, on whichever side of the
    pixels, or as exiftool, exiv2 and ImageMagick write them ("Raw profile type")."""
    own: dict[str, bytes] = {}
    raw: dict[bytes, bytes] = {}
    for kind, body in _chunks(data, (b"eXIf", b"tEXt", b"zTXt", b"iTXt")):
        keyword = body[:80].partition(b"\0")[0]
        profile = keyword.removeprefix(_RAW_PROFILE)
        if kind == b"eXIf":
            own.setdefault("exif-data", body)
        elif keyword == _XMP_KEYWORD and "xmp-data" not in own:
            own["xmp-data"] = _unpacked(kind, body, _LONGEST_PROFILE)[1]
        elif profile in _PROFILES and profile != keyword and profile not in raw:
            raw[profile] = _from_hexadecimal(_unpacked(kind, body, _LONGEST_PROFILE)[1])
    return dict(_named(name, block) for name, block in raw.items() if block) | own


def _named(profile: bytes, block: bytes) -> tuple[str, bytes]:
    if block.startswith(_XMP_START):
        return "xmp-data", block.removeprefix(_XMP_START)
    return _PROFILES[profile], block


def _from_hexadecimal(text: bytes) -> bytes:
    """A raw profile: its name, its length and its bytes, each on lines of their own. b"" if cut."""
    with suppress(ValueError):
        _, _, length, digits = text.split(b"\n", 3)
        block, size = bytes.fromhex(digits.decode("ascii")), int(length)
        return block[:size] if size <= len(block) else b""
    return b""


def read_png_words(source: Path) -> CarriedWords:
    """Description and Title, the captions that come from no metadata block."""
    said: dict[bytes, Texts] = {b"Description": {}, b"Title": {}}
    with mapped(source) as data:
        chunks = _chunks(data, (b"tEXt", b"zTXt", b"iTXt"))
        named = ((kind, body, body[:80].partition(b"\0")[0]) for kind, body in chunks)
        words = ((kind, body, said[keyword]) for kind, body, keyword in named if keyword in said)
        for kind, body, texts in islice(words, _MOST_WORDS):
            language, text = _unpacked(kind, body, _LONGEST_TEXT)
            texts.setdefault(language, decode_text(text))
    return CarriedWords(captions=list(said.values()))


def _chunks(data: mmap.mmap, kinds: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind in kinds and size <= _LONGEST_PROFILE:
            yield kind, data[at + 8 : at + 8 + size]
        at += 12 + size


def _unpacked(kind: bytes, body: bytes, limit: int) -> tuple[str, bytes]:
    """Language tag and text of a `tEXt`, `zTXt` or `iTXt` chunk, without its keyword; b"" if it is
    damaged."""
    text = body.partition(b"\0")[2]
    language, packed = DEFAULT, kind == b"zTXt"
    if kind == b"zTXt":
        text = text[1:]
    elif kind == b"iTXt":
        packed = text[:1] == b"\1"
        tag, _, rest = text[2:].partition(b"\0")
        language = language_tag(tag.decode("latin-1"))
        text = rest.partition(b"\0")[2]
    if packed:
        with suppress(zlib.error):
            return language, zlib.decompressobj().decompress(text, limit)
        return language, b""
    return language, text[:limit]
