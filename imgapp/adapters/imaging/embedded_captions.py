"""Embedded captions: reads alt text, captions and keywords from a file (IPTC IIM, XMP)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from xml.etree import ElementTree

from imgapp.adapters.imaging.sanitize import clean_line, clean_text, decode_text

MAX_ALT_TEXT, MAX_DESCRIPTION, MAX_TAGS, MAX_TAG = 2_000, 20_000, 100, 100
_MAX_XMP = 2_000_000

# Cameras write these into the caption by themselves.
_CAMERA_CAPTIONS = re.compile(
    r"((olympus|minolta|konica minolta|kodak|sony|samsung|casio|vivitar)? ?digital (still )?camera"
    r"|sony dsc|samsung|samsung camera pictures|dcim[\w\\/.]*|(dsc|img)[\w.-]*\d+|default"
    r"|untitled|image)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class EmbeddedCaptions:
    """What a person wrote into the file. None is: nothing."""

    alt_text: str | None = None
    description: str | None = None
    tags: list[str] | None = None


@dataclass
class _Words:
    alt_text: str = ""
    extended: str = ""
    caption: str = ""
    keywords: list[str] = field(default_factory=list)


def read_carried(xmp: bytes | None, iptc: bytes | None) -> EmbeddedCaptions:
    """Read alt text, description and tags. XMP goes before IPTC; damaged blocks count as absent."""
    newer, older = _Words(), _Words()
    # Whatever a stranger's bytes do to a parser, the picture itself is still good.
    if xmp:
        with suppress(Exception):
            newer = _read_xmp(xmp)
    if iptc:
        with suppress(Exception):
            older = _read_iptc(iptc)
    caption = newer.extended or _caption(newer.caption) or _caption(older.caption)
    return EmbeddedCaptions(
        alt_text=clean_text(newer.alt_text, MAX_ALT_TEXT) or None,
        description=clean_text(caption, MAX_DESCRIPTION) or None,
        tags=_tags([*newer.keywords, *older.keywords]) or None,
    )


def _caption(value: str) -> str:
    return "" if _CAMERA_CAPTIONS.fullmatch(value.strip()) else value


def _tags(keywords: Iterable[str]) -> list[str]:
    tags: dict[str, str] = {}
    for keyword in keywords:
        tag = clean_line(keyword, MAX_TAG)
        if tag:
            tags.setdefault(tag.casefold(), tag)
    return list(tags.values())[:MAX_TAGS]


# XMP (ISO 16684-1) is RDF in XML.

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_IPTC_CORE = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def _read_xmp(data: bytes) -> _Words:
    root = _parse_xml(data)
    return _Words(
        alt_text=_language_alternative(root, f"{_IPTC_CORE}AltTextAccessibility"),
        extended=_language_alternative(root, f"{_IPTC_CORE}ExtDescrAccessibility"),
        caption=_language_alternative(root, f"{_DC}description"),
        keywords=[item.text or "" for item in root.iterfind(f".//{_DC}subject//{_RDF}li")],
    )


def _parse_xml(data: bytes) -> ElementTree.Element:
    """Parse a packet that declares nothing: no document type, hence no entities to expand."""
    if len(data) > _MAX_XMP:
        raise ValueError("XMP packet too long")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = data.decode(encoding, errors="replace").strip("\0 \t\r\n\ufeff")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("XMP packet with a document type")
    text = re.sub(r"^<\?xml[^>]*\?>", "", text)
    return ElementTree.fromstring(text)  # noqa: S314


def _language_alternative(root: ElementTree.Element, name: str) -> str:
    """The default language of an `rdf:Alt`, else its first, else a plain value."""
    for element in root.iter(f"{_RDF}Description"):
        if element.get(name):
            return element.get(name, "")
    found = root.find(f".//{name}")
    if found is None:
        return ""
    items = {item.get(_LANG, ""): item.text or "" for item in found.iter(f"{_RDF}li")}
    return items.get("x-default") or next(iter(items.values()), found.text or "")


# IPTC-IIM 4.2: datasets, in a file of their own or in a Photoshop image resource.

_CHARACTER_SET, _KEYWORDS, _CAPTION = (1, 90), (2, 25), (2, 120)
_UTF_8 = b"\x1b%G"


def _read_iptc(data: bytes) -> _Words:
    datasets = list(_datasets(_image_resource(data)))
    declared_utf8 = (_CHARACTER_SET, _UTF_8) in datasets
    words = _Words()
    for number, value in datasets:
        text = value.decode("utf-8", errors="replace") if declared_utf8 else decode_text(value)
        if number == _KEYWORDS:
            words.keywords.append(text)
        elif number == _CAPTION:
            words.caption = text
    return words


def _image_resource(data: bytes) -> bytes:
    """The IPTC block (id 0x0404) among Photoshop's image resources; `data` if there are none."""
    if not data.startswith((b"Photoshop 3.0\0", b"8BIM")):
        return data
    at = data.find(b"8BIM")
    while data[at : at + 4] == b"8BIM":
        (number,) = struct.unpack_from(">H", data, at + 4)
        at += 6 + (data[at + 6] + 2) // 2 * 2
        (size,) = struct.unpack_from(">I", data, at)
        if number == 0x0404:
            return data[at + 4 : at + 4 + size]
        at += 4 + (size + 1) // 2 * 2
    return b""


def _datasets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        record, dataset, size = struct.unpack_from(">BBH", data, at + 1)
        if size & 0x8000:
            return  # An extended dataset: pictures do not carry captions that long.
        yield (record, dataset), data[at + 5 : at + 5 + size]
        at += 5 + size
